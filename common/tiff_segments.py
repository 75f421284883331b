"""Strips and tiles of TIFFs that tifffile leaves to the package imagecodecs: Zstandard, and numbers of odd bits."""

import importlib
import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

_NUMBERS_AT_ONCE = 2**18
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def is_unpacked_here(page: Any) -> bool:
    """Whether a page is one for `unpacked_pixels`."""
    return is_zstd(page) or _is_packed(page)


def is_zstd(page: Any) -> bool:
    import tifffile

    return bool(page.compression == tifffile.COMPRESSION.ZSTD)


def zstd() -> Any:
    """Python's module for Zstandard, its own or the one that py7zr brings; None without."""
    for name in ("compression.zstd", "backports.zstd"):
        with suppress(ImportError):
            return importlib.import_module(name)
    return None


def unpacked_pixels(file: Any, page: Any) -> np.ndarray:
    """The pixels of a page of an open `TiffFile`, as `page.asarray` gives them: numbers of odd bits in the next larger
    type."""
    steps = [_decompressor(page)]
    if _is_packed(page):
        steps = [*_bit_order(page), *steps, _widened(page)]
        page.bitspersample, page.fillorder = 8 * page.dtype.itemsize, 1  # of what is handed to `decode`
    page.compression = 1
    pixels = np.zeros(page.shaped, page.dtype)
    for index, (offset, count) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=True)):
        file.filehandle.seek(offset)
        data = file.filehandle.read(count)
        for step in steps:
            data = step(data)
        part, (plane, depth, row, column, sample), shape = page.decode(data, index)
        rows, columns = slice(row, row + shape[1]), slice(column, column + shape[2])
        place = (plane, slice(depth, depth + shape[0]), rows, columns, slice(sample, sample + shape[3]))
        kept = pixels[place].shape  # tiles may reach beyond the picture
        pixels[place] = part[: kept[0], : kept[1], : kept[2], : kept[3]]
    return pixels.reshape(page.shape)


def _is_packed(page: Any) -> bool:
    return page.bitspersample > 1 and page.bitspersample % 8 > 0


def _decompressor(page: Any) -> Callable[[bytes], bytes]:
    import tifffile

    most = math.prod(page.chunks) * page.dtype.itemsize  # a damaged part may unpack without end
    if is_zstd(page):
        return lambda data: bytes(zstd().ZstdDecompressor().decompress(data, most))
    if page.compression == tifffile.COMPRESSION.NONE:
        return bytes
    decompress = tifffile.TIFF.DECOMPRESSORS[page.compression]
    return lambda data: bytes(decompress(data, out=most))


def _bit_order(page: Any) -> list[Callable[[bytes], bytes]]:
    return [lambda data: data.translate(_REVERSED)] if page.fillorder == 2 else []


def _widened(page: Any) -> Callable[[bytes], bytes]:
    """Numbers of `bitspersample` bits, the highest first and each row from a whole byte on, in the page's type."""
    bits = page.bitspersample
    row = page.chunks[-1] if page.planarconfig == 2 or page.samplesperpixel == 1 else math.prod(page.chunks[-2:])
    stored = page.dtype.newbyteorder(page.parent.byteorder)
    stride, weights = -(-row * bits // 8), 1 << np.arange(bits)[::-1]
    at_once = max(1, _NUMBERS_AT_ONCE // row)

    def widen(data: bytes) -> bytes:
        rows = np.frombuffer(data, np.uint8, len(data) // stride * stride).reshape(-1, stride)
        numbers = np.empty((len(rows), row), stored)
        for first in range(0, len(rows), at_once):  # bit by bit they take many times the room
            single = np.unpackbits(rows[first : first + at_once], axis=1)[:, : row * bits]
            numbers[first : first + at_once] = single.reshape(-1, row, bits) @ weights
        return numbers.tobytes()

    return widen
