"""Where each image of a dataset goes when it is saved, and where an earlier run put it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..common.files import fitting_name, name_key
from ..common.texture_dataset import Sample, TextureDataset
from .written_files import WrittenFile, read_written_captions, read_written_files, source_key

KOHYA, HUGGING_FACE = "kohya", "Hugging Face"
LAYOUTS = [KOHYA, HUGGING_FACE]


@dataclass(frozen=True)
class Saving:
    """How to write. concept names kohya's folders; captions is "keep", "append" or "overwrite"; bits is 8 or 16
    for data maps, colour is always 8. roots are the folders that may be written to. sync removes what an earlier
    run wrote and this dataset does not hold."""

    layout: str
    concept: str
    captions: str
    bits: int
    roots: Sequence[Path]
    sync: bool = False


@dataclass(frozen=True)
class Plan:
    """A sample and its file. earlier is where a former run put the same picture, None for nowhere else; known is
    what the folder's list says of the file that stands at `target`, own_words the digest of the caption that a former
    run left there or at `earlier`, "" where a person wrote it."""

    sample: Sample
    background: tuple[float, float, float]
    target: Path
    earlier: Path | None = None
    known: WrittenFile | None = None
    own_words: str = ""

    @property
    def source(self) -> str:
        return source_key(self.sample.file)


def plan_files(folder: Path, parts: Mapping[str, TextureDataset], saving: Saving) -> list[Plan]:
    """A file for each sample: the one that an earlier run gave it in the same folder, else one by its name. Images of
    the same name from different folders get numbers."""
    known, words = read_written_files(folder), read_written_captions(folder)
    earlier: dict[str, list[Path]] = {}
    for path, one in known.items():
        earlier.setdefault(one.source, []).append(path)
    samples = [
        (sample, dataset.background, folder / _folder_name(part, sample, saving))
        for part, dataset in parts.items()
        for sample in dataset.samples
    ]
    own = [_earlier_in(earlier.get(source_key(sample.file), []), parent) for sample, _, parent in samples]
    taken = {_key(path) for path in own if path}
    targets = [
        path or _free_target(parent, sample, taken) for (sample, _, parent), path in zip(samples, own, strict=True)
    ]
    plans = []
    for (sample, background, _), target in zip(samples, targets, strict=True):
        elsewhere = [path for path in earlier.get(source_key(sample.file), []) if _key(path) not in taken]
        before = next(iter(elsewhere), None)
        caption = words.get(target) or (words.get(before) if before else None)
        own_words = caption.digest if caption and not caption.by_hand else ""
        plans.append(Plan(sample, background, target, before, known.get(target), own_words))
    return plans


def _earlier_in(paths: Sequence[Path], parent: Path) -> Path | None:
    return next((path for path in paths if path.parent == parent), None)


def _free_target(parent: Path, sample: Sample, taken: set[str]) -> Path:
    number = 1
    while True:
        target = parent / fitting_name(sample.file.stem, ".png" if number == 1 else f" ({number}).png")
        if _key(target) not in taken:
            taken.add(_key(target))
            return target
        number += 1


def _key(path: Path) -> str:
    return name_key(str(path))


def _folder_name(part: str, sample: Sample, saving: Saving) -> str:
    parent = f"{part}_regularisation" if sample.regularisation else part
    return parent if saving.layout == HUGGING_FACE else f"{parent}/{sample.repeats}_{saving.concept}"
