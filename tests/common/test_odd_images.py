"""Files of odd kinds that programs do write, each by an independent library: read as what they are."""

import numpy as np
import OpenEXR
import pytest
import tifffile
import torch
from PIL import Image
from tilewright.common.errors import UnreadableImage
from tilewright.common.images import read_image

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
