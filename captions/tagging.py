"""Captions out of tags: what a tagger knows, how it wants its images, and which of its tags become words."""

import csv
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from ..common.errors import InputError
from .captioning import Describe

WD_TAGS, DEEPDANBOORU_TAGS, DEEPDANBOORU_CHARACTERS = "selected_tags.csv", "tags.txt", "tags-character.txt"
GENERAL, CHARACTER, RATING = 0, 4, 9  # the numbers of the categories in selected_tags.csv

Predict = Callable[[np.ndarray], np.ndarray]
"""(B, H, W, 3) float32 as the model wants them -> (B, tags) probabilities"""


@dataclass(frozen=True)
class Vocabulary:
    """A tagger's tags in the order of its outputs, with the category of each. wd: whether it is of the WD family,
    which reads images otherwise than DeepDanbooru does."""

    names: tuple[str, ...]
    categories: tuple[int, ...]
    wd: bool


@dataclass(frozen=True)
class TagChoice:
    """Which tags to keep: the least probability of general tags and of characters, and tags never to write.

    underscores: write tags as the model names them, "brick_wall" instead of "brick wall".
    """

    threshold: float = 0.35
    character_threshold: float = 0.85
    blacklist: Collection[str] = ()
    underscores: bool = False


def read_vocabulary(folder: Path) -> Vocabulary:
    """The tags of a WD tagger (selected_tags.csv) or of DeepDanbooru (tags.txt). Raises `InputError`."""
    if (folder / WD_TAGS).is_file():
        return _wd_vocabulary(folder / WD_TAGS)
    names = _lines(folder / DEEPDANBOORU_TAGS)
    has_characters = (folder / DEEPDANBOORU_CHARACTERS).is_file()
    characters = frozenset(_lines(folder / DEEPDANBOORU_CHARACTERS)) if has_characters else frozenset()
    return Vocabulary(tuple(names), tuple(_category(name, characters) for name in names), wd=False)


def tagger(run: Predict, size: tuple[int, int], vocabulary: Vocabulary, choice: TagChoice) -> Describe:
    """Tags above their threshold, the most probable first. size is (height, width) of the model's input."""
    prepare = prepare_wd if vocabulary.wd else prepare_deepdanbooru

    def describe(images: Iterable[torch.Tensor]) -> list[str]:
        prepared = [prepare(image, size) for image in images]
        if not prepared:
            return []
        probabilities = run(np.stack(prepared))
        if probabilities.shape[-1] != len(vocabulary.names):
            raise InputError(
                f"The tagger gives {probabilities.shape[-1]} values for each image, but its list of tags has "
                f"{len(vocabulary.names)} entries. Take the model and the list from the same place."
            )
        return [", ".join(choose_tags(one, vocabulary, choice)) for one in probabilities]

    return describe


def prepare_wd(image: torch.Tensor, size: tuple[int, int]) -> np.ndarray:
    """(3, H, W) RGB in 0..1 -> (h, w, 3) BGR in 0..255, on a white square where it is not square."""
    return _to_nhwc(_fit(image, size, mode="constant", value=1.0).flip(0) * 255)


def prepare_deepdanbooru(image: torch.Tensor, size: tuple[int, int]) -> np.ndarray:
    """(3, H, W) RGB in 0..1 -> (h, w, 3) RGB in 0..1, its edges repeated where it is not square."""
    return _to_nhwc(_fit(image, size, mode="replicate"))


def choose_tags(probabilities: Sequence[float], vocabulary: Vocabulary, choice: TagChoice) -> list[str]:
    """The tags to write, the most probable first. Ratings are never among them."""
    thresholds = {GENERAL: choice.threshold, CHARACTER: choice.character_threshold}
    unwanted = {words_of_tag(tag).casefold() for tag in choice.blacklist}
    found = [
        (probability, name)
        for probability, name, category in zip(probabilities, vocabulary.names, vocabulary.categories, strict=True)
        if probability >= thresholds.get(category, float("inf")) and words_of_tag(name).casefold() not in unwanted
    ]
    found.sort(key=lambda pair: -pair[0])
    return [name if choice.underscores else words_of_tag(name) for _, name in found]


def words_of_tag(tag: str) -> str:
    """ "brick_wall" -> "brick wall". Emoticons such as "^_^", which hold no two letters in a row, stay."""
    return tag.replace("_", " ") if re.search(r"[^\W\d_]{2}", tag) else tag


def _fit(image: torch.Tensor, size: tuple[int, int], mode: str, value: float | None = None) -> torch.Tensor:
    """(3, H, W) -> (3, h, w): centred on a square, then resized."""
    height, width = image.shape[-2:]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    margins = (left, side - width - left, top, side - height - top)
    square = F.pad(image[None].clamp(0, 1), margins, mode=mode, value=value)
    return F.interpolate(square, size=size, mode="bicubic", antialias=True)[0].clamp(0, 1)


def _to_nhwc(image: torch.Tensor) -> np.ndarray:
    return image.movedim(0, -1).contiguous().numpy()


def _wd_vocabulary(path: Path) -> Vocabulary:
    with path.open(encoding="utf-8", newline="") as file:
        try:
            rows = [(row["name"], int(row["category"])) for row in csv.DictReader(file)]
        except (KeyError, TypeError, ValueError, csv.Error):
            raise InputError(
                f"{path} is not a list of tags: a column 'name' and a column 'category' with a number in every row are "
                "expected. Copy the file again."
            ) from None
    return Vocabulary(tuple(name for name, _ in rows), tuple(category for _, category in rows), wd=True)


def _lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line.strip() for line in lines if line.strip()]


def _category(name: str, characters: Collection[str]) -> int:
    return RATING if name.startswith("rating:") else CHARACTER if name in characters else GENERAL
