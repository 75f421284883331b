"""Image files to tensors, at the precision of the file."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .color_profiles import srgb_of_cmyk
from .errors import UnreadableImage
from .exr_files import read_exr
from .image_headers import Header, open_with_pillow, read_header, told_as_unreadable
from .image_writing import ROWS_AT_ONCE, blue_first
from .tiff_files import read_tiff

IMAGE_SUFFIXES = {
    *(".png", ".jpg", ".jpeg", ".webp", ".avif", ".bmp", ".tga", ".tif", ".tiff", ".exr", ".gif"),
    *(".heic", ".heif", ".jxl", ".jfif", ".jpe", ".dib", ".apng"),
}


@dataclass(frozen=True)
class Decoded:
    """pixels as `read_image` gives them. is_float: whether they may lie outside 0..1 or be NaN or infinite."""

    pixels: torch.Tensor
    header: Header
    is_float: bool


def read_image(path: Path, layer: str = "") -> torch.Tensor:
    """The first picture of an image file as (C, H, W) float32, upright; C is 1, 3 or 4 (grey with alpha becomes 4).

    Integers are scaled so that their largest value is 1, floats (EXR, TIFF) stay as they are, and no gamma or
    profile is applied, so 8, 16 and 32 bits a channel come back exactly. Only CMYK is converted, by its embedded
    profile where it has one. layer names one of an EXR file's. Raises `UnreadableImage`.
    """
    return decode_image(path, layer).pixels


def decode_image(path: Path, layer: str = "") -> Decoded:
    """As `read_image`, with the colour information of the file."""
    with told_as_unreadable(path):
        header = read_header(path, layer)
        if header.exr:
            return Decoded(read_exr(path, header.exr), header, is_float=True)
        if header.decoder == "tifffile":
            pixels = read_tiff(path)
        elif header.decoder == "pillow":
            return Decoded(_decode_with_pillow(path), header, is_float=False)
        else:
            pixels = _decode_with_opencv(path, header)
        is_float = pixels.dtype.kind != "u"
        orientation = 1 if header.decoder == "opencv" else header.orientation  # OpenCV turns TIFFs upright, not PNGs
        return Decoded(_upright(_to_chw(pixels), orientation), header, is_float)


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) of the upright image, from the file's header alone. Raises `UnreadableImage`."""
    with told_as_unreadable(path):
        return read_header(path).upright_size


def image_dpi(path: Path) -> float:
    """Dots per inch by the file's metadata, the smaller of both axes; 0 without. Raises `UnreadableImage`."""
    with told_as_unreadable(path):
        if read_header(path).decoder in ("exr", "tifffile", "opencv"):
            return 0.0
        with open_with_pillow(path) as image:
            return float(min(image.info.get("dpi", (0,))))


def composite(image: torch.Tensor, background: tuple[float, float, float], in_place: bool = False) -> torch.Tensor:
    """(C, H, W) with 1, 3 or 4 channels -> (3, H, W): alpha laid over `background` (0..1), grey repeated.

    Colours under fully transparent pixels do not show through. `in_place` writes over the colours of `image`: those of
    8192 pixels a side are 800 MB.
    """
    if image.shape[0] < 4:
        return image.expand(3, -1, -1)
    colors = torch.tensor(background)[:, None, None]
    opaque = image[:3] if in_place else torch.empty_like(image[:3])
    for first in range(0, image.shape[1], ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        alpha = image[3:, rows]
        opaque[:, rows] = image[:3, rows] * alpha + colors * (1 - alpha)
    return opaque


def _decode_with_opencv(path: Path, header: Header) -> np.ndarray:
    import cv2

    pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)  # cv2.imread fails on non-ASCII paths
    if pixels is None and header.tiff:
        raise UnreadableImage(path, "OpenCV cannot decode it; save it without compression or with Deflate")
    if pixels is None:
        raise ValueError("OpenCV cannot decode it")
    if header.tiff and header.tiff.white_is_zero:
        pixels = 65535 - pixels  # OpenCV is asked for 16 bits of these only
    if header.see_through is not None and pixels.ndim == 2:
        return np.dstack([pixels] * 3 + [np.where(pixels == header.see_through, 0, 65535).astype(pixels.dtype)])
    return blue_first(pixels) if pixels.ndim == 3 else pixels


def _decode_with_pillow(path: Path) -> torch.Tensor:
    from PIL import ImageOps

    with open_with_pillow(path) as image:
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        return _to_chw(np.asarray(_grey_or_rgb(image)))


def _grey_or_rgb(image: Any) -> Any:
    """Any 8-bit mode of Pillow as L, RGB or RGBA."""
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        return image.convert("RGBA")
    if image.mode in ("1", "L"):
        return image.convert("L")
    if image.mode == "CMYK" and image.info.get("icc_profile"):
        with suppress(ValueError):  # passed over, as those of other colours are; what reads the map says so
            return srgb_of_cmyk(image, image.info["icc_profile"])
    return image.convert("RGB")


def _to_chw(pixels: np.ndarray) -> torch.Tensor:
    """(H, W) or (H, W, C) of any number type -> (C, H, W) float32."""
    full_scale = int(np.iinfo(pixels.dtype.name).max) if pixels.dtype.kind in "ui" else 1
    planes = pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
    return torch.from_numpy(planes.astype(np.float32, order="C")).div_(full_scale)  # in place: a copy takes as long


def _upright(image: torch.Tensor, orientation: int) -> torch.Tensor:
    """Apply an EXIF orientation: 2 to 4 flip or turn by 180°, 5 to 8 turn by 90° (and flip)."""
    turns = {3: 2, 4: 2, 5: -1, 6: -1, 7: 1, 8: 1}.get(orientation, 0)
    turned = torch.rot90(image, turns, (-2, -1))
    return turned.flip(-1) if orientation in (2, 4, 5, 7) else turned
