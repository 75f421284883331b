"""A PNG's chunks: what it states of itself, and the file without what no reader should unpack."""

import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXTS = {b"tEXt", b"zTXt", b"iTXt"}
NOTES = {b"eXIf", *TEXTS}  # where a PNG may say which way is up
MOST_UNPACKED, MOST_TEXT = 2**20, 2**26  # bytes of one packed text or profile, and of all texts: Pillow's limits


def png_chunks(path: Path) -> dict[bytes, bytes]:
    """The types of a PNG's chunks with their first four bytes. Pillow would decode all pixels to find that no EXIF
    follows them."""
    with path.open("rb") as file:
        chunks = {}
        for kind, start, size in _chunks(file):
            file.seek(start)
            chunks[kind] = file.read(min(size, 4))
        return chunks


def other_colors(code_points: bytes) -> str:
    """The code points of H.273 that a PNG states, "" for none and for those of sRGB: BT.709 colours and its curve."""
    if len(code_points) < 4 or code_points[:2] in (b"\1\x0d", b"\1\1"):
        return ""
    return "/".join(map(str, code_points[:2]))


def without_heavy_chunks(file: BinaryIO) -> BinaryIO:
    """A PNG without texts and profiles that unpack to more than a picture needs, for which Pillow would refuse it
    whole; the file itself where it holds none, or is no PNG."""
    file.seek(0)
    if file.read(len(SIGNATURE)) != SIGNATURE:
        return file
    heavy, text = [], 0
    for kind, start, size in _chunks(file):
        packed = _packed(file, kind, start, size)
        length = size if packed is None else _unpacked_length(packed)
        is_text = kind in TEXTS
        if (packed is not None and length > MOST_UNPACKED) or (is_text and text + length > MOST_TEXT):
            heavy.append((start - 8, start + size + 4))
        elif is_text:
            text += length
    if not heavy:
        return file
    kept, position = io.BytesIO(), 0
    for begin, end in heavy:
        file.seek(position)
        kept.write(file.read(begin - position))
        position = end
    file.seek(position)
    kept.write(file.read())
    return kept


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """The type of each chunk, where its content begins, and how many bytes that has."""
    position = len(SIGNATURE)
    while True:
        file.seek(position)
        start = file.read(8)
        if len(start) < 8:
            return
        size = int.from_bytes(start[:4], "big")
        yield start[4:], position + 8, size
        position += size + 12


def _packed(file: BinaryIO, kind: bytes, start: int, size: int) -> bytes | None:
    """What is packed in a text or a profile, None for a text that is not and for other chunks."""
    if kind not in (b"zTXt", b"iTXt", b"iCCP"):
        return None
    file.seek(start)
    after_name = file.read(size).partition(b"\0")[2]
    if kind != b"iTXt":
        return after_name[1:]
    return after_name[2:].split(b"\0", 2)[-1] if after_name[:1] == b"\1" else None


def _unpacked_length(packed: bytes) -> int:
    """Of at most one byte more than a packed text may have; 0 for what cannot be unpacked."""
    try:
        return len(zlib.decompressobj().decompress(packed, MOST_UNPACKED + 1))
    except zlib.error:
        return 0
