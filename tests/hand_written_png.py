"""PNGs written by hand, with chunks that no library writes."""

import struct
import zlib

import numpy as np


def png(path, pixels, bits, color, *chunks, after=()):
    """`pixels` in PNG's colour type `color`, with (type, content) chunks before and after them."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2" if bits == 16 else np.uint8).tobytes() for row in pixels)
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)), *chunks]
    parts += [(b"IDAT", zlib.compress(rows)), *after, (b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))
    return path


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
