"""TIFF files of every kind that programs write, made by tifffile and Pillow."""

import io

import numpy as np
import pytest
import tifffile
import torch
from hand_written_tiff import write_tiff
from PIL import Image
from tilewright.common.errors import UnreadableImage
from tilewright.common.images import image_size, read_image
from tilewright.common.tiff_files import read_tiff, read_tiff_header

RANDOM = np.random.default_rng(9)


def whole(dtype, *shape):
    return RANDOM.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def as_image(pixels):
    full = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
    image = torch.from_numpy(pixels.astype(np.float32) / np.float32(full))
    return image[None] if image.ndim == 2 else image.movedim(-1, 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_planes_one_behind_the_other_are_a_picture(tmp_path, dtype, compression):
    pixels = RANDOM.random((3, 12, 20)).astype(dtype) if np.dtype(dtype).kind == "f" else whole(dtype, 3, 12, 20)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", planarconfig="separate", compression=compression)
    assert torch.equal(read_image(tmp_path / "a.tif"), as_image(np.moveaxis(pixels, 0, -1)))


@pytest.mark.parametrize("channels", [(), (3,)])
def test_half_floats_keep_every_value(tmp_path, channels):
    pixels = (RANDOM.normal(size=(12, 20, *channels)) * 100).astype(np.float16)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb" if channels else "minisblack")
    assert torch.equal(read_image(tmp_path / "a.tif"), as_image(pixels))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_white_is_zero_is_turned_round(tmp_path, dtype, compression):
    pixels = whole(dtype, 12, 20)
    inverted = np.iinfo(dtype).max - pixels
    tifffile.imwrite(tmp_path / "a.tif", inverted, photometric="miniswhite", compression=compression)
    assert torch.equal(read_image(tmp_path / "a.tif"), as_image(pixels))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_grey_with_alpha_keeps_both_at_full_depth(tmp_path, dtype):
    pixels = RANDOM.random((12, 20, 2)).astype(dtype) if dtype == np.float32 else whole(dtype, 12, 20, 2)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack", extrasamples=["unassalpha"])
    image = read_image(tmp_path / "a.tif")
    assert torch.equal(image[[0, 3]], as_image(pixels))
    assert torch.equal(image[:3], image[:1].expand(3, -1, -1))


def test_premultiplied_colours_are_divided_by_their_alpha(tmp_path):
    alpha = np.full((4, 4, 1), 32768, np.uint16)
    pixels = np.concatenate([np.full((4, 4, 3), 16384, np.uint16), alpha], -1)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", extrasamples=["assocalpha"])
    assert read_image(tmp_path / "a.tif")[:, 0, 0].tolist() == pytest.approx([0.5, 0.5, 0.5, 0.5], abs=1e-4)


@pytest.mark.parametrize("extra", [["unspecified"], ["unspecified", "unspecified"]])
def test_samples_without_a_meaning_are_left_out(tmp_path, extra):
    pixels = whole(np.uint16, 12, 20, 3 + len(extra))
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", extrasamples=extra)
    assert torch.equal(read_image(tmp_path / "a.tif"), as_image(pixels[..., :3]))


def test_a_palette_becomes_its_colours(tmp_path):
    palette = whole(np.uint16, 3, 256)
    pixels = whole(np.uint8, 6, 7)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="palette", colormap=palette)
    assert torch.equal(read_image(tmp_path / "a.tif"), as_image(np.moveaxis(palette[:, pixels], 0, -1)))


def test_bits_become_black_and_white(tmp_path):
    Image.fromarray(np.eye(8, dtype=bool)).save(tmp_path / "a.tif")
    assert torch.equal(read_image(tmp_path / "a.tif")[0], torch.eye(8))


def test_cmyk_of_8_bits_becomes_rgb(tmp_path):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.tif")
    assert read_image(tmp_path / "a.tif")[:, 0, 0].tolist() == pytest.approx([1, 0, 0], abs=0.02)


