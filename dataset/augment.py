"""Augmented variations of materials, with all maps of one transformed alike."""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..common.conventions import clear_convention
from ..common.errors import InputError, UnreadableImage
from ..common.files import fitting_name, name_key
from ..common.image_writing import whole_numbers_of, write_pixels
from ..common.images import composite
from ..common.locks import lock_beside, locked
from ..common.map_files import Reading
from ..common.map_kinds import COLOR_MAPS
from ..common.texture_dataset import Rejected, Sample, TextureDataset
from .parallel import in_parallel, pixels_of
from .transforms import ColorShift, Variation, varied_size, varied_strips, vary_caption
from .written_files import list_written_files, read_written_files, remove_written_files, source_key


@dataclass(frozen=True)
class Augmentation:
    """What may vary. crop is the side of the pieces in pixels of a material's largest map, 0 for none.

    color 0..1: at 1 lightness moves by up to 0.1, chroma by 30 % and hue by 20 degrees.
    """

    count: int
    rolls: bool = True
    turns: bool = True
    mirror: bool = True
    crop: int = 0
    color: float = 0.0


@dataclass(frozen=True)
class Augmented:
    """The variations as samples, the files that could not be read, and what was removed of an earlier run."""

    samples: list[Sample]
    rejected: list[Rejected]
    removed: list[Path]


def augment_dataset(
    dataset: TextureDataset,
    folder: Path,
    wanted: Augmentation,
    seed: int,
    checked: Callable[[int, int], None],
    sync: bool = False,
) -> Augmented:
    """Write `wanted.count` variations of every material to `folder`; `sync` removes those of earlier runs.

    Waits for another process that writes to the folder. Where `checked` stops the run, what was written is listed.

    Each material's variations depend on its name and the seed alone. Rolls need a tileable material; a crop tiles
    no more. Regularisation images are left out.
    """
    own = [sample for sample in dataset.samples if not sample.regularisation]
    if any(sample.file.is_relative_to(folder) for sample in own):
        raise InputError(f"The dataset's own images lie in {folder}. Write the variations to another folder.")
    materials: dict[str, list[Sample]] = {}
    for index, sample in enumerate(own):
        materials.setdefault(sample.material or f"image {index}", []).append(sample)
    numbered = [
        (sample, number, variation)
        for material, maps in materials.items()
        for number, variation in enumerate(_draw(material, maps, wanted, seed), 1)
        for sample in maps
    ]
    stems = _unique_stems(own)
    with locked(lock_beside(folder), lambda: checked(0, 1)):
        written: list[Path] = []

        def write(task: tuple[Sample, int, Variation]) -> Sample | Rejected:
            target = folder / fitting_name(stems[task[0].file], f"_v{task[1]}.png")
            result = _write(*task, dataset.background, target)
            written.extend([target] if isinstance(result, Sample) else [])
            return result

        try:
            results = in_parallel(write, numbered, checked, lambda task: pixels_of(task[0]))
        finally:
            list_written_files(folder, {file: source_key(file) for file in written})
        stale = read_written_files(folder).keys() - set(written) if sync else set()
        removed, _ = remove_written_files(folder, sorted(stale))
    rejected = list(dict.fromkeys(result for result in results if isinstance(result, Rejected)))
    return Augmented([result for result in results if isinstance(result, Sample)], rejected, removed)


def _draw(material: str, maps: Sequence[Sample], wanted: Augmentation, seed: int) -> list[Variation]:
    digest = hashlib.sha256(f"{seed}/{material}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    return [_draw_one(rng, maps, wanted) for _ in range(wanted.count)]


def _draw_one(rng: np.random.Generator, maps: Sequence[Sample], wanted: Augmentation) -> Variation:
    wraps = wanted.rolls and all(sample.tileable for sample in maps)
    crop = min(1.0, wanted.crop / max(min(sample.size) for sample in maps)) if wanted.crop else 1.0
    # Whole pixels of the smallest map are whole pixels of every map twice or four times its size.
    smallest = min(maps, key=lambda sample: sample.size)
    free = (1.0, 1.0) if wraps else (1 - crop, 1 - crop)
    shift = tuple(math.floor(rng.random() * room * side) / side for room, side in zip(free, smallest.size, strict=True))
    numbers = rng.uniform(-1, 1, 3) * wanted.color
    return Variation(
        shift=shift,
        crop=crop,
        wraps=wraps,
        mirror=bool(rng.random() < 0.5) and wanted.mirror,
        turns=int(rng.integers(4)) if wanted.turns else 0,
        color=ColorShift(0.1 * numbers[0], 1 + 0.3 * numbers[1], math.radians(20) * numbers[2]),
    )


def _unique_stems(samples: Sequence[Sample]) -> dict[Path, str]:
    """The names of the files without endings, with numbers where folders hold files of the same name.

    A number that makes the name of another file is passed over.
    """
    stems: dict[Path, str] = {}
    given = {name_key(sample.file.stem) for sample in samples}
    numbers: Counter[str] = Counter()
    for sample in samples:
        stem = sample.file.stem
        numbers[key := name_key(stem)] += 1
        while numbers[key] > 1 and name_key(f"{stem}_{numbers[key]}") in given:
            numbers[key] += 1
        stems[sample.file] = stem if numbers[key] == 1 else f"{stem}_{numbers[key]}"
    return stems


def _write(
    sample: Sample, number: int, variation: Variation, background: tuple[float, float, float], target: Path
) -> Sample | Rejected:
    try:
        pixels, convention = _varied_pixels(sample, variation, background)
    except UnreadableImage as error:
        return Rejected(sample.file, error.reason)
    height, width = pixels.shape[:2]
    write_pixels(target, pixels)
    return replace(
        sample,
        file=target,
        reading=Reading(),
        size=(width, height),
        caption=vary_caption(sample.caption, variation.mirror, variation.turns),
        material=f"{sample.material}_v{number}" if sample.material else "",
        origin=sample.family,
        clipped=False,
        repaired=False,
        tileable=sample.tileable and variation.crop == 1,
        convention=convention,
    )


def _varied_pixels(
    sample: Sample, variation: Variation, background: tuple[float, float, float]
) -> tuple[np.ndarray, str]:
    """The variation's pixels (H, W, C), and the convention of a normal map. In strips: at 8K a picture is 800 MB."""
    image = sample.read()
    if image.shape[0] == 4:
        image = composite(image, background, in_place=True)
    convention = sample.convention or (clear_convention(image[None]) if sample.map == "normal" else "")
    height, _ = varied_size(image.shape[1], image.shape[2], variation)
    strips = varied_strips(image, sample.map, convention or "OpenGL", variation)
    return whole_numbers_of(strips, height, 8 if sample.map in COLOR_MAPS else 16), convention
