"""TEXTURE_DATASET: what travels between the dataset, caption and training nodes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from .buckets import Buckets
from .manifest import MaterialRecord


@dataclass(frozen=True)
class Sample:
    """One image file of a dataset; its pixels are read when somebody needs them.

    size is (width, height) in pixels. material names what its sibling maps share. convention of a normal map is
    "OpenGL", "DirectX" or "" where nobody said. record is the manifest's entry, where the file was rendered by a
    generator that keeps one.
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


@dataclass(frozen=True)
class TextureDataset:
    """An immutable list of samples.

    background is the sRGB colour (0..1) that transparency is laid over, buckets are the sizes to train at.
    """

    samples: tuple[Sample, ...]
    background: tuple[float, float, float] = (0.5, 0.5, 0.5)
    buckets: Buckets = Buckets()

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def captions(self) -> list[str]:
        """One caption for each sample, in order."""
        return [sample.caption for sample in self.samples]

    def with_captions(self, caption: Callable[[Sample], str]) -> "TextureDataset":
        """The same dataset with every sample captioned anew."""
        return replace(self, samples=tuple(replace(sample, caption=caption(sample)) for sample in self.samples))
