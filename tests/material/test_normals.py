"""Normal maps against analytic surfaces, in both conventions and in physical units."""

import math

import pytest
import torch
from tilewright.common.axes import Axes
from tilewright.material.derivatives import KERNELS, METHODS
from tilewright.material.normals import decode_normals, normal_map, slope_scale

BOTH, NONE = Axes(True, True), Axes(False, False)
THREE_TAPS = {2: 0.0023, 8: 0.037, 32: 0.586, 64: 2.44, 128: 9.10}  # degrees, by cycles in 512 pixels
EIGHTH_ORDER = {8: 3e-10, 32: 2e-5, 64: 0.0046, 128: 0.67}


def sine_error(cycles, method, dtype=torch.float64):
    """Mean angle in degrees between the normals of a sine of 45 degrees at its steepest and the true ones."""
    offsets = torch.arange(16, dtype=torch.float64)[:, None] / 16  # fine waves meet the pixels at few phases only
    phase = 2 * math.pi * cycles * (torch.arange(512) + offsets) / 512
    scale = 512 / (math.pi * cycles)  # the height spans 0..1
    height = (0.5 + 0.5 * torch.sin(phase)).to(dtype)[:, None, None].expand(-1, -1, 4, -1)
    found = decode_normals(normal_map(height, scale, method, BOTH, "OpenGL"))[:, :, 0].double()
    true = torch.stack([-torch.cos(phase), torch.zeros_like(phase), torch.ones_like(phase)], dim=1)
    true = true / true.norm(dim=1, keepdim=True)
    angle = torch.atan2(torch.linalg.cross(found, true, dim=1).norm(dim=1), (found * true).sum(1))
    return float(torch.rad2deg(angle).mean())


@pytest.mark.parametrize("method", ["central", "sobel", "scharr"])
@pytest.mark.parametrize(("cycles", "degrees"), THREE_TAPS.items())
def test_error_of_three_tap_kernels(method, cycles, degrees):
    assert sine_error(cycles, method) == pytest.approx(degrees, rel=0.1)


@pytest.mark.parametrize(("cycles", "degrees"), EIGHTH_ORDER.items())
def test_error_of_the_eighth_order_kernel(cycles, degrees):
    assert sine_error(cycles, "eighth_order") == pytest.approx(degrees, rel=0.1)


def test_the_eighth_order_kernel_knows_long_waves():
    assert sine_error(2, "eighth_order") < 1e-11


@pytest.mark.parametrize("cycles", THREE_TAPS)
def test_error_of_the_five_tap_kernel(cycles):
    """Not in the table: from its answer to a wave, 2 (a sin w + b sin 2w) where the derivative is w."""
    wave = 2 * math.pi * cycles / 512
    answer = 2 * (0.3327 * math.sin(wave) + 0.08365 * math.sin(2 * wave))
    slope = torch.cos(torch.arange(4096, dtype=torch.float64) * 2 * math.pi / 4096)
    expected = torch.rad2deg((slope.atan() - (slope * answer / wave).atan()).abs().mean())
    assert sine_error(cycles, "scharr_5") == pytest.approx(float(expected), rel=0.01)


@pytest.mark.parametrize("cycles", [2, 8, 32, 64, 128])
def test_spectral_normals_are_exact(cycles):
    assert sine_error(cycles, "spectral") < 5e-12
    assert sine_error(cycles, "spectral", torch.float32) < 0.01


def cap(size, sign):
    """A spherical cap whose radius is half the width: its height in radii and its true OpenGL normals."""
    axis = (torch.arange(size, dtype=torch.float64) + 0.5) / size * 2 - 1
    x, down = axis[None, :].expand(size, size), axis[:, None].expand(size, size)
    inside = x**2 + down**2 < 0.8**2
    z = torch.sqrt((1 - x**2 - down**2).clamp(min=0.05))
    return sign * z, torch.stack([sign * x, -sign * down, z]), inside


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("sign", [1, -1], ids=["dome", "bowl"])
def test_dome_and_bowl_point_where_the_sphere_does(method, sign):
    height, true, inside = cap(256, sign)
    scale = slope_scale(1.0, 2.0, 256)  # the image is 2 radii wide
    opengl = decode_normals(normal_map(height[None, None], scale, method, NONE, "OpenGL"))[0]
    directx = decode_normals(normal_map(height[None, None], scale, method, NONE, "DirectX"))[0]
    away_from_the_rim = inside & (true[2] > 0.65)
    tolerance = 2e-2 if method == "spectral" else 2e-4  # the cap's rim rings through the whole spectrum
    assert (opengl - true)[:, away_from_the_rim].abs().max() < tolerance
    torch.testing.assert_close(directx, opengl * torch.tensor([1.0, -1.0, 1.0])[:, None, None])


