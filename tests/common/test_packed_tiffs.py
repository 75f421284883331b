"""TIFFs whose numbers have 2 to 14 bits, which tifffile leaves to another package: their values come back."""

import zlib

import numpy as np
import pytest
from hand_written_tiff import write_tiff
from tifffile import TiffFile
from tilewright.common.errors import UnreadableImage
from tilewright.common.images import read_image
from tilewright.common.tiff_segments import is_unpacked_here, is_zstd, unpacked_pixels

HEIGHT, WIDTH = 5, 7  # rows end inside a byte
DEFLATE, BACKWARDS = 8, bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def packed(rows, bits):
    """Numbers (H, N), the highest bit first and each row from a whole byte on."""
    lines = ("".join(f"{value:0{bits}b}" for value in row) for row in rows)
    return b"".join(
        int(line, 2).to_bytes(len(line) // 8, "big") for line in (one + "0" * (-len(one) % 8) for one in lines)
    )


def numbers(bits, *channels, seed=0):
    return np.random.default_rng(seed).integers(0, 2**bits, (HEIGHT, WIDTH, *channels))


def write(path, pixels, bits, rows=HEIGHT, change=bytes, **tags):
    """`pixels` (H, W) or (H, W, C) in strips of `rows`, each changed by `change`; tags as t262=[1]."""
    lines = pixels.reshape(HEIGHT, -1)
    parts = [change(packed(lines[row : row + rows], bits)) for row in range(0, HEIGHT, rows)]
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    known = {256: [WIDTH], 257: [HEIGHT], 258: [bits] * channels, 259: [1], 262: [2 if channels > 2 else 1]}
    known |= {277: [channels], 278: [rows], 284: [1]}
    write_tiff(path, parts, known | {int(name[1:]): values for name, values in tags.items()})


def read(path):
    return read_image(path).numpy()


def nearest(bits):
    """Half a step of the type that they come in."""
    return 0.501 / (255 if bits < 8 else 65535)


@pytest.mark.parametrize("rows", [HEIGHT, 2])
@pytest.mark.parametrize("bits", [2, 3, 4, 6, 10, 12, 14])
def test_grey(tmp_path, bits, rows):
    pixels = numbers(bits)
    write(tmp_path / "height.tif", pixels, bits, rows)
    assert np.abs(read(tmp_path / "height.tif")[0] - pixels / (2**bits - 1)).max() < nearest(bits)


@pytest.mark.parametrize("bits", [4, 12])
@pytest.mark.parametrize(
    ("change", "tags"),
    [
        (zlib.compress, {"t259": [DEFLATE]}),
        (lambda data: data.translate(BACKWARDS), {"t266": [2]}),
    ],
)
def test_compressed_or_lowest_bit_first(tmp_path, bits, change, tags):
    pixels = numbers(bits)
    write(tmp_path / "height.tif", pixels, bits, 2, change, **tags)
    assert np.abs(read(tmp_path / "height.tif")[0] - pixels / (2**bits - 1)).max() < nearest(bits)


@pytest.mark.parametrize("bits", [4, 12])
def test_colours_and_alpha(tmp_path, bits):
    for channels, tags in ((3, {}), (4, {"t338": [2]})):
        pixels = numbers(bits, channels)
        write(tmp_path / "wall.tif", pixels, bits, 2, **tags)
        found = np.moveaxis(read(tmp_path / "wall.tif"), 0, -1)
        assert np.abs(found - pixels / (2**bits - 1)).max() < nearest(bits)


def test_planes_one_after_the_other(tmp_path):
    planes = [numbers(12, seed=plane) for plane in range(3)]
    tags = {256: [WIDTH], 257: [HEIGHT], 258: [12] * 3, 259: [1], 262: [2], 277: [3], 278: [2], 284: [2]}
    parts = [packed(plane[row : row + 2], 12) for plane in planes for row in range(0, HEIGHT, 2)]
    write_tiff(tmp_path / "wall.tif", parts, tags)
    assert np.abs(read(tmp_path / "wall.tif") - np.stack(planes) / 4095).max() < nearest(12)


def test_tiles(tmp_path):
    pixels = numbers(12)
    tiles = np.pad(pixels, ((0, 11), (0, 9)))
    tags = {256: [WIDTH], 257: [HEIGHT], 258: [12], 259: [1], 262: [1], 277: [1], 322: [16], 323: [16], 284: [1]}
    write_tiff(tmp_path / "height.tif", [packed(tiles, 12)], tags, tiled=True)
    assert np.abs(read(tmp_path / "height.tif")[0] - pixels / 4095).max() < nearest(12)


def test_white_as_zero_and_a_palette(tmp_path):
    pixels = numbers(4)
    write(tmp_path / "mask.tif", pixels, 4, t262=[0])
    assert np.abs(read(tmp_path / "mask.tif")[0] - (1 - pixels / 15)).max() < nearest(4)
    colors = np.random.default_rng(1).integers(0, 65536, (3, 16))
    write(tmp_path / "icon.tif", pixels, 4, t262=[3], t320=colors.flatten().tolist())
    assert np.abs(read(tmp_path / "icon.tif") - colors[:, pixels] / 65535).max() < 1e-6


@pytest.mark.parametrize(("bits", "tags"), [(24, {}), (12, {"t317": [2]})])
def test_numbers_that_programs_read_differently_are_named(tmp_path, bits, tags):
    write(tmp_path / "height.tif", numbers(bits), bits, **tags)
    with pytest.raises(UnreadableImage, match=f"its numbers have {bits} bits; save it with 8 or 16"):
        read_image(tmp_path / "height.tif")


def test_a_strip_that_is_short_is_damaged(tmp_path):
    write(tmp_path / "height.tif", numbers(12), 12, change=lambda data: data[:-12])
    with pytest.raises(UnreadableImage, match="damaged or incomplete"):
        read_image(tmp_path / "height.tif")


def test_what_is_unpacked_here_is_what_tifffile_gives_where_it_can(tmp_path):
    for bits, here in ((8, False), (12, True), (16, False)):
        pixels = numbers(bits)
        whole = b"" if here else pixels.astype(f"<u{bits // 8}").tobytes()
        write(tmp_path / f"{bits}.tif", pixels, bits, change=lambda data, whole=whole: whole or data)
        with TiffFile(tmp_path / f"{bits}.tif") as file:
            page = file.pages.first
            assert is_unpacked_here(page) == here and not is_zstd(page)
            expected = pixels if here else page.asarray()
            assert np.array_equal(unpacked_pixels(file, page), expected)
