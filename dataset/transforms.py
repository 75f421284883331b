"""Transforms that keep a material physically right: rolls, turns, mirror images, crops and colour shifts.

One `Variation` is applied to all maps of a material, whatever their resolution.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from ..common.oklab import oklab_from_srgb, srgb_from_oklab

ROWS_AT_ONCE = 64
_HALF_PLANE = {"left": "right", "right": "left"}
_QUARTER_TURN = {
    "horizontal": "vertical",
    "vertical": "horizontal",
    "horizontally": "vertically",
    "vertically": "horizontally",
    "rows": "columns",
    "columns": "rows",
    "right": "top",
    "top": "left",
    "left": "bottom",
    "bottom": "right",
}


@dataclass(frozen=True)
class ColorShift:
    """A shift of lightness, a factor of chroma and a turn of hue in radians, all in Oklab."""

    lightness: float = 0.0
    chroma: float = 1.0
    hue: float = 0.0


@dataclass(frozen=True)
class Variation:
    """Applied in this order. shift is (x, y) and crop the width of the piece that stays, in parts of the size.

    wraps: rolled pixels come in again at the other side; without it `shift` only places the crop.
    mirror swaps left and right. turns are quarter turns, counter-clockwise.
    """

    shift: tuple[float, float] = (0.0, 0.0)
    crop: float = 1.0
    wraps: bool = True
    mirror: bool = False
    turns: int = 0
    color: ColorShift = ColorShift()


def varied_size(height: int, width: int, variation: Variation) -> tuple[int, int]:
    """The height and width that a variation of an image of this size has."""
    size = round(variation.crop * height), round(variation.crop * width)
    return size if variation.turns % 2 == 0 else size[::-1]


def varied_strips(image: torch.Tensor, kind: str, convention: str, variation: Variation) -> Iterator[torch.Tensor]:
    """A map (C, H, W) of `kind` under the variation, as strips (C, rows, W) from top to bottom.

    Tangent normals turn with the surface; only basecolor changes colour. convention is that of a normal map, "OpenGL"
    or "DirectX".
    """
    rows, columns = _places(image.shape[1], image.shape[2], variation)
    if variation.mirror:
        columns = columns.flip(0)
    turns = variation.turns % 4
    if turns in (1, 2):
        columns = columns.flip(0)
    if turns in (2, 3):
        rows = rows.flip(0)
    turned = turns % 2 == 1
    for part in (columns if turned else rows).split(ROWS_AT_ONCE):
        if turned:
            strip = image.index_select(2, part).index_select(1, rows).mT
        else:
            strip = image.index_select(1, part).index_select(2, columns)
        if kind == "normal":
            strip = turn_normals(strip, convention, variation.mirror, turns)
        yield shift_color(strip, variation.color) if kind == "basecolor" else strip


def turn_normals(normals: torch.Tensor, convention: str, mirror: bool, turns: int) -> torch.Tensor:
    """The directions of encoded normals (C, H, W) whose pixels were mirrored and then turned."""
    x, y = normals[0], normals[1]
    if mirror:
        x = 1 - x
    for _ in range(turns % 4):
        x, y = (1 - y, x) if convention == "OpenGL" else (y, 1 - x)
    return torch.cat([x[None], y[None], normals[2:]])


def shift_color(image: torch.Tensor, shift: ColorShift) -> torch.Tensor:
    """(3, H, W) sRGB with other colours, (1, H, W) unchanged."""
    if shift == ColorShift() or image.shape[0] < 3:
        return image
    lightness, a, b = oklab_from_srgb(image[:3])
    ab = torch.complex(a, b) * torch.polar(torch.tensor(shift.chroma), torch.tensor(shift.hue))
    return srgb_from_oklab(torch.stack([lightness + shift.lightness, ab.real, ab.imag]))


def vary_caption(caption: str, mirror: bool, turns: int) -> str:
    """The caption with the words for directions that hold after a mirror image and quarter turns."""
    words = {word: word for word in _QUARTER_TURN}
    for mapping in ([_HALF_PLANE] if mirror else []) + [_QUARTER_TURN] * (turns % 4):
        words = {word: mapping.get(now, now) for word, now in words.items()}
    return re.sub(r"\w+", lambda found: _in_case_of(found[0], words.get(found[0].lower(), found[0])), caption)


def _in_case_of(original: str, word: str) -> str:
    return word.capitalize() if original[:1].isupper() and word.islower() else word


def _places(height: int, width: int, variation: Variation) -> tuple[torch.Tensor, torch.Tensor]:
    """The rows and columns of an image that stay, in the order in which they lie after the shift."""
    left, top = round(variation.shift[0] * width), round(variation.shift[1] * height)
    rows, columns = round(variation.crop * height), round(variation.crop * width)
    return torch.arange(top, top + rows) % height, torch.arange(left, left + columns) % width