@pytest.mark.parametrize("sign", [1, -1], ids=["dome", "bowl"])
@pytest.mark.parametrize("method", ["central", "sobel", "scharr", "scharr_5"])
def test_the_mean_error_on_a_sphere_is_that_of_the_kernel(method, sign):
    """The first terms that a kernel gets wrong, h_xxx and h_xyy, on a sphere of 128 px: within 10 %."""
    kernel, radius = KERNELS[method], 128
    along = sum(weight * reach**3 / 3 for reach, weight in enumerate(kernel.slope, 1))
    across = sum(weight * reach**2 for reach, weight in enumerate(kernel.across))
    height, true, inside = cap(2 * radius, sign)
    x, down, h = sign * true[0] * radius, -sign * true[1] * radius, true[2] * radius

    def wrong(x, y):
        return -sign * x * (3 * along * (h**2 + x**2) + across * (h**2 + 3 * y**2)) / h**5

    p, q = wrong(x, down), wrong(down, x)
    nx, ny, nz = true
    turned = torch.stack([nz * q, nz * p, nx * q + ny * p]).norm(dim=0) * nz  # the true normal x (-p, q, 0)
    found = decode_normals(normal_map(height[None, None], float(radius), method, NONE, "OpenGL"))[0]
    arc = torch.atan2(torch.linalg.cross(found, true, dim=0).norm(dim=0), (found * true).sum(0))
    away_from_the_rim = inside & (nz > 0.65)
    assert float(arc[away_from_the_rim].mean()) == pytest.approx(float(turned[away_from_the_rim].mean()), rel=0.1)


def test_the_upper_half_of_a_dome_is_bright_green_in_opengl():
    height, _, inside = cap(64, 1)
    upper = inside & (torch.arange(64)[:, None] < 32)
    opengl = normal_map(height[None, None], 32.0, "scharr", NONE, "OpenGL")[0, 1]
    directx = normal_map(height[None, None], 32.0, "scharr", NONE, "DirectX")[0, 1]
    assert opengl[upper].min() > 0.5
    assert directx[upper].max() < 0.5


@pytest.mark.parametrize("axes", [BOTH, NONE])
@pytest.mark.parametrize("method", METHODS)
def test_a_flat_height_is_exactly_up(method, axes):
    encoded = normal_map(torch.full((2, 1, 9, 12), 0.7), 123.0, method, axes, "OpenGL")
    assert torch.equal(encoded, torch.tensor([0.5, 0.5, 1.0])[None, :, None, None].expand_as(encoded))


@pytest.mark.parametrize("method", METHODS)
def test_rolling_the_height_rolls_the_normals(method):
    height = torch.rand(1, 1, 32, 48)
    still = normal_map(height, 10.0, method, BOTH, "OpenGL")
    moved = normal_map(height.roll((9, -5), (-2, -1)), 10.0, method, BOTH, "OpenGL")
    torch.testing.assert_close(moved, still.roll((9, -5), (-2, -1)), rtol=0, atol=1e-6)


def test_resolution_does_not_change_the_normals():
    """The same 100 cm of material at 256, 512 and 1024 pixels, compared at the pixels they share."""
    found = []
    for size in (256, 512, 1024):
        x = torch.arange(size, dtype=torch.float64) / size
        height = 0.5 + 0.3 * torch.sin(6 * math.pi * x)[None, :] * torch.cos(4 * math.pi * x)[:, None]
        encoded = normal_map(height[None, None], slope_scale(5.0, 100.0, size), "eighth_order", BOTH, "OpenGL")
        found.append(encoded[..., :: size // 256, :: size // 256])
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=1e-7)
    torch.testing.assert_close(found[1], found[2], rtol=0, atol=1e-7)


def test_rectangles_have_square_pixels():
    ramp = torch.arange(64.0).expand(1, 1, 16, 64) / 64
    wide = decode_normals(normal_map(ramp, slope_scale(10.0, 10.0, 64), "scharr", NONE, "OpenGL"))
    tall = decode_normals(normal_map(ramp.mT, slope_scale(10.0, 2.5, 16), "scharr", NONE, "DirectX"))
    torch.testing.assert_close(wide[0, 0], wide[0, 0].new_full((16, 64), -math.sqrt(0.5)))
    torch.testing.assert_close(tall[0, 1], tall[0, 1].new_full((64, 16), -math.sqrt(0.5)))


@pytest.mark.parametrize("scale", [0.0, 1e-3, 1.0, 1e4])
def test_normals_have_unit_length_at_any_slope(scale):
    length = decode_normals(normal_map(torch.rand(1, 1, 20, 20), scale, "scharr", BOTH, "OpenGL")).norm(dim=1)
    torch.testing.assert_close(length, torch.ones(1, 20, 20))


@pytest.mark.parametrize("method", METHODS)
def test_gradcheck(method):
    height = torch.rand(1, 1, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda h: normal_map(h, 3.0, method, NONE, "DirectX"), height)
