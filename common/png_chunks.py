"""A PNG's chunks: what it states of itself, and the file without what no reader should unpack."""

import io
import zlib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from .errors import UnreadableImage

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXTS = {b"tEXt", b"zTXt", b"iTXt"}
NOTES = {b"eXIf", *TEXTS}  # where a PNG may say which way is up
KEPT = {b"cICP", b"iCCP", *NOTES}
MOST_KEPT = 10_000
MOST_UNPACKED, MOST_TEXT = 2**20, 2**26  # bytes of one packed text or profile, and of all texts: Pillow's limits


class Chunk(NamedTuple):
    """A chunk's type, where its content begins in the file, and how many bytes that has."""

    kind: bytes
    start: int
    size: int


def png_chunks(file: BinaryIO, path: Path) -> list[Chunk]:
    """The chunks of a PNG that are in `KEPT`, in their order, none of a file that is no PNG. Pillow would decode all
    pixels to find that no EXIF follows them.

    Raises `UnreadableImage` for more than MOST_KEPT, which a small file may have to fill the memory.
    """
    file.seek(0)
    if file.read(len(SIGNATURE)) != SIGNATURE:
        return []
    chunks, position = [], len(SIGNATURE)
    while len(begin := file.read(8)) == 8:
        size = int.from_bytes(begin[:4], "big")
        if begin[4:] in KEPT:
            chunks.append(Chunk(begin[4:], position + 8, size))
        if len(chunks) > MOST_KEPT:
            raise UnreadableImage(path, f"it has more than {MOST_KEPT:,} texts; save it anew without them")
        position += size + 12
        file.seek(position)
    return chunks


def code_points(file: BinaryIO, chunks: Iterable[Chunk]) -> bytes:
    """The first four bytes of a PNG's cICP chunk, b"" without one."""
    chunk = next((chunk for chunk in chunks if chunk.kind == b"cICP"), None)
    if chunk is None:
        return b""
    file.seek(chunk.start)
    return file.read(min(chunk.size, 4))


def other_colors(code_points: bytes) -> str:
    """The code points of H.273 that a PNG states, "" for none and for those of sRGB: BT.709 colours and its curve."""
    if len(code_points) < 4 or code_points[:2] in (b"\1\x0d", b"\1\1"):
        return ""
    return "/".join(map(str, code_points[:2]))


def without_heavy_chunks(file: BinaryIO, chunks: Collection[Chunk]) -> BinaryIO:
    """A PNG without those texts and profiles of its `chunks` that unpack to more than a picture needs, for which Pillow
    would refuse it whole; the file itself where there are none."""
    heavy, text = [], 0
    for chunk in chunks:
        packed = _packed(file, chunk)
        length = chunk.size if packed is None else _unpacked_length(packed)
        is_text = chunk.kind in TEXTS
        if (packed is not None and length > MOST_UNPACKED) or (is_text and text + length > MOST_TEXT):
            heavy.append(chunk)
        elif is_text:
            text += length
    if not heavy:
        return file
    kept, position = io.BytesIO(), 0
    for chunk in heavy:
        file.seek(position)
        kept.write(file.read(chunk.start - 8 - position))
        position = chunk.start + chunk.size + 4
    file.seek(position)
    kept.write(file.read())
    return kept


def _packed(file: BinaryIO, chunk: Chunk) -> bytes | None:
    """What is packed in a text or a profile, None for a text that is not and for other chunks."""
    if chunk.kind not in (b"zTXt", b"iTXt", b"iCCP"):
        return None
    file.seek(chunk.start)
    after_name = file.read(chunk.size).partition(b"\0")[2]
    if chunk.kind != b"iTXt":
        return after_name[1:]
    return after_name[2:].split(b"\0", 2)[-1] if after_name[:1] == b"\1" else None


def _unpacked_length(packed: bytes) -> int:
    """Of at most one byte more than a packed text may have; 0 for what cannot be unpacked."""
    try:
        return len(zlib.decompressobj().decompress(packed, MOST_UNPACKED + 1))
    except zlib.error:
        return 0
