"""TIFFs packed by Zstandard, which tifffile leaves to another package: strips and tiles, whole numbers and floats."""

import numpy as np
import pytest
from hand_written_tiff import write_tiff
from PIL import Image
from tilewright.common import tiff_segments
from tilewright.common.errors import UnreadableImage
from tilewright.common.images import decode_image, read_image
from tilewright.common.tiff_segments import zstd

ZSTD = 50000


def packer():
    return zstd().compress if zstd() else pytest.skip("no Zstandard for this Python")


def write(path, pixels, rows=0, tile=0, predictor=1):
    """A little-endian TIFF of `pixels` (H, W, C) in strips of `rows`, or in tiles."""
    height, width, channels = pixels.shape
    compress, bits = packer(), 8 * pixels.dtype.itemsize
    steps = [(y, x) for y in range(0, height, tile or rows) for x in range(0, width, tile or width)]
    parts = []
    for y, x in steps:
        part = pixels[y : y + (tile or rows), x : x + (tile or width)]
        if tile:
            part = np.pad(part, ((0, tile - part.shape[0]), (0, tile - part.shape[1]), (0, 0)))
        if predictor == 2:
            part = np.diff(part, axis=1, prepend=part[:, :1] * 0)
        parts.append(compress(np.ascontiguousarray(part).tobytes()))
    kind = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    tags = {256: [width], 257: [height], 258: [bits] * channels, 259: [ZSTD], 262: [2 if channels >= 3 else 1]}
    tags |= {277: [channels], 284: [1], 317: [predictor], 339: [kind] * channels}
    tags |= {322: [tile], 323: [tile]} if tile else {278: [rows]}
    write_tiff(path, parts, tags, bool(tile))


def surface(dtype, channels):
    y, x = np.mgrid[:37, :50]
    planes = np.stack([x / 49, y / 36, (x + y) / 85][:channels], -1)
    return (planes * 65535).round().astype(dtype) if dtype == np.uint16 else planes.astype(dtype)


@pytest.mark.parametrize("how", [{"rows": 16}, {"rows": 37}, {"tile": 16}, {"rows": 8, "predictor": 2}])
@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_come_back_exactly(tmp_path, how, channels):
    pixels = surface(np.uint16, channels)
    write(tmp_path / "wall.tif", pixels, **how)
    decoded = decode_image(tmp_path / "wall.tif")
    assert decoded.header.decoder == "tifffile"
    assert np.array_equal(decoded.pixels.numpy(), np.moveaxis(pixels, -1, 0).astype(np.float32) / 65535)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_floats_come_back_exactly(tmp_path, dtype):
    pixels = surface(dtype, 1) * 1000 - 300
    write(tmp_path / "height.tif", pixels, rows=10)
    assert np.array_equal(read_image(tmp_path / "height.tif").numpy()[0], pixels[..., 0].astype(np.float32))


def test_what_another_program_packed_is_read(tmp_path):
    pixels = (surface(np.float32, 3) * 255).round().astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "wall.tif", compression="zstd")
    assert np.array_equal(read_image(tmp_path / "wall.tif").numpy(), np.moveaxis(pixels, -1, 0) / np.float32(255))


def test_a_python_without_zstandard_is_told_what_to_install(tmp_path, monkeypatch):
    write(tmp_path / "wall.tif", surface(np.float16, 1), rows=10)
    monkeypatch.setattr(tiff_segments.importlib, "import_module", no_module)
    with pytest.raises(UnreadableImage, match="ZSTD compression.*needs the Python package imagecodecs"):
        read_image(tmp_path / "wall.tif")


def no_module(name):
    raise ImportError(name)


def test_a_damaged_strip_is_told_as_damaged(tmp_path):
    write(tmp_path / "wall.tif", surface(np.uint16, 3), rows=16)
    content = bytearray((tmp_path / "wall.tif").read_bytes())
    content[8:40] = b"\xff" * 32
    (tmp_path / "wall.tif").write_bytes(content)
    with pytest.raises(UnreadableImage, match="damaged or incomplete"):
        read_image(tmp_path / "wall.tif")
