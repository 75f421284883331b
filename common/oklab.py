"""Colours by hex code and in Oklab, a colour space where equal steps look equally large.

Björn Ottosson, "A perceptual color space for image processing" (2020).
"""

import re
from collections.abc import Iterable

import torch

from .errors import InputError
from .srgb import linear_from_srgb, srgb_from_linear

_TO_LMS = torch.tensor(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = torch.tensor(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_FROM_LAB = torch.linalg.inv(_TO_LAB)
_FROM_LMS = torch.linalg.inv(_TO_LMS)


def oklab_from_srgb(srgb: torch.Tensor) -> torch.Tensor:
    """(3, ...) sRGB in 0..1 -> (3, ...) Oklab: lightness 0..1, green to red, blue to yellow."""
    lms = torch.tensordot(_TO_LMS, linear_from_srgb(srgb), 1)
    return torch.tensordot(_TO_LAB, lms.sign() * lms.abs() ** (1 / 3), 1)


def srgb_from_oklab(lab: torch.Tensor) -> torch.Tensor:
    """(3, ...) Oklab -> (3, ...) sRGB, clipped to 0..1."""
    linear = torch.tensordot(_FROM_LMS, torch.tensordot(_FROM_LAB, lab, 1) ** 3, 1)
    return srgb_from_linear(linear.clamp(0, 1))


def oklab_from_hex(color: str) -> torch.Tensor:
    """(3,) Oklab of "#rrggbb"."""
    return oklab_from_srgb(torch.tensor(srgb_from_hex(color)))


def srgb_from_hex(color: str) -> tuple[float, float, float]:
    """Red, green and blue in 0..1 of "#rrggbb". Raises `InputError` for anything else."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", color):
        raise InputError(f"{color!r} is not a colour. Write it as # and six hexadecimal digits, such as #808080.")
    red, green, blue = bytes.fromhex(color[1:])
    return red / 255, green / 255, blue / 255


def hex_from_srgb(color: Iterable[float]) -> str:
    """ "#rrggbb" of red, green and blue in 0..1; what lies outside is clipped."""
    return "#" + "".join(f"{round(min(max(channel, 0), 1) * 255):02x}" for channel in color)


def hex_from_oklab(lab: torch.Tensor) -> str:
    """ "#rrggbb" of (3,) Oklab."""
    return hex_from_srgb(srgb_from_oklab(lab).tolist())
