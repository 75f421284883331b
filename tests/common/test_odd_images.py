"""Files of odd kinds that programs do write, each by an independent library: read as what they are."""

import struct
import zlib

import numpy as np
import OpenEXR
import pytest
import tifffile
import torch
from hand_written_png import chunk, png
from PIL import Image, ImageCms
from tilewright.common.errors import UnreadableImage
from tilewright.common.images import decode_image, read_image
from tilewright.common.map_files import INVISIBLE, read_map_with_notes

Y, X = np.mgrid[:24, :32]
RGB = np.stack([X * 8, Y * 10, (X + Y) * 4], -1).astype(np.uint8)
DEEP = RGB.astype(np.uint16) * 257  # the same picture in 16 bits
GREY, DEEP_GREY = RGB[..., 0], DEEP[..., 0]
COLORMAP = np.stack([np.arange(256) * 257, np.arange(256)[::-1] * 257, np.zeros(256)]).astype(np.uint16)
INDEXED = Image.fromarray(RGB).quantize(64)
OF_INDEXED = np.asarray(INDEXED.convert("RGB")) / 255

TIFFS = {
    "big-endian": (DEEP, RGB / 255, {"byteorder": ">", "photometric": "rgb"}),
    "BigTIFF": (DEEP, RGB / 255, {"bigtiff": True, "photometric": "rgb"}),
    "tiles": (DEEP, RGB / 255, {"tile": (16, 16), "photometric": "rgb"}),
    "pages": (np.stack([DEEP, 65535 - DEEP]), RGB / 255, {"photometric": "rgb"}),
    "32 bits": (DEEP.astype(np.uint32) * 65537, RGB / 255, {"photometric": "rgb"}),
    "doubles": (GREY / 255, GREY / 255, {"photometric": "minisblack"}),
    "bilevel": (GREY > 100, GREY > 100, {"photometric": "minisblack"}),
    "a sample without a meaning": (
        np.dstack([DEEP, DEEP_GREY]),
        RGB / 255,
        {"photometric": "rgb", "extrasamples": [0]},
    ),
    "alpha and another sample": (
        np.dstack([DEEP, DEEP_GREY, DEEP_GREY]),
        np.dstack([RGB, GREY]) / 255,
        {"photometric": "rgb", "extrasamples": ["unassalpha", "unspecified"]},
    ),
    "palette": (
        GREY,
        np.stack([GREY, 255 - GREY, GREY * 0], -1) / 255,
        {"photometric": "palette", "colormap": COLORMAP},
    ),
}
BY_PILLOW = {
    "palette_lzw.tif": (INDEXED, OF_INDEXED, {"compression": "tiff_lzw"}),
    "predicted.tif": (Image.fromarray(RGB), RGB / 255, {"compression": "tiff_lzw", "tiffinfo": {317: 2}}),
    "deep_lzw.tif": (Image.fromarray(DEEP_GREY), GREY / 255, {"compression": "tiff_lzw"}),
    "palette.png": (INDEXED, OF_INDEXED, {}),
    "palette.gif": (INDEXED, OF_INDEXED, {}),
    "palette.bmp": (INDEXED, OF_INDEXED, {}),
    "bilevel.png": (Image.fromarray(GREY > 100), GREY > 100, {}),
    "moving.png": (Image.fromarray(RGB), RGB / 255, {"save_all": True, "append_images": [Image.fromarray(255 - RGB)]}),
    "packed.tga": (Image.fromarray(RGB), RGB / 255, {"compression": "tga_rle"}),
    "alpha.tga": (Image.fromarray(np.dstack([RGB, GREY])), np.dstack([RGB, GREY]) / 255, {}),
    "grey.tga": (Image.fromarray(GREY), GREY / 255, {}),
    "exact.webp": (
        Image.fromarray(np.dstack([RGB, GREY])),
        np.dstack([RGB, GREY]) / 255,
        {"lossless": True, "exact": True},
    ),
}


def expected(pixels):
    image = torch.from_numpy(np.ascontiguousarray(pixels, dtype=np.float32))
    return image[None] if image.ndim == 2 else image.movedim(-1, 0)


