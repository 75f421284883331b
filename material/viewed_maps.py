"""The maps of a material as a browser can take them without loss that shows: PNG files of 8 bits a channel.

Browsers decode every image to 8 bits. So a height is spread over the three bytes of red, green and blue, and what
shades a surface is packed as glTF packs it: occlusion in red, roughness in green, metallic in blue.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..common.axes import Axes
from ..common.image_writing import encode_with_opencv, whole_numbers
from ..common.resample import resize
from .map_inputs import single_channel
from .material_files import SurfaceFacts
from .normals import decode_normals, encode_normals, normal_map, slope_scale, unit

LARGEST = 2048  # pixels of the longer side: more than a view has, and what a browser decodes in a moment
WHOLE_24 = 2**24 - 1
PACKED = {"occlusion": 1.0, "roughness": 0.6, "metallic": 0.0}  # in red, green and blue, and what stands for none
BOTH = Axes(True, True)


@dataclass(frozen=True)
class HeightFile:
    """A height for a browser: the bytes of a PNG, and the heights that its black and its white stand for."""

    png: bytes
    low: float
    high: float


def height_file(height: torch.Tensor) -> HeightFile:
    """(1, H, W) of any range as a PNG whose red, green and blue are the bytes of a 24-bit number, the highest first.

    height = low + (65536 red + 256 green + blue) / (2^24 - 1) * (high - low).
    """
    low, high = float(height.amin()), float(height.amax())
    share = (height[0].double().cpu() - low) / ((high - low) or 1.0)
    number = (share * WHOLE_24).round().clamp(0, WHOLE_24).int().numpy()
    pixels = np.stack([number >> 16, number >> 8 & 255, number & 255], -1).astype(np.uint8)
    return HeightFile(_png(pixels), low, high)


def viewed_maps(maps: Mapping[str, torch.Tensor], surface: SurfaceFacts) -> tuple[dict[str, bytes], dict[str, Any]]:
    """One material for the view: PNGs by "basecolor", "normal", "packed", "height", "opacity", "emissive", and facts.

    maps are (1, C, H, W) by their name in `engine_presets.MAPS`, normals of three channels. Without normals those of
    the height are made, which the fact "derived" tells. Maps above `LARGEST` pixels are scaled down.
    """
    columns = max(pixels.shape[-1] for pixels in maps.values())
    facts: dict[str, Any] = {
        "maps": list(maps),
        "convention": surface.convention,
        "height_cm": surface.height_cm,
        "size_cm": surface.size_cm,
        "pixels": [columns, max(pixels.shape[-2] for pixels in maps.values())],
        "derived": "normal" not in maps and "height" in maps,
    }
    small = {name: scaled_down(pixels, name == "normal") for name, pixels in maps.items()}
    facts["shown"] = [max(pixels.shape[-1 - axis] for pixels in small.values()) for axis in (0, 1)]
    files: dict[str, bytes] = {name: _color_png(small[name][0]) for name in ("basecolor", "emissive") if name in small}
    if opacity := _opacity(small):
        files["opacity"] = opacity
    if any(name in small for name in PACKED):
        files["packed"] = _color_png(packed_surface(small)[0])
    if "height" in small:
        height = height_file(single_channel(small["height"])[0][0])
        files["height"] = height.png
        facts |= {"low": height.low, "high": height.high}
    normals = normals_for_view(small, surface)
    if normals is not None:
        files["normal"] = _color_png(normals[0])
    return files, facts


def normals_for_view(maps: Mapping[str, torch.Tensor], surface: SurfaceFacts) -> torch.Tensor | None:
    """The normals (1, 3, H, W) of the maps, else those that their height stands for, else None."""
    if "normal" in maps:
        return maps["normal"][:, :3]
    if "height" not in maps:
        return None
    height = single_channel(maps["height"])[0]
    scale = slope_scale(surface.height_cm, surface.size_cm, height.shape[-1])
    return normal_map(height, scale, "scharr", BOTH, surface.convention)


def packed_surface(maps: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """(1, 3, H, W): occlusion, roughness and metallic, of the size of the largest of them; what is missing is plain."""
    given = {name: single_channel(maps[name])[0] for name in PACKED if name in maps}
    rows, columns = (max(pixels.shape[axis] for pixels in given.values()) for axis in (-2, -1))
    plain = next(iter(given.values())).new_ones(1, 1, rows, columns)
    channels = [
        resize(given[name], rows, columns, BOTH) if name in given else value * plain for name, value in PACKED.items()
    ]
    return torch.cat(channels, 1)


def scaled_down(pixels: torch.Tensor, are_normals: bool = False) -> torch.Tensor:
    """(1, C, H, W) at `LARGEST` pixels of its longer side where it has more, each the mean of what it stands for."""
    rows, columns = pixels.shape[-2:]
    share = LARGEST / max(rows, columns)
    if share >= 1:
        return pixels
    size = max(3, round(rows * share)), max(3, round(columns * share))
    small = torch.nn.functional.interpolate(pixels, size, mode="area")
    return encode_normals(unit(decode_normals(small[:, :3]))) if are_normals else small


def _opacity(maps: Mapping[str, torch.Tensor]) -> bytes | None:
    """Of the opacity map, else of the basecolor's alpha where that is not opaque throughout."""
    if "opacity" in maps:
        return _color_png(single_channel(maps["opacity"])[0][0])
    basecolor = maps.get("basecolor")
    if basecolor is None or basecolor.shape[1] < 4 or float(basecolor[:, 3].amin()) > 254.5 / 255:
        return None
    return _color_png(basecolor[0, 3:4])


def _color_png(image: torch.Tensor) -> bytes:
    """(C, H, W) in 0..1: its first three channels, or the first of fewer."""
    return _png(whole_numbers(image[: 3 if len(image) >= 3 else 1], 8))


def _png(pixels: np.ndarray) -> bytes:
    import cv2

    return encode_with_opencv(pixels, ".png", [cv2.IMWRITE_PNG_COMPRESSION, 1])
