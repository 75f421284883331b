"""Colours of an embedded profile as sRGB.

Matrix profiles, which nearly all RGB files carry, are applied in floats at any depth, as the ICC's specification
(ICC.1:2022, annex F.3) says: each channel's curve, then the matrix to XYZ under D50.
"""

import io
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from .srgb import srgb_from_linear

Convert = Callable[[torch.Tensor], torch.Tensor]
"""(C, H, W) of a file's colours -> the same in sRGB"""

SAME = 2 / 255  # profiles of sRGB differ by so much among themselves, of other spaces by far more: values stay exact
ROWS_AT_ONCE = 256
# XYZ under D50 to linear sRGB: the inverse of the sRGB primaries adapted by Bradford's method (IEC 61966-2-1, ICC).
_SRGB_FROM_XYZ = torch.tensor(
    [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.0334540], [0.0719453, -0.2289914, 1.4052427]]
)
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_D50 = (0.9642, 1.0, 0.8249)
REC709 = (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329)


def profile_space(profile: bytes) -> str:
    """The colours that a profile is for: "RGB", "GRAY", "CMYK", "Lab" or another of ICC's names, "" for none."""
    return profile[16:20].decode("ascii", "replace").strip()


def srgb_of_profile(profile: bytes) -> Convert | None:
    """What turns the colours of an ICC profile into sRGB; None where they are sRGB already or cannot be converted.

    Profiles made of tables are applied in 8 bits, by LittleCMS. Raises ValueError for a damaged profile.
    """
    tags = _tags(profile)
    space = profile[16:20]
    if space == b"RGB " and {"rXYZ", "gXYZ", "bXYZ", "rTRC", "gTRC", "bTRC"} <= tags.keys():
        matrix = torch.tensor([_xyz(tags[name]) for name in ("rXYZ", "gXYZ", "bXYZ")]).T
        return _unless_srgb(_matrix_profile(_SRGB_FROM_XYZ @ matrix, [_curve(tags[f"{one}TRC"]) for one in "rgb"]))
    if space == b"GRAY" and "kTRC" in tags:
        curve = _curve(tags["kTRC"])
        return _unless_srgb(lambda image: srgb_from_linear(curve(image)), channels=1)
    if space == b"CMYK":
        _transform(profile, "CMYK")  # which raises where `srgb_of_cmyk` would
    return _unless_srgb(_by_littlecms(profile)) if space == b"RGB " else None


def profile_name(profile: bytes) -> str:
    """The name of a profile, for messages."""
    from PIL import ImageCms

    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).strip() or "unnamed"
    except (OSError, ImageCms.PyCMSError):
        return "unnamed"


def srgb_of_cmyk(image: Any, profile: bytes) -> Any:
    """Pillow's CMYK image in sRGB by its profile. Raises ValueError for one that is damaged or of other colours."""
    from PIL import ImageCms

    return ImageCms.applyTransform(image, _transform(profile, "CMYK"))


def srgb_of_gamma(gamma: float, chromaticities: Sequence[float] = ()) -> Convert | None:
    """What turns values of a PNG that states a gamma (1.0 is linear light, 0.45455 about sRGB), and perhaps primaries
    as `rec709_of_chromaticities` takes them, into sRGB. Raises ValueError for primaries that make no colours."""
    if not 0.01 < gamma < 10:
        return None
    matrix = rec709_of_chromaticities(chromaticities)
    if matrix is None:
        usual = abs(gamma - 0.45455) < 0.01
        return None if usual else lambda image: srgb_from_linear(image.clamp(0, 1) ** (1 / gamma))

    def convert(image: torch.Tensor) -> torch.Tensor:
        linear = image.clamp(0, 1).expand(3, -1, -1) ** (1 / gamma)
        return srgb_from_linear(torch.tensordot(matrix, linear, 1).clamp(0, 1))

    return convert


def rec709_of_chromaticities(chromaticities: Sequence[float]) -> torch.Tensor | None:
    """(3, 3) from linear light of these primaries and white (x, y of red, green, blue, white) to that of sRGB.

    None where they are sRGB's own or none are given. White is adapted by Bradford's method. Raises ValueError for
    such as make no colours: zeros, or three on a line.
    """
    if len(chromaticities) != 8 or np.allclose(chromaticities, REC709, atol=2e-3):
        return None
    x, y = np.reshape(np.array(chromaticities[:6]), (3, 2)).T
    white_x, white_y = chromaticities[6:]
    primaries = np.stack([x, y, 1 - x - y])  # of cameras and ACES one may lie below the axis: y is no divisor
    twice_the_area = abs(np.linalg.det(primaries))  # of their triangle
    if not (twice_the_area > 1e-6 and white_y > 0):
        raise ValueError("its primaries make no colours")
    white = np.array([white_x / white_y, 1, (1 - white_x - white_y) / white_y])
    to_xyz = primaries * np.linalg.solve(primaries, white)
    adapted = np.linalg.solve(_BRADFORD, ((_BRADFORD @ _D50) / (_BRADFORD @ white))[:, None] * _BRADFORD)
    return _SRGB_FROM_XYZ @ torch.from_numpy(adapted @ to_xyz).float()


