"""What the headers of JPEG and TGA files say that their decoder does not: codings that it lacks, what alpha is."""

import struct
from typing import BinaryIO

_LOSSLESS = (0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF)  # frames that are lossless or of several layers
_FRAMES = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA, *_LOSSLESS)
_ALONE = (0x01, *range(0xD0, 0xD9))  # markers without a length
_FOOTER, _SIGNATURE = 26, b"TRUEVISION-XFILE."
_ATTRIBUTES = 494  # the place of the attributes type in a TGA's extension area


def unread_jpeg(file: BinaryIO) -> str:
    """Of a JPEG that no decoder here reads what it is and what to do, "" for any other."""
    file.seek(2)
    while (marker := file.read(2))[:1] == b"\xff" and len(marker) == 2:
        if marker[1] == 0xFF:
            file.seek(-1, 1)
            continue
        if marker[1] in _ALONE:
            continue
        length, bits = struct.unpack(">HB", (file.read(3) + bytes(3))[:3])
        if marker[1] in _LOSSLESS:
            return "a lossless JPEG, as cameras and scanners of medicine write them; convert it to PNG or TIFF"
        if marker[1] in _FRAMES:
            return f"a JPEG of {bits} bits a channel; export it as PNG or TIFF, or with 8 bits" if bits != 8 else ""
        if length < 2:
            return ""
        file.seek(length - 3, 1)
    return ""


def remark_on_tga(file: BinaryIO) -> str:
    """What is odd about the alpha of a TGA of 32 bits, "" for nothing."""
    file.seek(0)
    head = file.read(18)
    if len(head) < 18 or head[16] != 32:
        return ""
    kind = _attributes_type(file)
    if kind == 4:
        return "colours multiplied by their alpha, as the file says, taken as they are: export it with straight alpha"
    if kind in (0, 1, 2) or (kind is None and not head[17] & 15):
        return "a fourth channel that is no alpha, as the file says, taken for alpha"
    return ""


def _attributes_type(file: BinaryIO) -> int | None:
    file.seek(0, 2)
    size = file.tell()
    file.seek(max(0, size - _FOOTER))
    footer = file.read(_FOOTER)
    if footer[8:25] != _SIGNATURE:
        return None
    area = struct.unpack("<I", footer[:4])[0]
    file.seek(area + _ATTRIBUTES)
    found = file.read(1)
    return found[0] if area and found else None
