"""Reports of loading, saving, cleaning and bucketing."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from ..common.dataset_counts import count_dataset, counted, dataset_warnings
from ..common.files import shown_name
from ..common.map_files import Note
from ..common.texture_dataset import Rejected, Sample, TextureDataset, rejected_by_reason
from .bucketing import Bucketed
from .clean import Cleaned
from .load import Loaded
from .save import Saved


def load_report(dataset: TextureDataset, folder: Path, loaded: Loaded, shown: int) -> str:
    """Counts by map, sizes, captions and repeats, what may spoil a training, what was done to files on reading them,
    then the files that were left out, by reason."""
    rejected = loaded.rejected
    lines = [*_by_role(dataset, f"from {folder}"), *dataset_warnings(count_dataset(dataset))]
    if shown < len(dataset):
        lines.append(f"The images output holds the first {shown}; raise image_limit for more. The dataset holds all.")
    if loaded.notes:
        lines += ["", "On reading:", *(f"  {line}" for line in _notes(loaded.notes, folder))]
    if rejected:
        lines += ["", *_left_out(rejected, folder)]
    return "\n".join(lines)


def join_report(dataset: TextureDataset) -> str:
    """Counts by map, sizes, captions and repeats, of the images to train on and of those for regularisation."""
    return "\n".join(_by_role(dataset, "to train on"))


def save_report(saved: Saved, folder: Path) -> str:
    """Counts of images and captions, files that could not be read, and images that this dataset did not write."""
    captions = ", ".join(f"{count} {outcome}" for outcome, count in sorted(saved.captions.items()))
    lines = [f"{counted(len(saved.files), 'image')} written to {folder}", f"  captions: {captions or 'none'}"]
    if saved.rejected:
        lines += _left_out(saved.rejected, folder)
    if saved.removed:
        names = _first([str(file.relative_to(folder)) for file in saved.removed])
        lines.append(f"{counted(len(saved.removed), 'file')} of an earlier save removed: {names}")
    if saved.backups:
        names = _first([str(file.relative_to(folder)) for file in saved.backups])
        lines.append(f"What was replaced, or could not be read, is kept beside it: {names}")
    if saved.unrelated_files:
        names = _first([str(file.relative_to(folder)) for file in saved.unrelated_files])
        others = counted(len(saved.unrelated_files), "other image")
        lines.append(f"{others} in the same folders, which would be trained too: {names}")
    return "\n".join(lines)


def clean_report(cleaned: Cleaned) -> str:
    """How many images passed, how many of them tile, and the rejected ones by reason."""
    kept = cleaned.kept.samples
    tiling = sum(sample.tileable for sample in kept)
    lines = [f"{len(kept)} of {len(kept) + len(cleaned.rejected)} images kept, {tiling} of them tileable."]
    return "\n".join([*lines, *(f"  {line}" for line in rejected_by_reason(cleaned.reasons, kept[0].file.parent))])


def bucket_report(bucketed: Bucketed, resolution: int) -> str:
    """Images of an epoch by size, the commonest first, then the files that suffer from it, the worst first."""
    lines = [f"{bucketed.counts.total()} images an epoch in {len(bucketed.counts)} buckets at resolution {resolution}:"]
    lines += [f"{count:6}  {width} × {height}" for (width, height), count in bucketed.counts.most_common()]
    lines += _worst(bucketed.enlarged, "enlarged by more than a tenth", lambda factor: f"×{factor:.2f}")
    lines += _worst(bucketed.cut, "cut by more than a tenth", lambda share: f"{share:.0%}")
    lines += _worst(bucketed.stretched, "tileable and stretched by more than a tenth", lambda factor: f"×{factor:.2f}")
    return "\n".join(lines)


def _left_out(rejected: Sequence[Rejected], folder: Path) -> list[str]:
    heading = f"{counted(len(rejected), 'file')} left out:"
    return [heading, *(f"  {line}" for line in rejected_by_reason(rejected, folder))]


def _notes(notes: Sequence[tuple[Path, Note]], folder: Path) -> list[str]:
    """One line for each thing that was done, with the files it was done to and the figures of each."""
    by_what: dict[str, list[str]] = {}
    for file, (what, figures) in notes:
        name = str(file.relative_to(folder) if file.is_relative_to(folder) else file)
        by_what.setdefault(what, []).append(f"{name} ({figures})" if figures else name)
    return [f"{what}: {_first(files)}" for what, files in by_what.items()]


def _first(names: Sequence[str], most: int = 20) -> str:
    return ", ".join(map(shown_name, names[:most])) + (f" and {len(names) - most} more" if len(names) > most else "")


def _worst(
    found: Sequence[tuple[Sample, float]], what: str, written: Callable[[float], str], most: int = 20
) -> list[str]:
    worst = sorted(found, key=lambda pair: -pair[1])
    named = ", ".join(f"{shown_name(sample.file.name)} ({written(number)})" for sample, number in worst[:most])
    return [f"{len(found)} {what}: {named}{', …' if len(worst) > most else ''}"] if found else []


def _by_role(dataset: TextureDataset, what: str) -> list[str]:
    training = [sample for sample in dataset.samples if not sample.regularisation]
    lines = [f"{counted(len(training), 'image')} {what}", *_described(training)]
    if len(training) < len(dataset):
        regularisation = [sample for sample in dataset.samples if sample.regularisation]
        lines += [counted(len(regularisation), "regularisation image"), *_described(regularisation)]
    return lines


def _described(samples: Sequence[Sample]) -> list[str]:
    maps = Counter(sample.map for sample in samples)
    sizes = Counter(f"{sample.size[0]} × {sample.size[1]}" for sample in samples)
    materials = len({sample.material for sample in samples})
    lines = [
        f"  maps: {_counts(maps)}; {counted(materials, 'material')}",
        f"  sizes: {_counts(sizes)}",
        f"  captions: {sum(bool(sample.caption) for sample in samples)} of {len(samples)}; "
        f"tileable: {sum(sample.tileable for sample in samples)}",
    ]
    if any(sample.repeats != 1 for sample in samples):
        lines.append(f"  {sum(sample.repeats for sample in samples)} images an epoch, with repeats")
    return lines


def _counts(counter: Counter[str], most: int = 8) -> str:
    listed = [f"{count} {name}" for name, count in counter.most_common(most)]
    return ", ".join(listed + ["…"] * (len(counter) > most))