@pytest.mark.parametrize(("pixels", "meant", "how"), TIFFS.values(), ids=TIFFS)
def test_tiffs(tmp_path, pixels, meant, how):
    tifffile.imwrite(tmp_path / "odd.tif", pixels, **how)
    torch.testing.assert_close(read_image(tmp_path / "odd.tif"), expected(meant), atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", BY_PILLOW)
def test_files_of_pillow(tmp_path, name):
    image, meant, how = BY_PILLOW[name]
    image.save(tmp_path / name, **how)
    torch.testing.assert_close(read_image(tmp_path / name), expected(meant), atol=1e-6, rtol=0)


def test_a_see_through_colour_of_a_palette_is_alpha(tmp_path):
    INDEXED.save(tmp_path / "leaf.png", transparency=3)
    image = read_image(tmp_path / "leaf.png")
    assert torch.equal(image[3] == 0, torch.from_numpy(np.asarray(INDEXED) == 3))


def test_whole_numbers_in_an_exr(tmp_path):
    OpenEXR.File({}, {"Y": DEEP_GREY.astype(np.uint32) * 65537}).write(str(tmp_path / "ids.exr"))
    torch.testing.assert_close(read_image(tmp_path / "ids.exr"), expected(GREY / 255), atol=1e-6, rtol=0)


def test_lab_is_told_with_what_to_do(tmp_path):
    Image.fromarray(RGB).convert("LAB").save(tmp_path / "lab.tif")
    with pytest.raises(UnreadableImage, match="its colours are CIELAB; convert it to RGB or grey"):
        read_image(tmp_path / "lab.tif")


def notes_of(path, kind="basecolor"):
    return [note.what for note in read_map_with_notes(path, kind)[1]]


@pytest.mark.parametrize("ending", ["png", "tga", "tif"])
def test_an_alpha_that_hides_everything_is_passed_over_and_told(tmp_path, ending):
    path = tmp_path / f"wall.{ending}"
    Image.fromarray(np.dstack([RGB, np.zeros_like(GREY)])).save(path)
    image, notes = read_map_with_notes(path, "basecolor")
    assert image.shape[0] == 3 and torch.equal(image.movedim(0, -1), torch.from_numpy(RGB) / 255)
    assert [note.what for note in notes] == [INVISIBLE]
    assert read_map_with_notes(path, "opacity")[0].shape[0] == 4, "data come as they are"


@pytest.mark.parametrize(("ending", "options"), [("gif", {}), ("webp", {"lossless": True}), ("png", {}), ("tif", {})])
def test_of_several_pictures_the_first_is_taken_and_that_is_told(tmp_path, ending, options):
    path = tmp_path / f"moving.{ending}"
    frames = [Image.fromarray(picture) for picture in (RGB, 255 - RGB)]
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    assert notes_of(path) == ["the first of 2 pictures in the file"]
    frames[0].save(path, **options)
    assert notes_of(path) == []


@pytest.mark.parametrize("pixels", [GREY.astype(np.uint16) << 4, GREY.astype(np.int32) << 8], ids=["12 bits", "int32"])
def test_numbers_that_fill_a_small_part_of_their_type_are_told(tmp_path, pixels):
    tifffile.imwrite(tmp_path / "height.tif", pixels, photometric="minisblack")
    assert notes_of(tmp_path / "height.tif", "height") == ["values that fill a small part of the range only"]


def test_complex_numbers_are_no_picture(tmp_path):
    tifffile.imwrite(tmp_path / "waves.tif", GREY.astype(np.complex64))
    with pytest.raises(UnreadableImage, match="complex numbers"):
        decode_image(tmp_path / "waves.tif")


@pytest.mark.parametrize(("points", "told"), [((9, 16, 0, 1), True), ((12, 13, 0, 1), True), ((1, 13, 0, 1), False)])
def test_colours_that_a_png_codes_otherwise_than_srgb_are_told(tmp_path, points, told):
    path = png(tmp_path / "wall.png", RGB, 8, 2, (b"cICP", bytes(points)))
    assert any("taken for sRGB" in note for note in notes_of(path)) == told
    assert notes_of(path, "normal") == notes_of(path), "told of data as well, which it does not change"


PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize(("mode", "space"), [("RGB", "GRAY"), ("RGB", "CMYK"), ("CMYK", "RGB"), ("L", "CMYK")])
@pytest.mark.parametrize("ending", ["jpg", "tif"])
def test_a_profile_of_other_colours_than_the_files_is_passed_over_and_told(tmp_path, mode, space, ending):
    profile = PROFILE[:16] + space.ljust(4).encode() + PROFILE[20:]
    picture = Image.fromarray(RGB).convert(mode)
    picture.save(tmp_path / f"plain.{ending}", quality=95)
    picture.save(tmp_path / f"wall.{ending}", quality=95, icc_profile=profile)
    image, (note,) = read_map_with_notes(tmp_path / f"wall.{ending}", "basecolor")
    assert torch.equal(image, read_image(tmp_path / f"plain.{ending}")) and "colour profile" in note.what
    assert "passed over" in note.what


@pytest.mark.parametrize(("bits", "color"), [(1, 0), (2, 0), (4, 0), (2, 3), (4, 3)])
def test_pngs_of_few_bits_fill_the_range(tmp_path, bits, color):
    levels = np.arange(2**bits, dtype=np.uint8)
    packed = np.packbits(np.unpackbits(levels[:, None], axis=1)[:, 8 - bits :].flatten())[None]
    palette = np.repeat(levels * (255 // levels[-1]), 3).astype(np.uint8).tobytes()
    parts = [(b"IHDR", struct.pack(">IIBBBBB", len(levels), 1, bits, color, 0, 0, 0))]
    parts += [(b"PLTE", palette)] if color == 3 else []
    parts += [(b"IDAT", zlib.compress(b"\0" + packed.tobytes())), (b"IEND", b"")]
    (tmp_path / "few.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))
    assert np.allclose(decode_image(tmp_path / "few.png").pixels[0], levels / levels[-1])


def test_no_data_and_channels_without_a_meaning_are_told(tmp_path):
    holes = np.where(X < 4, 65535, DEEP_GREY // 2).astype(np.uint16)
    tag = [(42113, 2, 6, "65535", True)]
    tifffile.imwrite(tmp_path / "survey.tif", holes, photometric="minisblack", extratags=tag)
    assert notes_of(tmp_path / "survey.tif", "height") == [
        "pixels of 65535 hold no data, as the file says (GDAL), taken as they are"
    ]
    tifffile.imwrite(tmp_path / "bands.tif", np.stack([GREY] * 5, -1), photometric="minisblack", planarconfig="contig")
    assert notes_of(tmp_path / "bands.tif") == ["4 more channels without a meaning, passed over"]


@pytest.mark.parametrize("kind", [np.float32, np.int16])
def test_white_as_zero_in_numbers_that_programs_read_differently_is_refused(tmp_path, kind):
    tifffile.imwrite(tmp_path / "scan.tif", (GREY / 2).astype(kind), photometric="miniswhite")
    with pytest.raises(UnreadableImage, match="its white is 0 in numbers with a sign or a point"):
        read_image(tmp_path / "scan.tif")


def test_deep_ycbcr_is_no_damage(tmp_path):
    tifffile.imwrite(tmp_path / "video.tif", DEEP, photometric="ycbcr")
    with pytest.raises(UnreadableImage, match="YCbCr in more than 8 bits"):
        read_image(tmp_path / "video.tif")


def test_numbers_of_objects_in_an_exr_are_told_and_refused_beside_colours(tmp_path):
    numbers = (X * 1000 + Y).astype(np.uint32)
    OpenEXR.File({}, {"id": numbers}).write(str(tmp_path / "ids.exr"))
    assert "values that fill a small part of the range only" in notes_of(tmp_path / "ids.exr", "height")
    half = (GREY / 255).astype(np.float16)
    OpenEXR.File({}, {"R": half, "G": half.copy(), "B": numbers}).write(str(tmp_path / "mixed.exr"))
    with pytest.raises(UnreadableImage, match=r"whole numbers beside others: R \(float16\).*B \(uint32\)"):
        read_image(tmp_path / "mixed.exr")
