"""TIFF files of every kind that programs write, made by tifffile and Pillow."""

import numpy as np
import pytest
import tifffile
import torch
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


def test_a_missing_codec_is_told_with_the_package_and_a_way_without(tmp_path):
    import tifffile as library

    header = whole(np.uint16, 3, 8, 8)
    tifffile.imwrite(tmp_path / "a.tif", header, photometric="rgb", planarconfig="separate")
    data = bytearray((tmp_path / "a.tif").read_bytes())
    with library.TiffFile(tmp_path / "a.tif") as file:
        offset = file.pages[0].tags[259].valueoffset
    data[offset : offset + 2] = (34887).to_bytes(2, "little")  # LERC
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(UnreadableImage, match=r"LERC.*imagecodecs.*without compression"):
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
