"""OpenEXR files: which layers they hold, and the pixels of one.

A file has parts, a part has channels, and what stands before a channel's last dot is its layer:
`ViewLayer.Combined.R` is the red of the layer `ViewLayer.Combined`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .errors import UnreadableImage

SIGNATURE = b"\x76\x2f\x31\x01"
MAIN_LAYERS = ("", "rgba", "rgb", "combined", "beauty", "image", "color", "colour", "basecolor", "albedo", "diffuse")
_COLORS = (("R", "G", "B"), ("RED", "GREEN", "BLUE"), ("X", "Y", "Z"))


@dataclass(frozen=True)
class Layer:
    """The channels of a part that make one picture. name is "" for those without; channels maps a
    channel's own name ("R") to its whole name ("ViewLayer.Combined.R"). index is the part's number."""

    name: str
    index: int
    channels: Mapping[str, str]

    @property
    def planes(self) -> list[str]:
        """The whole names of grey or of red, green and blue, then of alpha where there is one; [] where unknown."""
        own = {name.upper(): whole for name, whole in self.channels.items()}
        alpha = [own.pop(name) for name in ("A", "ALPHA") if name in own]
        for names in _COLORS:
            if set(names) <= own.keys():
                return [own[name] for name in names] + alpha
        if "Y" in own and not {"RY", "BY"} & own.keys():
            return [own["Y"], *alpha]
        if own.keys() == {"R", "G"}:
            return [own["R"], own["G"]]
        return [*own.values(), *alpha] if len(own) == 1 else alpha if not own else []


@dataclass(frozen=True)
class ExrHeader:
    """width and height are those of the display window; chromaticities are the eight numbers of red, green, blue and
    white, () without."""

    width: int
    height: int
    layer: Layer
    layers: tuple[str, ...]
    chromaticities: tuple[float, ...] = ()


def read_exr_header(path: Path, layer: str = "") -> ExrHeader:
    """What is known of an EXR file without its pixels. layer is one of its layers, or a channel's whole name; "" for
    the main one. Raises `UnreadableImage` where there is no such layer, and for deep images."""
    import OpenEXR

    parts = OpenEXR.File(str(path), header_only=True).parts
    if any(part.header.get("type") in (OpenEXR.deepscanline, OpenEXR.deeptile) for part in parts):
        raise UnreadableImage(path, "it is a deep image, with many values a pixel; export it flattened")
    layers = [one for index, part in enumerate(parts) for one in _layers(part, index, len(parts) > 1)]
    chosen = _named(path, layers, layer) if layer else _main(path, layers)
    header = parts[chosen.index].header
    (left, top), (right, bottom) = header["displayWindow"]
    chromaticities = tuple(map(float, np.ravel(header.get("chromaticities", ()))))
    names = tuple(dict.fromkeys(one.name for one in layers))
    return ExrHeader(int(right) - int(left) + 1, int(bottom) - int(top) + 1, chosen, names, chromaticities)


def read_exr(path: Path, header: ExrHeader) -> torch.Tensor:
    """The pixels of the header's layer as (C, H, W) float32, C being 1, 3 or 4, in the frame of the display window.

    Where the data window is smaller the rest is 0, as the format says. Whole numbers are scaled so that their largest
    is 1. Raises `UnreadableImage` for a file that is cut short or damaged, which OpenEXR reads without its pixels.
    """
    import OpenEXR

    count = len(OpenEXR.File(str(path), header_only=True).parts)
    parts = OpenEXR.File(str(path), separate_channels=True).parts
    channels = parts[header.layer.index].channels if len(parts) == count else {}
    names = header.layer.planes
    if not names or any(name not in channels for name in names):
        raise UnreadableImage(path, "it is damaged or incomplete: some of its pixels are missing; copy it again")
    if len({channels[name].pixels.dtype.kind for name in names}) > 1:
        found = ", ".join(f"{name} ({channels[name].pixels.dtype})" for name in names)
        raise UnreadableImage(
            path, f"its channels hold whole numbers beside others: {found}; name one of them as layer"
        )
    planes = [_plane(path, channels.pop(name), name) for name in names]
    channels.clear()  # at 8K each is 268 MB
    if len(planes) == 2 and header.layer.channels.keys() == {"R", "G"}:
        planes.append(np.zeros_like(planes[0]))  # two channels of a normal map, as other formats hold them
    elif len(planes) == 2:
        planes = [planes[0]] * 3 + [planes[1]]
    return torch.from_numpy(_in_display_window(path, planes, parts[header.layer.index].header))


def _layers(part: Any, index: int, of_many: bool) -> list[Layer]:
    found: dict[str, dict[str, str]] = {}
    for channel in part.header["channels"]:
        layer, _, own = channel.name.rpartition(".")
        found.setdefault(layer, {})[own] = channel.name
    prefix = part.name() if of_many else ""
    return [Layer(".".join(filter(None, (prefix, name))), index, channels) for name, channels in found.items()]


def _named(path: Path, layers: Sequence[Layer], wanted: str) -> Layer:
    for layer in layers:
        if layer.name == wanted and layer.planes:
            return layer
    for layer in layers:
        for own, whole in layer.channels.items():
            if wanted in (whole, f"{layer.name}.{own}"):
                return Layer(wanted, layer.index, {own: whole})
    raise UnreadableImage(path, f"it has no layer {wanted!r}; it has {_listed(layers)}")


def _main(path: Path, layers: Sequence[Layer]) -> Layer:
    """The layer that other programs would show: one without a name or with a usual one, colours before grey."""

    def rank(layer: Layer) -> tuple[int, bool]:
        last = layer.name.rpartition(".")[2].lower()
        return MAIN_LAYERS.index(last) if last in MAIN_LAYERS else len(MAIN_LAYERS), len(layer.planes) < 3

    readable = [layer for layer in layers if layer.planes]
    if not readable:
        raise UnreadableImage(
            path,
            f"no channels of it make grey or RGB together ({_listed(layers)}); export it as RGB, or name a layer",
        )
    return min(readable, key=rank)


def _listed(layers: Iterable[Layer], most: int = 12) -> str:
    names = [f"{layer.name or 'no name'}: {', '.join(layer.channels)}" for layer in layers]
    return "; ".join(names[:most] + ["…"] * (len(names) > most))


def _plane(path: Path, channel: Any, name: str) -> np.ndarray:
    if channel.xSampling != 1 or channel.ySampling != 1:
        raise UnreadableImage(path, f"its channel {name} has fewer pixels than the image; export it at full resolution")
    pixels = channel.pixels
    full_scale = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
    return (pixels / full_scale if full_scale > 1 else pixels).astype(np.float32, copy=False)


def _in_display_window(path: Path, planes: Sequence[np.ndarray], header: Mapping[str, Any]) -> np.ndarray:
    (left, top), (right, bottom) = (map(int, corner) for corner in header["displayWindow"])
    (first, above), _ = (map(int, corner) for corner in header["dataWindow"])
    height, width = bottom - top + 1, right - left + 1
    x, y = first - left, above - top
    if (x, y) == (0, 0) and planes[0].shape == (height, width):
        return np.stack(planes)
    framed = np.zeros((len(planes), height, width), np.float32)
    rows = slice(max(y, 0), max(min(y + planes[0].shape[0], height), 0))
    columns = slice(max(x, 0), max(min(x + planes[0].shape[1], width), 0))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        raise UnreadableImage(path, "its data window lies outside its display window: no pixel of it would show")
    for plane, there in zip(planes, framed, strict=True):
        there[rows, columns] = plane[rows.start - y : rows.stop - y, columns.start - x : columns.stop - x]
    return framed
