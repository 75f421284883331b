"""TIFF files byte by byte, of kinds that no writer at hand makes."""

import struct


def write_tiff(path, parts, tags, tiled=False):
    """A little-endian TIFF of `parts`, the bytes of its strips or tiles; `tags`: lists of numbers."""
    offsets, position = [], 8
    for part in parts:
        offsets.append(position)
        position += len(part)
    places = (324, 325) if tiled else (273, 279)
    tags = {**tags, **dict(zip(places, [offsets, [len(part) for part in parts]], strict=True))}
    after = position + 2 + 12 * len(tags) + 4
    entries, more = b"", b""
    for tag, values in sorted(tags.items()):
        data = struct.pack(f"<{len(values)}I", *values)
        entries += struct.pack("<HHI", tag, 4, len(values))
        entries += data if len(values) == 1 else struct.pack("<I", after + len(more))
        more += data if len(values) > 1 else b""
    directory = struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)
    path.write_bytes(b"II*\0" + struct.pack("<I", position) + b"".join(parts) + directory + more)
