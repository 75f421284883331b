"""Every file is written by an independent library and must come back to the last bit."""

import shutil
import struct
import zlib

import cv2
import numpy as np
import OpenEXR
import pytest
import tifffile
import torch
from PIL import Image
from tilewright.common.errors import UnreadableImage
from tilewright.common.image_headers import open_with_pillow, read_header, told_as_unreadable
from tilewright.common.image_writing import (
    blue_first,
    encode_with_opencv,
    whole_numbers,
    whole_numbers_of,
    write_pixels,
    write_png,
)
from tilewright.common.images import composite, image_dpi, image_size, read_image

RANDOM = np.random.default_rng(7)


def random_pixels(dtype, channels, height=12, width=20):
    shape = (height, width) if channels == 1 else (height, width, channels)
    if np.dtype(dtype).kind == "f":
        return RANDOM.normal(size=shape).astype(dtype)
    return RANDOM.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def expected(pixels):
    """(H, W) or (H, W, C) pixels -> (C, H, W) float32, integers over their full scale."""
    full_scale = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
    image = torch.from_numpy(pixels.astype(np.float32) / np.float32(full_scale))
    return image.unsqueeze(0) if image.ndim == 2 else image.movedim(-1, 0)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_is_exact(tmp_path, dtype, channels):
    pixels = random_pixels(dtype, channels)
    cv2.imwrite(str(tmp_path / "a.png"), pixels if channels == 1 else pixels[..., [2, 1, 0, 3][:channels]])
    assert torch.equal(read_image(tmp_path / "a.png"), expected(pixels))


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_tiff_is_exact(tmp_path, dtype, channels):
    pixels = random_pixels(dtype, channels)
    photometric = "minisblack" if channels == 1 else "rgb"
    extra = ["unassalpha"] if channels == 4 else []
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric=photometric, extrasamples=extra, compression="zlib")
    assert torch.equal(read_image(tmp_path / "a.tif"), expected(pixels))


@pytest.mark.parametrize("names", ["Y", "RGB", "RGBA"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_exr_is_exact(tmp_path, dtype, names):
    pixels = random_pixels(dtype, len(names))
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    channels = {name: np.ascontiguousarray(pixels.reshape(12, 20, -1)[..., i]) for i, name in enumerate(names)}
    OpenEXR.File(header, channels).write(str(tmp_path / "a.exr"))
    assert torch.equal(read_image(tmp_path / "a.exr"), expected(pixels))
    assert image_size(tmp_path / "a.exr") == (20, 12)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_orientation_is_applied_at_8_bits(tmp_path, orientation, suffix):
    stored = Image.fromarray(random_pixels(np.uint8, 3))
    exif = Image.Exif()
    exif[274] = orientation
    stored.save(tmp_path / f"a{suffix}", exif=exif)
    expect = expected(np.asarray(stored.transpose(UPRIGHT[orientation]) if orientation > 1 else stored))
    assert torch.equal(read_image(tmp_path / f"a{suffix}"), expect)
    assert image_size(tmp_path / f"a{suffix}") == (expect.shape[2], expect.shape[1])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_orientation_is_applied_at_16_bits(tmp_path, orientation, suffix):
    pixels = random_pixels(np.uint16, 1)
    if suffix == ".tif":
        tifffile.imwrite(tmp_path / "a.tif", pixels, extratags=[(274, "H", 1, orientation, True)])
    else:
        exif = Image.Exif()
        exif[274] = orientation
        Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    turned = Image.fromarray(pixels.astype(np.int32))
    expect = np.asarray(turned.transpose(UPRIGHT[orientation]) if orientation > 1 else turned).astype(np.uint16)
    assert torch.equal(read_image(tmp_path / f"a{suffix}"), expected(expect))
    assert image_size(tmp_path / f"a{suffix}") == (expect.shape[1], expect.shape[0])


UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def test_a_palette_becomes_its_colours(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putdata([0, 1])
    image.save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png")[:, 0].T.tolist() == [[1, 0, 0], [0, 0, 1]]


def test_a_transparent_palette_entry_becomes_alpha(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putdata([0, 1])
    image.save(tmp_path / "a.png", transparency=1)
    assert read_image(tmp_path / "a.png")[3].tolist() == [[1, 0]]


def test_grey_with_alpha_becomes_four_channels(tmp_path):
    Image.new("LA", (1, 1), (51, 102)).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").flatten().tolist() == pytest.approx([0.2, 0.2, 0.2, 0.4])


def test_cmyk_becomes_rgb(tmp_path):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=100)
    assert read_image(tmp_path / "a.jpg").mean((1, 2)).tolist() == pytest.approx([1, 0, 0], abs=0.02)


def test_a_jpeg_named_png_is_read_by_its_content(tmp_path):
    Image.new("RGB", (8, 4), "white").save(tmp_path / "a.jpg")
    shutil.move(tmp_path / "a.jpg", tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").shape == (3, 4, 8)


def test_a_name_beyond_ascii_is_read(tmp_path):
    write_png(tmp_path / "Stein №1.png", torch.full((1, 2, 2), 0.5), bits=16)
    assert read_image(tmp_path / "Stein №1.png").max() == 32768 / 65535


def test_colour_under_transparency_does_not_show(tmp_path):
    hidden_red = torch.tensor([1.0, 0, 0, 0]).view(4, 1, 1)
    assert composite(hidden_red, (0.25, 0.5, 0.75)).flatten().tolist() == [0.25, 0.5, 0.75]


def test_composite_repeats_grey_and_blends_half_transparency():
    assert composite(torch.full((1, 1, 1), 0.5), (0, 0, 0)).shape == (3, 1, 1)
    half_white = torch.tensor([1.0, 1, 1, 0.5]).view(4, 1, 1)
    assert composite(half_white, (0, 0, 0)).flatten().tolist() == [0.5, 0.5, 0.5]


def test_the_size_of_a_png_is_told_without_decoding_it(tmp_path):
    path = tmp_path / "half.png"
    path.write_bytes(whole_png(path)[:5000])
    assert image_size(path) == (64, 64)
    with pytest.raises(UnreadableImage):
        read_image(path)


def claiming(png, side):
    header = b"IHDR" + struct.pack(">II", side, side) + png[24:29]
    return png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]


def whole_png(path):
    cv2.imwrite(str(path), random_pixels(np.uint16, 3, 64, 64))
    return path.read_bytes()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda png: png[: len(png) // 2], "damaged or incomplete"),
        (lambda png: png[:5000] + bytes([png[5000] ^ 255]) + png[5001:], "damaged or incomplete"),
        (lambda png: b"", "empty"),
        (lambda png: b"Dear diary, ...", "not an image"),
        (lambda png: claiming(png, 100_000), "exceeds the limit of"),
    ],
    ids=["truncated", "a byte flipped", "empty", "text", "huge claim"],
)
def test_damage_is_told_with_its_reason(tmp_path, damage, reason):
    path = tmp_path / "broken.png"
    path.write_bytes(damage(whole_png(path)))
    with pytest.raises(UnreadableImage, match=reason) as error:
        read_image(path)
    assert "broken.png" in str(error.value)


def test_a_file_that_states_its_resolution_is_believed(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", dpi=(300, 150))
    Image.new("RGB", (8, 8)).save(tmp_path / "b.png")
    assert [image_dpi(tmp_path / name) for name in ("a.jpg", "b.png")] == [150, 0]


def test_a_header_tells_the_size_of_the_upright_image(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (20, 12)).save(tmp_path / "a.jpg", exif=exif)
    header = read_header(tmp_path / "a.jpg")
    assert ((header.width, header.height), header.upright_size) == ((20, 12), (12, 20))
    with open_with_pillow(tmp_path / "a.jpg") as image:
        assert image.size == (20, 12)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "not enough memory"),
        (FileNotFoundError(2, "No such file"), "the system says 'No such file'"),
        (KeyError("x"), "damaged or incomplete"),
    ],
)
def test_whatever_a_decoder_raises_becomes_a_reason(tmp_path, error, reason):
    with pytest.raises(UnreadableImage, match=reason):
        with told_as_unreadable(tmp_path / "a.png"):
            raise error


