"""Sorting a dataset into images that are fit for training and images that are not."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from ..common.errors import InputError
from ..common.files import shown_name
from ..common.texture_dataset import Rejected, Sample, TextureDataset
from .checks import OFF, SAME, Checked, Rules, check_image
from .duplicates import FINGERPRINT, find_duplicates
from .parallel import in_parallel, pixels_of

Unit = tuple[str, int]
"""What stands or falls together: a material, and which of its copies."""


@dataclass(frozen=True)
class Cleaned:
    """kept and rejected divide the dataset, captions and all; reasons says why, one for each rejected sample."""

    kept: TextureDataset
    rejected: TextureDataset
    reasons: list[Rejected]


def clean_dataset(dataset: TextureDataset, rules: Rules, checked: Callable[[int, int], None]) -> Cleaned:
    """Divide a dataset by `rules`, its order unchanged. Raises `InputError` where nothing is left.

    A material counts as a duplicate only where all its maps are: colour variants share their height maps. Of
    duplicates the first stays. Kept images that turn out seamless are marked as tileable.
    """
    samples = dataset.samples
    results = check_all(dataset, rules, checked)
    reasons = [result.reason for result in results]
    _judge_normals(dataset.samples, results, rules.normals, reasons)
    if rules.duplicates:
        judge_duplicates(samples, results, reasons, lambda: checked(len(samples), len(samples)))
    kept = [
        replace(sample, tileable=sample.tileable or result.seamless, convention=sample.convention or result.convention)
        for sample, result, reason in zip(dataset.samples, results, reasons, strict=True)
        if reason is None
    ]
    rejected = [(sample, reason) for sample, reason in zip(dataset.samples, reasons, strict=True) if reason]
    listed = [Rejected(sample.file, reason) for sample, reason in rejected]
    if not kept:
        counts = Counter(reasons).most_common(3)
        found = "; ".join(f"{count} {reason}" for reason, count in counts) or "the dataset is empty"
        raise InputError(f"No image passed the checks: {found}. Loosen the limits that reject them.")
    return Cleaned(
        replace(dataset, samples=tuple(kept)),
        replace(dataset, samples=tuple(sample for sample, _ in rejected)),
        listed,
    )


def check_all(dataset: TextureDataset, rules: Rules, checked: Callable[[int, int], None]) -> list[Checked]:
    """Check every image by itself, in the dataset's order. `checked(done, total)` is called after each."""
    # one tensor for all fingerprints: small ones, kept among pictures that come and go, leave holes between them
    with torch.inference_mode(False):  # threads fill it, and that mode of the caller's is not theirs
        fingerprints = torch.empty(len(dataset) if rules.duplicates else 0, *FINGERPRINT, dtype=torch.complex64)

    def check(item: tuple[int, Sample]) -> Checked:
        index, sample = item
        result = check_image(sample, dataset.background, rules)
        if result.fingerprint is None:
            return result
        fingerprints[index] = result.fingerprint
        return replace(result, fingerprint=fingerprints[index])

    return in_parallel(check, list(enumerate(dataset.samples)), checked, lambda item: pixels_of(item[1]))


def _judge_normals(samples: Sequence[Sample], results: Sequence[Checked], mode: str, reasons: list[str | None]) -> None:
    """A map whose pixels contradict its name, or the convention that is wanted, would teach the wrong light."""
    if mode == OFF:
        return
    conventions = Counter(result.convention for result in results if result.convention)
    wanted = (conventions.most_common(1)[0][0] if conventions else "") if mode == SAME else mode
    for index, (sample, result) in enumerate(zip(samples, results, strict=True)):
        if reasons[index] is None and result.convention:
            if sample.convention not in ("", result.convention):
                reasons[index] = f"named {sample.convention}, but its pixels are {result.convention}"
            elif result.convention != wanted:
                reasons[index] = f"{result.convention} normals among {wanted} ones"


def judge_duplicates(
    samples: Sequence[Sample], results: Sequence[Checked], reasons: list[str | None], pause: Callable[[], None]
) -> None:
    """Write into `reasons` which samples, of those without one, show the texture of an earlier one."""
    units = _units(samples, reasons)
    unit_of = {index: unit for unit, indices in units.items() for index in indices}
    twins = _twins(samples, results, unit_of, pause)
    first_index = {unit: indices[0] for unit, indices in units.items()}
    gone = set()
    for unit, indices in units.items():
        shared = set.intersection(*(twins.get(index, set()) for index in indices))
        originals = [other for other in shared if first_index[other] < indices[0] and other not in gone]
        if originals:
            gone.add(unit)
            original = samples[min(first_index[other] for other in originals)]
            for index in indices:
                reasons[index] = f"the same texture as {shown_name(original.file.name)}"


def _units(samples: Sequence[Sample], reasons: Sequence[str | None]) -> dict[Unit, list[int]]:
    """The samples that stand or fall together: the maps of a material. A second file of the same map is its own."""
    units: dict[Unit, list[int]] = {}
    seen: Counter[tuple[str, str]] = Counter()
    for index, sample in enumerate(samples):
        if reasons[index] is None:
            copy = seen[sample.material, sample.map] if sample.material else index
            seen[sample.material, sample.map] += 1
            units.setdefault((sample.material, copy), []).append(index)
    return units


def _twins(
    samples: Sequence[Sample], results: Sequence[Checked], unit_of: dict[int, Unit], pause: Callable[[], None]
) -> dict[int, set[Unit]]:
    """For each sample the units that hold the same texture as the same map."""
    twins: dict[int, set[Unit]] = {}
    for kind in dict.fromkeys(sample.map for sample in samples):
        indices = [index for index in unit_of if samples[index].map == kind]
        if len(indices) > 1:
            found = (results[index].fingerprint for index in indices)
            fingerprints = torch.stack([one for one in found if one is not None])
            for later, earlier in find_duplicates(fingerprints, pause):
                a, b = indices[later], indices[earlier]
                twins.setdefault(a, set()).add(unit_of[b])
                twins.setdefault(b, set()).add(unit_of[a])
    return twins
