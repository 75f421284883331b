"""Blended, resized and converted normals."""

import math

import pytest
import torch
from tilewright.common.axes import Axes
from tilewright.common.errors import InputError
from tilewright.common.resample import resize
from tilewright.material.blending import BLENDS, partial_derivative, reoriented, scale_slopes
from tilewright.material.filters import gaussian_blur
from tilewright.material.normals import decode_normals, normal_map, resize_normals
from tilewright.nodes.material import BlendNormals, ConvertNormal

BOTH, NONE = Axes(True, True), Axes(False, False)


def hills(seed, size=48):
    noise = torch.rand(1, 1, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return gaussian_blur(noise, 2.0, BOTH)


def normals(height, scale=30.0):
    return decode_normals(normal_map(height, scale, "scharr", BOTH, "OpenGL"))


@pytest.mark.parametrize("blend", BLENDS.values(), ids=BLENDS)
def test_flat_detail_changes_nothing_and_flat_ground_shows_the_detail(blend):
    flat = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)[None, :, None, None].expand(1, 3, 48, 48)
    torch.testing.assert_close(blend(normals(hills(1)), flat), normals(hills(1)))
    if blend is not BLENDS["UDN"]:
        torch.testing.assert_close(blend(flat, normals(hills(2))), normals(hills(2)))


def test_partial_derivatives_are_the_normals_of_the_sum_of_heights():
    found = partial_derivative(normals(hills(1)), normals(hills(2)))
    torch.testing.assert_close(found, normals(hills(1) + hills(2)))


def test_reoriented_detail_keeps_its_angle_to_the_ground():
    """On ground that leans by 30 degrees, detail that leans by 20 degrees the same way leans by 50."""

    def leaning(degrees):
        angle = math.radians(degrees)
        return torch.tensor([math.sin(angle), 0.0, math.cos(angle)])[None, :, None, None]

    torch.testing.assert_close(reoriented(leaning(30), leaning(20)), leaning(50))


def test_scaled_slopes_are_those_of_the_scaled_height():
    torch.testing.assert_close(scale_slopes(normals(hills(1)), 0.4), normals(0.4 * hills(1)))


@pytest.mark.parametrize("blend", BLENDS.values(), ids=BLENDS)
def test_gradcheck(blend):
    slopes = torch.rand(2, 1, 3, 2, 2, dtype=torch.float64) + 0.2
    base, detail = (one.clone().requires_grad_() for one in slopes)
    assert torch.autograd.gradcheck(blend, (base, detail))


def test_the_mask_says_where_the_detail_shows():
    base, detail = (normal_map(hills(seed).float(), 30.0, "scharr", BOTH, "OpenGL").movedim(1, -1) for seed in (1, 2))
    mask = torch.zeros(1, 48, 48)
    mask[:, :24] = 1
    found = BlendNormals.execute(base, detail, mask=mask)[0]
    everywhere = BlendNormals.execute(base, detail)[0]
    torch.testing.assert_close(found[:, :24], everywhere[:, :24])
    torch.testing.assert_close(found[:, 24:], base[:, 24:], rtol=0, atol=1e-6)


def test_maps_of_different_size_are_refused():
    with pytest.raises(InputError, match=r"base 8 x 8 \(1\), detail 4 x 4 \(1\)"):
        BlendNormals.execute(torch.rand(1, 8, 8, 3), torch.rand(1, 4, 4, 3))


@pytest.mark.parametrize(("height", "width"), [(24, 24), (96, 96), (36, 100)])
def test_resizing_wraps(height, width):
    """A wave resized is the same wave with other pixels, also at the border."""

    def wave(rows, columns):
        x = 2 * math.pi * (torch.arange(columns, dtype=torch.float64) + 0.5) / columns
        y = 2 * math.pi * (torch.arange(rows, dtype=torch.float64) + 0.5) / rows
        return (torch.sin(x)[None, :] * torch.cos(y)[:, None])[None, None]

    torch.testing.assert_close(resize(wave(48, 48), height, width, BOTH), wave(height, width), rtol=0, atol=0.02)


def test_rolling_by_the_ratio_rolls_the_smaller_map():
    image = torch.rand(1, 3, 40, 60)
    moved = resize(image.roll((4, 6), (-2, -1)), 20, 30, BOTH)
    torch.testing.assert_close(moved, resize(image, 20, 30, BOTH).roll((2, 3), (-2, -1)), rtol=0, atol=1e-6)


def test_resized_normals_have_unit_length():
    found = decode_normals(resize_normals(torch.rand(1, 3, 30, 30), 11, 17, NONE))
    torch.testing.assert_close(found.norm(dim=1), torch.ones(1, 11, 17))


@pytest.mark.parametrize("given", ["OpenGL", "DirectX", "detect"])
def test_convert_to_directx(given):
    made = "DirectX" if given == "DirectX" else "OpenGL"
    normal = normal_map(hills(1).float(), 60.0, "scharr", BOTH, made).movedim(1, -1)
    found, report = ConvertNormal.execute(normal, given, "DirectX")
    expected = normal_map(hills(1).float(), 60.0, "scharr", BOTH, "DirectX").movedim(1, -1)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    assert made in report


def test_convert_resizes():
    normal = normal_map(torch.rand(2, 1, 16, 24), 1.0, "scharr", BOTH, "OpenGL").movedim(1, -1)
    assert ConvertNormal.execute(normal, "OpenGL", "OpenGL", width=12, height=8)[0].shape == (2, 8, 12, 3)
    assert ConvertNormal.execute(normal, "OpenGL", "OpenGL", width=12)[0].shape == (2, 16, 12, 3)
