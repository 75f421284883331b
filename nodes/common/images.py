"""Image files to tensors and back, at the precision of the file."""

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import torch

from .files import written_whole


def quantise(image: torch.Tensor, bits: int) -> torch.Tensor:
    """Round 0..1 floats to the integers of an unsigned `bits`-bit channel, as int32. Values outside are clipped."""
    return (image.clamp(0, 1) * (2**bits - 1)).round().int()


def write_png(path: Path, image: torch.Tensor, bits: int = 8, text: Mapping[str, str] | None = None) -> None:
    """Write (C, H, W) in 0..1 as a grey (C = 1), RGB or RGBA PNG of 8 or 16 bits a channel, rounded.

    The file appears whole or not at all. `text` is kept in it as Latin-1 keywords and values,
    where ComfyUI looks for its workflow.
    """
    import cv2
    import numpy as np

    channels = image.shape[0]
    pixels = quantise(image.cpu(), bits).movedim(0, -1).numpy().astype(np.uint8 if bits == 8 else np.uint16)
    if channels > 1:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR if channels == 3 else cv2.COLOR_RGBA2BGRA)
    encoded, data = cv2.imencode(".png", pixels)
    if not encoded:
        raise OSError(f"OpenCV could not encode {path.name}")
    with written_whole(path) as unfinished:  # not cv2.imwrite: it fails on non-ASCII paths on Windows
        unfinished.write_bytes(_with_png_text(data.tobytes(), text or {}))


def _with_png_text(png: bytes, text: Mapping[str, str]) -> bytes:
    header_end = 8 + 12 + 13  # the signature, and the IHDR chunk with its frame
    chunks = [_png_chunk(b"tEXt", f"{key}\0{value}".encode("latin-1")) for key, value in text.items()]
    return b"".join([png[:header_end], *chunks, png[header_end:]])


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
