"""Heights out of normals: there and back, in both conventions, and the detection of which one a map is."""

import math

import pytest
import torch
from tilewright.common.axes import Axes
from tilewright.common.conventions import CLEAR, detect_convention, flip_green, slopes
from tilewright.material import height_from_normal
from tilewright.material.derivatives import METHODS, height_gradient
from tilewright.material.filters import gaussian_blur
from tilewright.material.height_from_normal import height_from_normals, integrate_slopes
from tilewright.material.normals import normal_map
from tilewright.nodes.material import HeightToNormal, NormalToHeight

BOTH, NONE = Axes(True, True), Axes(False, False)


def hills(size=96, sigma=3.0, dtype=torch.float64):
    """Random band-limited hills of 0..1 that tile."""
    noise = torch.rand(1, 1, size, size + 32, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    smooth = gaussian_blur(noise, sigma, BOTH)
    return ((smooth - smooth.min()) / (smooth.max() - smooth.min())).to(dtype)


def integrated(p, q, method, axes):
    """The height of slopes that are there as a whole."""
    return integrate_slopes(lambda rows: (p[..., rows, :], q[..., rows, :]), p, method, axes)


@pytest.mark.parametrize("convention", ["OpenGL", "DirectX"])
@pytest.mark.parametrize("method", METHODS)
def test_there_and_back_is_exact_on_tileable_maps(method, convention):
    relief = height_from_normals(normal_map(hills(), 20.0, method, BOTH, convention), convention, method, BOTH)
    torch.testing.assert_close(relief.height, hills(), rtol=0, atol=1e-6)
    assert float(relief.range) == pytest.approx(20.0, rel=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_normals_come_back_within_a_twentieth_of_a_degree_in_float32(method):
    normals = normal_map(hills(dtype=torch.float32), 20.0, method, BOTH, "OpenGL")
    assert float(height_from_normals(normals, "OpenGL", method, BOTH).misfit) < 0.001


@pytest.mark.parametrize("axes", ["both", "x", "none"])
@pytest.mark.parametrize("method", METHODS)
def test_normal_to_height_to_normal_through_the_nodes(method, axes):
    """Normals of band-limited hills, made into a height and back: within 0.05 degrees where the map tiles. Elsewhere
    the surface beyond the border is a guess, which wide kernels see most of. Measured by the arc, in float64."""
    normal, *_ = HeightToNormal.execute(hills(dtype=torch.float32)[:, 0], "OpenGL", method, axes, 3.0, 50.0)
    height, height_cm, *_ = NormalToHeight.execute(normal, "OpenGL", method, axes, 50.0)
    again, *_ = HeightToNormal.execute(height, "OpenGL", method, axes, height_cm, 50.0)
    one, other = (torch.nn.functional.normalize(image.double() * 2 - 1, dim=-1) for image in (normal, again))
    arc = torch.rad2deg(torch.atan2(torch.linalg.cross(one, other).norm(dim=-1), (one * other).sum(-1)))
    guessed = axes != "both" and method in ("scharr_5", "eighth_order")
    assert arc[:, 16:-16, 16:-16].mean() < (0.2 if guessed else 0.05)
    assert axes != "both" or arc.mean() < 0.05


@pytest.mark.parametrize(
    ("method", "error"), [("spectral", 1e-9), ("central", 1e-5), ("scharr", 0.01), ("sobel", 0.01)]
)
def test_where_nothing_wraps_the_border_is_found_too(method, error):
    p, q = height_gradient(hills(), method, NONE)
    found = integrated(p, q, method, NONE)
    assert (found - (hills() - hills().mean()))[0, 0].abs().max() < error


def test_a_ramp_that_cannot_tile_is_found_without_wrapping():
    ramp = torch.arange(32.0, dtype=torch.float64).expand(1, 1, 24, 32)
    found = integrated(*height_gradient(ramp, "central", NONE), "central", NONE)
    torch.testing.assert_close(found - found[..., :1], ramp, rtol=0, atol=1e-9)


def test_range_is_in_pixels_of_the_slope():
    x = 2 * math.pi * torch.arange(64, dtype=torch.float64) / 64
    p = (3.0 * 2 * math.pi / 64 * torch.cos(x)).expand(1, 1, 64, 64)
    found = integrated(p, 0 * p, "spectral", BOTH)
    torch.testing.assert_close(found[0, 0, 0], 3.0 * torch.sin(x))


def test_a_flat_map_is_flat():
    relief = height_from_normals(
        torch.tensor([0.5, 0.5, 1.0])[None, :, None, None].expand(2, -1, 8, 8), "OpenGL", "scharr", BOTH
    )
    assert torch.equal(relief.height, torch.full((2, 1, 8, 8), 0.5))
    assert relief.range.tolist() == [0, 0]


@pytest.mark.parametrize("method", METHODS)
def test_rolling_the_normals_rolls_the_height(method):
    normals = normal_map(hills(dtype=torch.float32), 20.0, method, BOTH, "OpenGL")
    still = height_from_normals(normals, "OpenGL", method, BOTH).height
    moved = height_from_normals(normals.roll((7, 30), (-2, -1)), "OpenGL", method, BOTH).height
    torch.testing.assert_close(moved, still.roll((7, 30), (-2, -1)), rtol=0, atol=1e-6)


@pytest.mark.parametrize("convention", ["OpenGL", "DirectX"])
@pytest.mark.parametrize("bits", [8, 16])
def test_the_convention_is_read_from_the_pixels(convention, bits):
    steps = 2**bits - 1
    stored = (normal_map(hills(), 20.0, "scharr", BOTH, convention) * steps).round() / steps
    detected, factor = detect_convention(stored)
    assert detected == convention
    assert factor > 3


def test_waves_along_one_axis_do_not_tell_the_convention():
    height = torch.sin(torch.arange(64.0) * math.pi / 8).expand(1, 1, 64, 64)
    assert detect_convention(normal_map(height, 3.0, "scharr", BOTH, "DirectX"))[1] < CLEAR


def test_flipping_green_is_the_other_convention():
    opengl = normal_map(hills(), 20.0, "scharr", BOTH, "OpenGL")
    torch.testing.assert_close(flip_green(opengl), normal_map(hills(), 20.0, "scharr", BOTH, "DirectX"))


def test_slopes_undo_normals():
    p, q = height_gradient(hills(), "scharr", BOTH)
    for convention in ("OpenGL", "DirectX"):
        found = slopes(normal_map(hills(), 20.0, "scharr", BOTH, convention), convention)
        torch.testing.assert_close(found, (20 * p, 20 * q))


@pytest.mark.parametrize("axes", [BOTH, NONE])
def test_gradcheck(axes):
    p = torch.rand(1, 1, 4, 6, dtype=torch.float64, requires_grad=True)
    q = torch.rand(1, 1, 4, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p, q: integrated(p, q, "scharr", axes), (p, q))


def test_the_node_gives_back_height_and_cm():
    normal, *_ = HeightToNormal.execute(hills(dtype=torch.float32)[:, 0], "DirectX", height_cm=3.0, size_cm=50.0)
    height, height_cm, report, *_ = NormalToHeight.execute(normal, "detect", size_cm=50.0)
    torch.testing.assert_close(height[..., 0], hills(dtype=torch.float32)[:, 0], rtol=0, atol=1e-4)
    assert height_cm == pytest.approx(3.0, rel=1e-3)
    assert "Detected DirectX" in report


@pytest.mark.parametrize("period", [16, 32, 96])
def test_the_misfit_of_a_large_map_is_told_by_a_sample_of_its_rows(monkeypatch, period):
    """Courses of hills that are a surface, and of as many that are none, in step with the strips."""
    made = normal_map(hills(480, dtype=torch.float32), 20.0, "scharr", BOTH, "OpenGL")
    courses = torch.where(torch.arange(480)[:, None] % period < period // 2, made, made.roll(100, -1))
    whole = height_from_normals(courses, "OpenGL", "scharr", BOTH)
    monkeypatch.setattr(height_from_normal, "STRIP_PIXELS", 2 * 512)
    monkeypatch.setattr(height_from_normal, "SAMPLE", 2**15)
    sampled = height_from_normals(courses, "OpenGL", "scharr", BOTH)
    torch.testing.assert_close(sampled.height, whole.height, rtol=0, atol=1e-6)
    assert sampled.misfit != whole.misfit
    torch.testing.assert_close(sampled.misfit, whole.misfit, rtol=0.15, atol=0)
