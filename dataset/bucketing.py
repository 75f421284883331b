"""What aspect-ratio buckets do to the images of a dataset: how many go where, and what they lose."""

from collections import Counter
from dataclasses import dataclass, field

from ..common.buckets import NOTICEABLE
from ..common.texture_dataset import Sample, TextureDataset


@dataclass(frozen=True)
class Bucketed:
    """counts: images of an epoch by (width, height). The others name the images on which it shows, and how much.

    enlarged: the factor. cut: the share of the image that is lost. stretched: the factor between both axes.
    """

    counts: Counter[tuple[int, int]] = field(default_factory=Counter)
    enlarged: list[tuple[Sample, float]] = field(default_factory=list)
    cut: list[tuple[Sample, float]] = field(default_factory=list)
    stretched: list[tuple[Sample, float]] = field(default_factory=list)


def bucket_dataset(dataset: TextureDataset, resolution: int) -> Bucketed:
    """How the trainer brings the images to the sizes of the dataset's buckets.

    Tileable images are resampled whole, all others cut to the aspect of their size.
    """
    result = Bucketed()
    for sample in dataset.samples:
        width, height = dataset.buckets.size(sample.size, resolution)
        result.counts[width, height] += sample.repeats
        across, down = width / sample.size[0], height / sample.size[1]
        larger, ratio = max(across, down), max(across, down) / min(across, down)
        if larger > 1 + NOTICEABLE:
            result.enlarged.append((sample, larger))
        if sample.tileable and ratio > 1 + NOTICEABLE:
            result.stretched.append((sample, ratio))
        if not sample.tileable and 1 - 1 / ratio > NOTICEABLE:
            result.cut.append((sample, 1 - 1 / ratio))
    return result
