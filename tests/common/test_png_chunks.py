import io
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hand_written_png import chunk, png
from PIL import Image, ImageCms
from tilewright.common import image_headers
from tilewright.common.errors import UnreadableImage
from tilewright.common.image_headers import read_header
from tilewright.common.map_files import read_map_with_notes
from tilewright.common.png_chunks import (
    MOST_KEPT,
    MOST_TEXT,
    MOST_UNPACKED,
    SIGNATURE,
    code_points,
    other_colors,
    png_chunks,
    without_heavy_chunks,
)

RGB = np.random.default_rng(3).integers(0, 256, (16, 16, 3), dtype=np.uint8)
PIXELS = torch.from_numpy(RGB).movedim(-1, 0) / 255
BOMB = zlib.compress(bytes(20 * MOST_UNPACKED), 9)
HEAVY = {
    "packed": (b"zTXt", b"Comment\0\0" + BOMB),
    "international": (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + BOMB),
    "plain": (b"tEXt", b"prompt\0" + b"x" * (MOST_TEXT + 1)),
}


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("text", HEAVY.values(), ids=HEAVY)
def test_a_picture_is_read_whatever_its_texts_unpack_to(tmp_path, text, place):
    before, after = ([text], []) if place == "before" else ([], [text])
    image, notes = read_map_with_notes(png(tmp_path / "a.png", RGB, 8, 2, *before, after=after), "basecolor")
    assert torch.equal(image, PIXELS) and notes == []


def test_a_profile_that_unpacks_to_too_much_is_told(tmp_path):
    path = png(tmp_path / "a.png", RGB, 8, 2, (b"iCCP", b"Adobe RGB\0\0" + BOMB))
    image, (note,) = read_map_with_notes(path, "basecolor")
    assert torch.equal(image, PIXELS) and "damaged colour profile" in note.what


def test_only_what_is_heavy_is_left_out(tmp_path):
    light = (b"zTXt", b"Author\0\0" + zlib.compress(b"somebody"))
    path = png(tmp_path / "a.png", RGB, 8, 2, HEAVY["packed"], light, after=[HEAVY["international"], light])
    with path.open("rb") as file:
        kept = without_heavy_chunks(file, png_chunks(file, path)).getvalue()
    expected = png(tmp_path / "b.png", RGB, 8, 2, light, after=[light]).read_bytes()
    assert kept == expected


@pytest.mark.parametrize("content", [SIGNATURE, SIGNATURE + chunk(b"zTXt", b"x")[:9], b"GIF89a", b"", bytes(40)])
def test_what_holds_nothing_heavy_is_left_as_it_is(content):
    path = Path("a.png")
    file = io.BytesIO(content)
    assert without_heavy_chunks(file, png_chunks(file, path)) is file


def test_a_header_is_read_in_one_walk_over_the_chunks(tmp_path, monkeypatch):
    """Of a large PNG there are tens of thousands."""
    walks = []
    monkeypatch.setattr(image_headers, "png_chunks", lambda *given: walks.append(given) or png_chunks(*given))
    read_header(png(tmp_path / "a.png", RGB, 8, 2))
    assert len(walks) == 1


def test_chunks_and_code_points(tmp_path):
    path = png(tmp_path / "a.png", RGB, 8, 2, (b"cICP", bytes((9, 16, 0, 1))), after=[(b"tEXt", b"a\0b")])
    with path.open("rb") as file:
        chunks = png_chunks(file, path)
        assert [chunk.kind for chunk in chunks] == [b"cICP", b"tEXt"]
        assert chunks[0][1:] == (8 + 25 + 8, 4) and chunks[-1][1:] == (path.stat().st_size - 12 - 4 - 3, 3)
        assert code_points(file, chunks) == bytes((9, 16, 0, 1)) and code_points(file, chunks[1:]) == b""
    assert other_colors(bytes((9, 16, 0, 1))) == "9/16" and other_colors(bytes((1, 13, 0, 1))) == ""


def test_chunks_without_number_take_no_memory(tmp_path):
    """6 MB of empty ones."""
    path = png(tmp_path / "a.png", RGB, 8, 2)
    content = path.read_bytes()
    path.write_bytes(content[:33] + chunk(b"vpAg", b"") * 500_000 + content[33:])
    with path.open("rb") as file:
        tracemalloc.start()
        assert png_chunks(file, path) == []
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2**20
    path.write_bytes(content[:33] + chunk(b"tEXt", b"a\0b") * (MOST_KEPT + 1) + content[33:])
    with pytest.raises(UnreadableImage, match="it has more than 10,000 texts; save it anew without them"):
        read_header(path)


ADOBE = (31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)  # white first, as PNG has them, in 1/100,000


@pytest.mark.parametrize("bits", [8, 16])
def test_primaries_that_a_png_states_are_turned_into_srgb(tmp_path, bits):
    """A green of Adobe RGB that sRGB has as well; the values are LittleCMS's by a profile of Adobe RGB."""
    pixels = np.full((4, 4, 3), (144, 190, 80), np.uint16) * (257 if bits == 16 else 1)
    stated = [(b"gAMA", struct.pack(">I", 45471)), (b"cHRM", struct.pack(">8I", *ADOBE))]
    path = png(tmp_path / "a.png", pixels, bits, 2, *stated)
    image, (note,) = read_map_with_notes(path, "basecolor")
    assert (image[:, 0, 0] * 255).numpy() == pytest.approx(by_littlecms((144, 190, 80)), abs=1.0)
    assert "primaries of their own" in note.what
    data, notes = read_map_with_notes(path, "height")
    assert (data[:, 0, 0] * 255).round().tolist() == [144, 190, 80] and notes == []


def by_littlecms(color):
    from test_color_profiles import PROFILES

    profile = ImageCms.ImageCmsProfile(io.BytesIO(PROFILES["Adobe RGB"]))
    turned = ImageCms.profileToProfile(Image.new("RGB", (1, 1), color), profile, ImageCms.createProfile("sRGB"))
    return turned.getpixel((0, 0))


@pytest.mark.parametrize(
    ("chunks", "told"),
    [
        ([(b"cHRM", struct.pack(">8I", *ADOBE))], "without a gamma"),
        ([(b"gAMA", struct.pack(">I", 45455)), (b"cHRM", bytes(32))], "make no colours"),
        ([(b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 45455)), (b"cHRM", struct.pack(">8I", *ADOBE))], ""),
    ],
)
def test_primaries_that_say_nothing_are_told(tmp_path, chunks, told):
    image, notes = read_map_with_notes(png(tmp_path / "a.png", RGB, 8, 2, *chunks), "basecolor")
    assert torch.equal(image, PIXELS)
    assert [told in note.what for note in notes] == ([True] if told else [])
