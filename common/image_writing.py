"""Tensors to PNG files, and to the whole numbers that image files hold."""

import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch

from .files import written_whole

ROWS_AT_ONCE = 256
NO_TEXT: Mapping[str, str] = MappingProxyType({})


def quantise(image: torch.Tensor, bits: int) -> torch.Tensor:
    """Round 0..1 floats to the integers of an unsigned `bits`-bit channel, as int32. Values outside are clipped."""
    return (image.clamp(0, 1) * (2**bits - 1)).round().int()


def whole_numbers(image: torch.Tensor, bits: int) -> np.ndarray:
    """(C, H, W) in 0..1 as (H, W, C) of the integers of an unsigned 8- or 16-bit channel, rounded and clipped."""
    return whole_numbers_of(image.split(ROWS_AT_ONCE, 1), image.shape[1], bits)


def whole_numbers_of(strips: Iterable[torch.Tensor], height: int, bits: int) -> np.ndarray:
    """As `whole_numbers` of an image of `height` rows that comes in strips (C, rows, W), from top to bottom."""
    pixels, top = np.empty((0, 0, 0)), 0
    for strip in strips:
        if not top:
            pixels = np.empty((height, strip.shape[2], strip.shape[0]), np.uint8 if bits == 8 else np.uint16)
        pixels[top : top + strip.shape[1]] = quantise(strip.cpu(), bits).movedim(0, -1).numpy()
        top += strip.shape[1]
    return pixels


def write_png(path: Path, image: torch.Tensor, bits: int = 8, text: Mapping[str, str] = NO_TEXT) -> None:
    """Write (C, H, W) in 0..1, C being 1, 3 or 4, as a PNG of 8 or 16 bits a channel, rounded, whole or not at all.

    `text` is kept in it by keyword, as ComfyUI keeps workflows.
    """
    write_pixels(path, whole_numbers(image, bits), text)


def write_pixels(path: Path, pixels: np.ndarray, text: Mapping[str, str] = NO_TEXT) -> None:
    """Write pixels (H, W, C) of 8 or 16 bits, which are written over, as a PNG; `text` as of `write_png`."""
    png = memoryview(encode_with_opencv(pixels, ".png"))
    header_end = 8 + 12 + 13  # the signature, and the IHDR chunk with its frame
    chunks = [_png_chunk(b"tEXt", f"{key}\0{value}".encode("latin-1")) for key, value in text.items()]
    with written_whole(path) as unfinished, unfinished.open("wb") as file:
        file.writelines([png[:header_end], *chunks, png[header_end:]])


def encode_with_opencv(pixels: np.ndarray, suffix: str, options: Sequence[int] = ()) -> bytes:
    """The bytes of an image file of pixels (H, W, C) in the order R, G, B, A, which are written over. OpenCV's own
    writing fails on non-ASCII paths on Windows."""
    import cv2

    encoded, data = cv2.imencode(suffix, blue_first(pixels), options)
    if not encoded:
        raise OSError(f"OpenCV could not encode an image as {suffix}")
    return data.tobytes()


def blue_first(pixels: np.ndarray) -> np.ndarray:
    """(H, W, C) with red and blue swapped in place, in strips of rows: R, G, B, A to B, G, R, A and back."""
    if pixels.shape[2] > 1:
        for first in range(0, len(pixels), ROWS_AT_ONCE):
            rows = pixels[first : first + ROWS_AT_ONCE]
            rows[..., [0, 2]] = rows[..., [2, 0]]
    return pixels


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