def test_opencv_gets_its_colours_the_other_way_round():
    pixels = random_pixels(np.uint8, 3)
    assert np.array_equal(blue_first(pixels.copy())[..., 0], pixels[..., 2])
    encoded = np.frombuffer(encode_with_opencv(pixels.copy(), ".png"), np.uint8)
    assert np.array_equal(cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED), pixels[..., ::-1])


@pytest.mark.parametrize("color", ["grey", "RGB"])
def test_the_see_through_colour_of_a_16_bit_png_is_alpha(tmp_path, color):
    """A PNG may name one colour (tRNS) that is transparent, in place of an alpha channel."""
    pixels = np.arange(12, dtype=np.uint16).reshape(3, 4, 1) * 5000 + np.arange(1 if color == "grey" else 3)
    chosen = pixels[1, 2].astype(">u2").tobytes()
    file = tmp_path / "leaf.png"
    write_raw_png(file, pixels.astype(np.uint16), [(b"tRNS", chosen)])
    image = read_image(file)
    assert image.shape == (4, 3, 4)
    assert image[3].tolist() == [[1, 1, 1, 1], [1, 1, 0, 1], [1, 1, 1, 1]]
    assert torch.equal((image[:3] * 65535).round()[0], torch.from_numpy(pixels[..., 0].astype(np.float32)))


def write_raw_png(file, pixels, chunks):
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 16, 0 if channels == 1 else 2, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    content = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(content))


def test_strips_are_written_as_the_whole(tmp_path):
    image = torch.rand(3, 70, 20, generator=torch.Generator().manual_seed(0))
    pixels = whole_numbers_of(image.split(32, 1), 70, 16)
    assert np.array_equal(pixels, whole_numbers(image, 16))
    write_pixels(tmp_path / "strips.png", pixels, {"made by": "strips"})
    write_png(tmp_path / "whole.png", image, 16, {"made by": "strips"})
    assert (tmp_path / "strips.png").read_bytes() == (tmp_path / "whole.png").read_bytes()


def test_alpha_is_laid_over_in_place():
    image = torch.rand(4, 300, 8, generator=torch.Generator().manual_seed(0))
    expected = composite(image, (0.2, 0.4, 0.6))
    written_over = composite(image, (0.2, 0.4, 0.6), in_place=True)
    assert torch.equal(written_over, expected) and written_over.data_ptr() == image.data_ptr()
