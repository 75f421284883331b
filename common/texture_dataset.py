"""TEXTURE_DATASET: the datasets that the dataset, caption and training nodes pass on."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch

from .buckets import Buckets
from .files import shown_name
from .images import composite
from .manifest import MaterialRecord
from .map_files import Reading, read_map

VIEW = re.compile(r"_v\d+$")


@dataclass(frozen=True)
class Sample:
    """One image file of a dataset; its pixels are read on demand.

    size is (width, height) in pixels. material names what its sibling maps share. convention of a normal map is
    "OpenGL", "DirectX" or "" for unknown. record is the manifest's entry, where the file was rendered by a
    generator that keeps one. reading says how the file's values become those of the map. origin is the material that
    this one is a variation of, "" for none. clipped: some values lie outside 0..1 and are lost in training; repaired:
    some were NaN or infinite. hand_edited: a person wrote the caption in this graph, so no captioner replaces it.
    material_set: the material whose maps are trained on together with this one, "" for none.
    """

    file: Path
    map: str
    size: tuple[int, int]
    caption: str = ""
    material: str = ""
    repeats: int = 1
    tileable: bool = False
    regularisation: bool = False
    record: MaterialRecord | None = None
    convention: str = ""
    reading: Reading = Reading()
    origin: str = ""
    clipped: bool = False
    repaired: bool = False
    hand_edited: bool = False
    material_set: str = ""

    @property
    def family(self) -> str:
        """What views of one material share, however it was augmented: they are held back together or not at all.

        A saved variation tells it by its name: `wall_v3` is one of `wall`.
        """
        return self.origin or VIEW.sub("", self.material)

    def read(self) -> torch.Tensor:
        """The pixels as (C, H, W) float32 in sRGB or as stored, C being 1, 3 or 4 (`read_map`).

        Raises `UnreadableImage`.
        """
        return read_map(self.file, self.map, self.reading)

    def read_opaque(self, background: tuple[float, float, float]) -> torch.Tensor:
        """The pixels as (3, H, W), transparency laid over `background`. Raises `UnreadableImage`."""
        return composite(self.read(), background, in_place=True)


@dataclass(frozen=True)
class Rejected:
    """A file that is not used. reason is a phrase of its own: "the file is empty"."""

    file: Path
    reason: str


@dataclass(frozen=True)
class Findings:
    """Files that were met while a dataset was loaded and are not among its samples: images that cannot be read, and
    of these the ones with NaN or infinite values; caption files that belong to no image or cannot be read."""

    unreadable: tuple[Path, ...] = ()
    not_finite: tuple[Path, ...] = ()
    unmatched_captions: tuple[Path, ...] = ()
    unreadable_captions: tuple[Path, ...] = ()

    def __add__(self, other: "Findings") -> "Findings":
        return Findings(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


@dataclass(frozen=True)
class TextureDataset:
    """An immutable list of samples.

    background is the sRGB colour (0..1) that transparency is laid over, buckets are the sizes to train at, findings
    is what was left out when it was loaded.
    """

    samples: tuple[Sample, ...]
    background: tuple[float, float, float] = (0.5, 0.5, 0.5)
    buckets: Buckets = Buckets()
    findings: Findings = Findings()

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def captions(self) -> list[str]:
        """One caption for each sample, in order."""
        return [sample.caption for sample in self.samples]

    def with_captions(self, caption: Callable[[Sample], str]) -> "TextureDataset":
        """The same dataset with every sample captioned anew."""
        return replace(self, samples=tuple(replace(sample, caption=caption(sample)) for sample in self.samples))


def rejected_by_reason(rejected: Sequence[Rejected], folder: Path) -> list[str]:
    """One line for each reason, with the files it holds for, relative to `folder` where they lie in it."""
    by_reason: dict[str, list[str]] = {}
    for one in rejected:
        inside = one.file.is_relative_to(folder)
        name = shown_name(str(one.file.relative_to(folder) if inside else one.file))
        by_reason.setdefault(one.reason, []).append(name)
    return [f"{reason}: {', '.join(files)}" for reason, files in by_reason.items()]
