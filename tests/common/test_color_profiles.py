"""Against LittleCMS, which Pillow uses, and against published figures."""

import io
import struct

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from tilewright.common.color_profiles import (
    converted,
    profile_name,
    profile_space,
    rec709_of_chromaticities,
    srgb_of_cmyk,
    srgb_of_gamma,
    srgb_of_profile,
)
from tilewright.common.srgb import linear_from_srgb, srgb_from_linear


def fixed(*numbers):
    return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))


def matrix_profile(columns, curve):
    """An ICC profile of version 2 with the given XYZ of red, green and blue, and one curve for all."""
    tags = {f"{one}XYZ": b"XYZ \0\0\0\0" + fixed(*column) for one, column in zip("rgb", columns, strict=True)}
    tags |= {"wtpt": b"XYZ \0\0\0\0" + fixed(0.9642, 1, 0.8249), "desc": b"desc\0\0\0\0\0\0\0\5test\0" + bytes(79)}
    tags |= {f"{one}TRC": curve for one in "rgb"}
    head, data = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        head += struct.pack(">4sII", name.encode(), start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    header = bytearray(128)
    header[0:4] = struct.pack(">I", start + len(data))
    header[8:12], header[12:24], header[36:40] = b"\2\x20\0\0", b"mntrRGB XYZ ", b"acsp"
    header[68:80] = fixed(0.9642, 1, 0.8249)
    return bytes(header) + head + data


GAMMA_2_2 = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256))
TABLE = b"curv\0\0\0\0" + struct.pack(">I256H", 256, *(round((n / 255) ** 1.8 * 65535) for n in range(256)))
SRGB_CURVE = b"para\0\0\0\0\0\3\0\0" + fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
ADOBE = [(0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)]
P3 = [(0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)]
PROFILES = {
    "Adobe RGB": matrix_profile(ADOBE, GAMMA_2_2),
    "Display P3": matrix_profile(P3, SRGB_CURVE),
    "a table": matrix_profile(P3, TABLE),
}


@pytest.mark.parametrize("name", PROFILES)
def test_matrix_profiles_give_what_littlecms_gives(name):
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    source = ImageCms.ImageCmsProfile(io.BytesIO(PROFILES[name]))
    expected = ImageCms.profileToProfile(Image.fromarray(pixels), source, ImageCms.createProfile("sRGB"))
    image = torch.from_numpy(pixels).movedim(-1, 0) / 255
    found = srgb_of_profile(PROFILES[name])(image) * 255
    assert (found - torch.from_numpy(np.array(expected)).movedim(-1, 0)).abs().max() < 1.6


def test_srgb_itself_is_left_to_the_last_bit():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert srgb_of_profile(srgb) is None


def test_a_16_bit_value_keeps_its_precision():
    convert = srgb_of_profile(PROFILES["Adobe RGB"])
    levels = torch.arange(30000, 30064).div(65535).expand(3, 1, -1)
    assert len(convert(levels)[0].unique()) == 64


def test_grey_profiles_change_the_curve_alone():
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, 256)  # linear
    data = bytearray(matrix_profile(ADOBE, GAMMA_2_2))[:128]
    data[16:20] = b"GRAY"
    data = bytes(data) + struct.pack(">I4sII", 1, b"kTRC", 144, len(curve)) + curve
    grey = torch.tensor([[[0.0, 0.18, 1.0]]])
    torch.testing.assert_close(srgb_of_profile(data)(grey), srgb_from_linear(grey))


@pytest.mark.parametrize("cut", [10, 130, 200, 300])
def test_a_damaged_profile_is_told(cut):
    with pytest.raises((ValueError, struct.error)):
        srgb_of_profile(PROFILES["Adobe RGB"][:cut] + bytes(20))
    assert isinstance(profile_name(b"damaged"), str)


def test_a_profile_has_a_name():
    assert profile_name(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())


def test_a_stated_gamma_of_one_is_linear_light():
    assert srgb_of_gamma(1.0)(torch.tensor([[[0.18]]])).item() * 255 == pytest.approx(117.6, abs=0.1)
    assert srgb_of_gamma(0.45455) is None
    assert srgb_of_gamma(0.0) is None


def test_other_primaries_become_those_of_srgb():
    """ACEScg to linear sRGB, from the matrix that Academy software publishes."""
    acescg = (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)
    published = [[1.70505, -0.62179, -0.08326], [-0.13026, 1.14080, -0.01055], [-0.02400, -0.12897, 1.15297]]
    torch.testing.assert_close(rec709_of_chromaticities(acescg), torch.tensor(published), atol=2e-3, rtol=0)
    assert rec709_of_chromaticities((0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329)) is None
    assert rec709_of_chromaticities(()) is None


def test_a_primary_below_the_axis_is_one_too():
    """ACES2065-1, whose blue has y = -0.077: to linear sRGB by Bradford, as Academy software publishes it."""
    aces = (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767)
    published = [[2.52169, -1.13413, -0.38756], [-0.27648, 1.37272, -0.09624], [-0.01538, -0.15298, 1.16835]]
    torch.testing.assert_close(rec709_of_chromaticities(aces), torch.tensor(published), atol=2e-3, rtol=0)


ADOBE_XY = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, 0.3127, 0.329)


def test_stated_primaries_give_what_a_profile_of_them_gives():
    levels = torch.linspace(0, 1, 5)
    image = torch.cartesian_prod(levels, levels, levels).T.unsqueeze(1)
    by_profile = srgb_of_profile(PROFILES["Adobe RGB"])(image)
    assert (srgb_of_gamma(1 / 2.19921875, ADOBE_XY)(image) - by_profile).abs().max() < 0.004
    assert srgb_of_gamma(0.45455, (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329)) is None
    assert srgb_of_gamma(0.0, ADOBE_XY) is None


@pytest.mark.parametrize(
    "points",
    [(0.0,) * 8, (*(0.3, 0.3) * 3, 0.3127, 0.329), (0.3, 0.3, 0.4, 0.4, 0.5, 0.5, 0.3, 0.3), (*ADOBE_XY[:6], 0.3, 0.0)],
)
def test_primaries_that_make_no_colours_are_refused(points):
    with pytest.raises(ValueError):
        rec709_of_chromaticities(points)


@pytest.mark.parametrize("profile", [b"", b"no profile at all" * 20, PROFILES["Adobe RGB"]])
def test_inks_are_not_converted_by_what_is_no_profile_of_theirs(profile):
    assert profile_space(PROFILES["Adobe RGB"]) == "RGB" and profile_space(b"") == ""
    with pytest.raises(ValueError):
        srgb_of_cmyk(Image.new("CMYK", (2, 2)), profile)


def test_alpha_is_not_converted():
    image = torch.full((4, 600, 2), 0.5)
    changed = converted(image, linear_from_srgb)
    assert changed[3].eq(0.5).all()
    assert changed[:3].allclose(torch.tensor(0.2140411))
