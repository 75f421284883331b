"""Which images of a dataset are the maps of one material, for training them together."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ..common.conventions import CONVENTIONS, clear_convention
from ..common.dataset_counts import counted
from ..common.errors import InputError, UnreadableImage
from ..common.files import free_name
from ..common.map_words import described, listed_maps, map_caption
from ..common.texture_dataset import Sample, TextureDataset
from .parallel import in_parallel, pixels_of

AUTO = "auto"
NORMALS = [AUTO, *CONVENTIONS]
TAKE, LEAVE_OUT = INCOMPLETE = ["train on the maps there are", "leave the material out"]
NAMED = 6  # materials that a report names


@dataclass(frozen=True)
class MaterialSets:
    """A dataset whose samples say which set they belong to, set by set, and what there is to say about it."""

    dataset: TextureDataset
    report: str


def material_sets_of(
    dataset: TextureDataset,
    kinds: Sequence[str],
    incomplete: str,
    normals: str,
    checked: Callable[[int, int], None],
) -> MaterialSets:
    """Group the maps `kinds` of each material, captioned by their map's word, with normals in OpenGL.

    incomplete is one of `INCOMPLETE`; normals says what the normal maps are, "auto" by name or else pixels. What
    belongs to no material is left out, but for regularisation images. Raises `InputError` where no material has two
    maps.
    """
    own = [sample for sample in dataset.samples if not sample.regularisation and sample.map in kinds]
    directions = _conventions([sample for sample in own if sample.map == "normal"], normals, checked)
    grouped: dict[str, dict[str, Sample]] = {}
    doubled = 0
    for name, samples in _materials_by_name(own).items():
        for sample in samples:
            maps = grouped.setdefault(name, {})
            doubled += sample.map in maps
            maps.setdefault(sample.map, sample)
    lacking = {name: [kind for kind in kinds if kind not in maps] for name, maps in grouped.items()}
    unlike = [name for name, maps in grouped.items() if not _alike(list(maps.values()))]
    left_out = {*unlike, *(name for name, missing in lacking.items() if missing and incomplete == LEAVE_OUT)}
    taken = {name: maps for name, maps in grouped.items() if name not in left_out}
    if not any(len(maps) > 1 for maps in taken.values()):
        raise InputError(
            f"No material of the dataset has two of the maps {listed_maps(kinds)}. Load all maps of a folder (map "
            "'any' of Load Dataset) whose files are named by material and map, such as wall_basecolor.png and "
            "wall_normal.png."
        )
    samples = [one for name, maps in taken.items() for one in _set_of(name, maps, kinds, directions)]
    regular = [sample for sample in dataset.samples if sample.regularisation]
    lines = [
        *_counts(taken, kinds),
        *_missing(lacking, incomplete),
        *_named("of unlike proportions, left out", unlike),
        *([f"{counted(doubled, 'file')} of a map that the material has already, left out."] if doubled else []),
        *_not_wanted(dataset.samples, kinds),
        *_directions(directions),
        *_captions(samples),
    ]
    return MaterialSets(replace(dataset, samples=(*samples, *regular)), "\n".join(lines))


def _set_of(name: str, maps: dict[str, Sample], kinds: Sequence[str], directions: dict[Path, str]) -> list[Sample]:
    subject = _description(maps)
    tiles = all(sample.tileable for sample in maps.values())
    repeats = max(sample.repeats for sample in maps.values())
    changes = {"material_set": name, "tileable": tiles, "repeats": repeats}
    return [
        _in_opengl(
            replace(
                maps[kind],
                caption=map_caption(kind, subject),
                material=maps[kind].material or name,
                **changes,
            ),
            directions.get(maps[kind].file, "OpenGL"),
        )
        for kind in kinds
        if kind in maps
    ]


def _materials_by_name(samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    """The samples of each material, by a name of its own; an image of none is one by itself, named as its file."""
    alike: dict[str | Path, list[Sample]] = {}
    for sample in samples:
        alike.setdefault(sample.material or sample.file, []).append(sample)
    named: dict[str, list[Sample]] = {}
    for key, group in alike.items():
        taken = named.keys() if isinstance(key, str) else named.keys() | alike.keys()
        for one in _materials_of_one_name(group):
            name = free_name(key if isinstance(key, str) else key.stem, taken.__contains__)
            named[name] = one
    return named


def _materials_of_one_name(samples: Sequence[Sample]) -> list[list[Sample]]:
    """Apart by folder where two folders have the same map: they were joined, and each has a material of that name."""
    folders: dict[Path, list[Sample]] = {}
    for sample in samples:
        folders.setdefault(sample.file.parent, []).append(sample)
    kinds = [kind for group in folders.values() for kind in {sample.map for sample in group}]
    return list(folders.values()) if len(set(kinds)) < len(kinds) else [list(samples)]


def _in_opengl(sample: Sample, convention: str) -> Sample:
    if sample.map != "normal":
        return sample
    turned = sample.reading.flip_green != (convention == "DirectX")
    return replace(sample, convention="OpenGL", reading=replace(sample.reading, flip_green=turned))


def _description(maps: dict[str, Sample]) -> str:
    """The caption of the basecolor, or else of any map that has one."""
    basecolor = [maps["basecolor"].caption] if "basecolor" in maps else []
    captions = [*basecolor, *(sample.caption for sample in maps.values())]
    return next((described(caption) for caption in captions if caption.strip()), "")


def _alike(maps: Sequence[Sample]) -> bool:
    """Whether all maps have the proportions of the first, as far as whole pixels can tell."""
    width, height = maps[0].size
    return all(abs(sample.size[0] * height - sample.size[1] * width) <= max(sample.size) for sample in maps)


def _conventions(samples: Sequence[Sample], normals: str, checked: Callable[[int, int], None]) -> dict[Path, str]:
    """OpenGL or DirectX of each normal map, "" where nothing tells: neither `normals`, nor its name, nor its pixels."""
    if normals != AUTO:
        return {sample.file: normals for sample in samples}
    unknown = [sample for sample in samples if not sample.convention]
    read = in_parallel(_convention_of_pixels, unknown, checked, pixels_of)
    known = {sample.file: sample.convention for sample in samples}
    return known | {sample.file: found for sample, found in zip(unknown, read, strict=True)}


def _convention_of_pixels(sample: Sample) -> str:
    try:
        pixels: torch.Tensor = sample.read()
    except UnreadableImage:
        return ""  # the trainer tells of it
    return clear_convention(pixels[None]) if len(pixels) > 2 else ""


def _counts(taken: dict[str, dict[str, Sample]], kinds: Sequence[str]) -> list[str]:
    counts = Counter(tuple(kind for kind in kinds if kind in maps) for maps in taken.values())
    return [f"{counted(count, 'material')} with {listed_maps(maps)}." for maps, count in counts.most_common()]


def _missing(lacking: dict[str, list[str]], incomplete: str) -> list[str]:
    by_map: dict[str, list[str]] = {}
    for name, missing in lacking.items():
        for kind in missing:
            by_map.setdefault(kind, []).append(name)
    end = ", left out" if incomplete == LEAVE_OUT else ""
    return [line for kind, names in by_map.items() for line in _named(f"without {kind}{end}", names)]


def _named(what: str, names: Sequence[str]) -> list[str]:
    more = ", …" if len(names) > NAMED else ""
    return [f"{counted(len(names), 'material')} {what}: {', '.join(names[:NAMED])}{more}."] if names else []


def _not_wanted(samples: Sequence[Sample], kinds: Sequence[str]) -> list[str]:
    counts = Counter(one.map for one in samples if not one.regularisation and one.map not in kinds)
    named = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
    return [f"{counted(counts.total(), 'file')} of maps that are not asked for, left out: {named}."] if counts else []


def _directions(directions: dict[Path, str]) -> list[str]:
    if not directions:
        return []
    counts = Counter(directions.values())
    counted = [f"{counts['OpenGL']} OpenGL", f"{counts['DirectX']} DirectX, which are turned to OpenGL"]
    flat = f", {counts['']} whose pixels do not tell, taken for OpenGL" if counts[""] else ""
    return [f"Normals: {counted[0]}, {counted[1]}{flat}."]


def _captions(samples: Sequence[Sample]) -> list[str]:
    bare = sum(sample.caption == map_caption(sample.map, "") for sample in samples)
    return [f"{bare} captions are the map's word alone: the materials have no caption."] if bare else []
