"""Counts of what a dataset holds and lacks, shown before anything is trained on it."""

from dataclasses import dataclass

from .texture_dataset import TextureDataset


@dataclass(frozen=True)
class DatasetCounts:
    """Numbers of images and files.

    images and regularisation are the samples of each role. without_caption counts those to train on. clipped lose
    values outside 0..1, repaired had NaN or infinite values. The others were left out when the dataset was
    loaded: unreadable images, of these not_finite ones, caption files without an image, and unreadable caption files.
    """

    images: int
    regularisation: int
    without_caption: int
    clipped: int
    repaired: int
    unreadable: int
    not_finite: int
    unmatched_captions: int
    unreadable_captions: int


def count_dataset(dataset: TextureDataset) -> DatasetCounts:
    """The numbers of a dataset as it is now."""
    training = [sample for sample in dataset.samples if not sample.regularisation]
    found = dataset.findings
    return DatasetCounts(
        images=len(training),
        regularisation=len(dataset) - len(training),
        without_caption=sum(not sample.caption.strip() for sample in training),
        clipped=sum(sample.clipped for sample in dataset.samples),
        repaired=sum(sample.repaired for sample in dataset.samples),
        unreadable=len(found.unreadable),
        not_finite=len(found.not_finite),
        unmatched_captions=len(found.unmatched_captions),
        unreadable_captions=len(found.unreadable_captions),
    )


def dataset_warnings(counts: DatasetCounts) -> list[str]:
    """A sentence for each thing that may spoil training, [] for none."""
    sentences = [
        (counts.without_caption, "image has no caption", "images have no caption"),
        (counts.unmatched_captions, "caption file belongs to no image", "caption files belong to no image"),
        (counts.unreadable_captions, "caption file cannot be read", "caption files cannot be read"),
        (counts.not_finite, "image was left out for NaN or Inf", "images were left out for NaN or Inf"),
        (counts.unreadable - counts.not_finite, "image could not be read", "images could not be read"),
        (counts.repaired, "image had NaN or Inf repaired", "images had NaN or Inf repaired"),
        (counts.clipped, "image is clipped to 0..1", "images are clipped to 0..1"),
    ]
    return [f"{count} {one if count == 1 else many}." for count, one, many in sentences if count]