def converted(image: torch.Tensor, convert: Convert) -> torch.Tensor:
    """(C, H, W) with its colours converted in place, in strips of rows; a fourth channel is alpha and stays."""
    colors = image[:3]
    for first in range(0, image.shape[1], ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        colors[:, rows] = convert(colors[:, rows])[: len(colors)]  # grey under a profile of RGB stays grey
    return image


def _unless_srgb(convert: Convert, channels: int = 3) -> Convert | None:
    """Tested on grey, the primaries and mixtures of them."""
    levels = torch.linspace(0, 1, 6)
    probe = torch.cartesian_prod(*[levels] * channels).reshape(-1, channels).T.unsqueeze(1)
    return None if (convert(probe) - probe).abs().max() < SAME else convert


def _matrix_profile(matrix: torch.Tensor, curves: Sequence[Convert]) -> Convert:
    def convert(image: torch.Tensor) -> torch.Tensor:
        linear = torch.stack([curve(plane) for curve, plane in zip(curves, image.expand(3, -1, -1), strict=True)])
        return srgb_from_linear(torch.tensordot(matrix, linear, 1).clamp(0, 1))

    return convert


def _by_littlecms(profile: bytes) -> Convert:
    from PIL import Image, ImageCms

    transform = _transform(profile, "RGB")

    def convert(image: torch.Tensor) -> torch.Tensor:
        pixels = (image.clamp(0, 1) * 255).round().byte().movedim(0, -1).contiguous().numpy()
        applied = np.array(ImageCms.applyTransform(Image.fromarray(pixels), transform))
        return torch.from_numpy(applied).movedim(-1, 0).float() / 255

    return convert


def _transform(profile: bytes, mode: str) -> Any:
    """LittleCMS's transform from a mode of Pillow to sRGB. Raises ValueError for a profile that does not allow it."""
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (OSError, ImageCms.PyCMSError) as error:
        raise ValueError("its colour profile is damaged") from error


def _tags(profile: bytes) -> dict[str, bytes]:
    if len(profile) < 132 or profile[36:40] != b"acsp":
        raise ValueError("its colour profile is damaged")
    count = min(struct.unpack_from(">I", profile, 128)[0], (len(profile) - 132) // 12)
    entries = [struct.unpack_from(">4sII", profile, 132 + 12 * number) for number in range(count)]
    return {name.decode("latin-1"): profile[offset : offset + size] for name, offset, size in entries}


def _fixed(data: bytes, offset: int, count: int) -> tuple[float, ...]:
    """Numbers of 16 bits before the point and 16 after it."""
    if len(data) < offset + 4 * count:
        raise ValueError("its colour profile is damaged")
    return tuple(number / 65536 for number in struct.unpack_from(f">{count}i", data, offset))


def _xyz(data: bytes) -> tuple[float, ...]:
    return _fixed(data, 8, 3)


def _curve(data: bytes) -> Convert:
    """A tone curve, of the kinds `curv` and `para`, from a file's value to linear light."""
    kind = data[:4]
    if kind == b"curv" and len(data) >= 12:
        (count,) = struct.unpack_from(">I", data, 8)
        if count == 0:
            return lambda values: values
        if count == 1 and len(data) >= 14:
            gamma = struct.unpack_from(">H", data, 12)[0] / 256
            return lambda values: values.clamp(min=0) ** gamma
        if len(data) >= 12 + 2 * count:
            return _table_curve(np.frombuffer(data, ">u2", count, 12).astype(np.float64) / 65535)
    if kind == b"para" and len(data) >= 12:
        (function,) = struct.unpack_from(">H", data, 8)
        if function <= 4:
            return _parametric_curve(_fixed(data, 12, (1, 3, 4, 5, 7)[function]))
    raise ValueError("its colour profile is damaged")


def _table_curve(table: np.ndarray) -> Convert:
    places = np.linspace(0, 1, len(table))
    return lambda values: torch.from_numpy(np.interp(values.numpy(), places, table)).to(values.dtype)


def _parametric_curve(numbers: Sequence[float]) -> Convert:
    """Y = (a X + b)^g + e above d, c X + f below it; what a shorter form leaves out is its default."""
    g, a, b, c, d, e, f = 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0
    if len(numbers) <= 3:
        g, a, b = (*numbers, *(1.0, 0.0)[len(numbers) - 1 :])
        d = -b / a if a else 0.0
    elif len(numbers) == 4:
        (g, a, b, e), f = numbers, numbers[3]
        d = -b / a if a else 0.0
    else:
        g, a, b, c, d, e, f = (*numbers, *(0.0, 0.0)[: 7 - len(numbers)])
    return lambda x: torch.where(x >= d, (a * x + b).clamp(min=0) ** g + e, c * x + f)