def test_cmyk_of_16_bits_is_told_with_what_to_do(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", whole(np.uint16, 4, 4, 4), photometric="separated")
    with pytest.raises(UnreadableImage, match="CMYK in more than 8 bits; convert it to RGB"):
        read_image(tmp_path / "a.tif")


def test_lab_is_told_with_what_to_do(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", whole(np.uint8, 4, 4, 3), photometric="cielab")
    with pytest.raises(UnreadableImage, match="its colours are CIELAB; convert it to RGB"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P"])
@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "raw"])
def test_what_pillow_writes_comes_back(tmp_path, mode, compression):
    image = Image.fromarray(whole(np.uint8, 12, 20, 4)).convert(mode)
    image.save(tmp_path / "a.tif", compression=compression)
    expected = image.convert("RGB") if mode == "P" else image
    found = read_image(tmp_path / "a.tif")
    assert torch.equal(found, as_image(np.asarray(expected)))


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_lzw_at_depth_is_read_without_further_packages(tmp_path, dtype):
    """Written by OpenCV's libtiff, whose default is LZW."""
    import cv2

    pixels = whole(np.uint16, 12, 20, 3) if dtype == np.uint16 else RANDOM.random((12, 20, 3)).astype(np.float32)
    cv2.imwrite(str(tmp_path / "a.tif"), pixels[..., ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, 5])
    assert torch.equal(read_image(tmp_path / "a.tif"), as_image(pixels))


MISSING = [
    (34887, "LERC", "imagecodecs"),
    (34712, "JPEG2000", "imagecodecs"),
    (50001, "WEBP", "imagecodecs"),
    (34661, "JBIG", "nothing here reads"),
    (12345, "12345", "nothing here reads"),
]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("compression", "name", "means"), MISSING, ids=[name for _, name, _ in MISSING])
def test_a_missing_codec_is_told_with_its_name_and_a_way_without(tmp_path, compression, name, means, dtype):
    """Those of 8 bits went to Pillow, which calls them damaged."""
    file = with_compression(tmp_path, whole(dtype, 3, 8, 8), compression, photometric="rgb", planarconfig="separate")
    with pytest.raises(UnreadableImage, match=f"{name} compression.*without compression") as told:
        read_image(file)
    assert means in str(told.value)


def test_colours_that_only_another_codec_converts_are_told(tmp_path):
    file = with_compression(tmp_path, whole(np.uint8, 8, 8, 3), 34712, photometric="ycbcr")
    with pytest.raises(UnreadableImage, match="its YCBCR colours have JPEG2000 compression; convert it to RGB"):
        read_image(file)


def with_compression(folder, pixels, compression, **tags):
    """A file that says to be compressed so."""
    file = folder / "a.tif"
    tifffile.imwrite(file, pixels, **tags)
    data = bytearray(file.read_bytes())
    with tifffile.TiffFile(file) as written:
        offset = written.pages[0].tags[259].valueoffset
    data[offset : offset + 2] = compression.to_bytes(2, "little")
    file.write_bytes(data)
    return file


@pytest.mark.parametrize("colors", [3, 1], ids=["colour", "grey"])
def test_the_first_jpeg_of_tiff_is_read_in_colour_and_told_in_grey(tmp_path, colors):
    """Its stream stands in the file and the strips are parts of it, as TIFF 6.0 has it; libtiff reads no grey ones."""
    across, down = np.meshgrid(np.linspace(0, 255, 64), np.linspace(0, 255, 48))
    pixels = np.stack([across, down, np.full_like(across, 90)], -1).round().astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels if colors == 3 else pixels[..., 0]).save(buffer, "JPEG", quality=95, subsampling=0)
    stream = buffer.getvalue()
    tags = {256: [64], 257: [48], 258: [8] * colors, 259: [6], 262: [6 if colors == 3 else 1], 277: [colors], 278: [48]}
    tags |= {512: [1], 513: [8], 514: [len(stream)]} | ({530: [1, 1]} if colors == 3 else {})
    write_tiff(tmp_path / "a.tif", [stream], tags)
    if colors == 3:
        assert (read_image(tmp_path / "a.tif") - as_image(pixels)).abs().max() < 0.02
    else:
        with pytest.raises(UnreadableImage, match="first JPEG of TIFF; save it with Deflate"):
            read_image(tmp_path / "a.tif")


def test_the_first_picture_is_taken_and_no_preview(tmp_path):
    large, small = whole(np.uint16, 16, 16), whole(np.uint16, 4, 4)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(small, photometric="minisblack", subfiletype=1)
        writer.write(large, photometric="minisblack")
    assert image_size(tmp_path / "a.tif") == (16, 16)
    assert torch.equal(read_image(tmp_path / "a.tif"), as_image(large))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_file_that_is_cut_short_is_told(tmp_path, share, compression):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, whole(np.uint16, 64, 64, 3), photometric="rgb", compression=compression)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(UnreadableImage, match="damaged or incomplete"):
        read_image(path)


def test_a_header_tells_how_a_file_is_read(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", whole(np.uint16, 5, 9, 3), photometric="rgb")
    header = read_tiff_header(tmp_path / "a.tif")
    assert (header.width, header.height, header.channels, header.decoder) == (9, 5, 3, "tifffile")
    assert read_tiff(tmp_path / "a.tif").shape == (5, 9, 3)
