"""JPEGs that no decoder reads are named, and TGAs whose fourth channel may be no alpha are told."""

import io
import struct

import numpy as np
import pytest
from PIL import Image
from tilewright.common.errors import UnreadableImage
from tilewright.common.images import read_image
from tilewright.common.jpeg_tga_headers import remark_on_tga, unread_jpeg
from tilewright.common.map_files import read_map_with_notes

Y, X = np.mgrid[:24, :32]
RGB = np.stack([X * 8, Y * 10, (X + Y) * 4], -1).astype(np.uint8)
BGRA = np.dstack([RGB[..., ::-1], RGB[..., 0]])
FOOTER = b"TRUEVISION-XFILE.\0"


def jpeg(frame=0xC0, bits=8, **how):
    kept = io.BytesIO()
    Image.fromarray(RGB).save(kept, "JPEG", quality=98, subsampling=0, **how)
    content = bytearray(kept.getvalue())
    place = content.find(b"\xff\xc0")
    content[place + 1], content[place + 4] = frame, bits
    return bytes(content)


@pytest.mark.parametrize(("frame", "bits", "words"), [(0xC1, 12, "a JPEG of 12 bits"), (0xC3, 8, "a lossless JPEG")])
def test_codings_that_are_not_read_are_no_damage(tmp_path, frame, bits, words):
    (tmp_path / "wall.jpg").write_bytes(jpeg(frame, bits, exif=b"Exif\0\0" + bytes(3000), comment=b"\xff\xc3"))
    with pytest.raises(UnreadableImage, match=f"it is {words}"):
        read_image(tmp_path / "wall.jpg")


def test_headers_that_are_cut_off_say_nothing():
    for length in range(60):
        assert (
            unread_jpeg(io.BytesIO(jpeg()[:length])) == remark_on_tga(io.BytesIO(bytes([0, 0, 2] * 20)[:length])) == ""
        )


def test_restarts_and_filling_bytes_are_passed(tmp_path):
    content = jpeg(restart_marker_rows=1)
    (tmp_path / "wall.jpg").write_bytes(content[:2] + b"\xff\xff" + content[2:])
    assert np.abs(read_image(tmp_path / "wall.jpg").numpy() - np.moveaxis(RGB, -1, 0) / 255).max() < 0.03


def tga(path, descriptor, kind=None):
    content = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, 32, 24, 32, descriptor) + BGRA.tobytes()
    if kind is not None:
        area = struct.pack("<H", 495) + bytes(492) + bytes([kind])
        content += area + struct.pack("<II", len(content), 0) + FOOTER
    path.write_bytes(content)
    image, notes = read_map_with_notes(path, "basecolor")
    assert np.array_equal(image.numpy(), np.moveaxis(np.dstack([RGB, RGB[..., 0]]), -1, 0).astype(np.float32) / 255)
    return " ".join(note.what for note in notes)


@pytest.mark.parametrize(
    ("descriptor", "kind", "words"),
    [
        (0x28, None, ""),
        (0x28, 3, ""),
        (0x20, 3, ""),
        (0x20, None, "no alpha, as the file says"),
        (0x28, 2, "no alpha, as the file says"),
        (0x28, 4, "multiplied by their alpha"),
    ],
)
def test_what_the_fourth_channel_of_a_tga_is(tmp_path, descriptor, kind, words):
    found = tga(tmp_path / "wall.tga", descriptor, kind)
    assert words in found and bool(words) == bool(found)


@pytest.mark.parametrize(("origin", "turn"), [(0x00, (-1, 1)), (0x10, (-1, -1)), (0x20, (1, 1)), (0x30, (1, -1))])
def test_a_tga_may_begin_in_each_corner(tmp_path, origin, turn):
    head = struct.pack("<BBBHHBHHHHBB", 4, 0, 2, 0, 0, 0, 0, 0, 32, 24, 24, origin) + b"made"
    (tmp_path / "wall.tga").write_bytes(head + RGB[:: turn[0], :: turn[1], ::-1].tobytes())
    assert np.array_equal(read_image(tmp_path / "wall.tga").numpy(), np.moveaxis(RGB, -1, 0).astype(np.float32) / 255)
