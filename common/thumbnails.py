"""Small pictures of maps, for lists and panels."""

import io
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from .image_headers import open_with_pillow, told_as_unreadable
from .image_writing import whole_numbers
from .images import composite
from .map_files import Reading, read_map

PLAIN = {"L", "RGB"}  # Pillow's modes of 8 bits without alpha, which it can make small while it reads them


def thumbnail(
    path: Path, kind: str, reading: Reading, background: tuple[float, float, float], side: int, quality: int = 82
) -> bytes:
    """A map of the given kind as a WebP whose longer side is `side` pixels at most. Raises `UnreadableImage`.

    Ordinary 8-bit files are made small while they are read; all others as `read_map` sees them, clipped to 0..1.
    """
    from PIL import Image

    small = _plain(path, side)
    if small is None:
        image = composite(read_map(path, kind, reading), background)
        small = Image.fromarray(whole_numbers(_shrunk(image, side), 8))
    file = io.BytesIO()
    small.save(file, "WEBP", quality=quality, method=2)
    return file.getvalue()


def _shrunk(image: torch.Tensor, side: int) -> torch.Tensor:
    """(3, H, W), its longer side `side` at most."""
    height, width = image.shape[-2:]
    scale = side / max(height, width)
    if scale >= 1:
        return image
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    return F.interpolate(image.unsqueeze(0), size=size, mode="area")[0]


def _plain(path: Path, side: int) -> Any:
    """A Pillow image, None for a file that needs more care."""
    from PIL import Image, ImageOps

    if path.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp", ".bmp"):
        return None
    with told_as_unreadable(path), open_with_pillow(path) as image:
        if image.mode not in PLAIN or image.info.get("icc_profile") or "transparency" in image.info:
            return None
        image.draft("RGB", (2 * side, 2 * side))
        upright = ImageOps.exif_transpose(image).convert("RGB")
        upright.thumbnail((side, side), Image.Resampling.BOX, reducing_gap=2.0)
        return upright
