"""Counts of what a dataset holds and lacks, shown before anything is trained on it."""

import re
from dataclasses import dataclass

from .caption_files import split_phrases
from .texture_dataset import TextureDataset

PROMPT_SYNTAX = re.compile(
    r"[(\[][^()\[\]]+:\s*-?\d*\.?\d+\s*[)\]]"  # (brick:1.2), [brick:moss:0.5]
    r"|<(lora|lyco|hypernet):|\\[()]|\bBREAK\b|\bembedding:|\{[^{}]*\|[^{}]*\}|__[\w/-]+__"
)
_SYNTAX = "prompt syntax such as (word:1.2), \\( or <lora:…>, which is trained as words"


@dataclass(frozen=True)
class DatasetCounts:
    """Numbers of images and files.

    images and regularisation are the samples of each role. without_caption counts those to train on. clipped lose
    values outside 0..1, repaired had NaN or infinite values. The others were left out when the dataset was
    loaded: unreadable images, of these not_finite ones, caption files without an image, and unreadable caption files.
    prompt_syntax counts the captions that hold what only a prompt's reader understands, such as weights.
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
    prompt_syntax: int = 0


def count_dataset(dataset: TextureDataset) -> DatasetCounts:
    """The numbers of a dataset as it is now."""
    training = [sample for sample in dataset.samples if not sample.regularisation]
    found = dataset.findings
    return DatasetCounts(
        images=len(training),
        regularisation=len(dataset) - len(training),
        without_caption=sum(not split_phrases(sample.caption) for sample in training),
        clipped=sum(sample.clipped for sample in dataset.samples),
        repaired=sum(sample.repaired for sample in dataset.samples),
        unreadable=len(found.unreadable),
        not_finite=len(found.not_finite),
        unmatched_captions=len(found.unmatched_captions),
        unreadable_captions=len(found.unreadable_captions),
        prompt_syntax=sum(bool(PROMPT_SYNTAX.search(sample.caption)) for sample in dataset.samples),
    )


def counted(count: int, what: str) -> str:
    """A number of things in words: "1 image", "3 images"."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def dataset_warnings(counts: DatasetCounts) -> list[str]:
    """A sentence for each thing that may spoil training, [] for none."""
    sentences = [
        (counts.without_caption, "image has no caption", "images have no caption"),
        (counts.unmatched_captions, "caption file belongs to no image", "caption files belong to no image"),
        (counts.unreadable_captions, "caption file cannot be read", "caption files cannot be read"),
        (counts.prompt_syntax, f"caption holds {_SYNTAX}", f"captions hold {_SYNTAX}"),
        (counts.not_finite, "image was left out for NaN or Inf", "images were left out for NaN or Inf"),
        (counts.unreadable - counts.not_finite, "image could not be read", "images could not be read"),
        (counts.repaired, "image had NaN or Inf repaired", "images had NaN or Inf repaired"),
        (counts.clipped, "image is clipped to 0..1", "images are clipped to 0..1"),
    ]
    return [f"{count} {one if count == 1 else many}." for count, one, many in sentences if count]
