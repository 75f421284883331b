"""Normals and a height map of one surface, each with noise: together they give it better than either."""

import math

import pytest
import torch
from tilewright.common.axes import Axes
from tilewright.material.derivatives import height_gradient
from tilewright.material.fused_height import fuse, fused_height, integrable_normals, screening
from tilewright.material.normals import decode_unit_normals, encode_normals, normal_map, unit

TORUS, OPEN = Axes(True, True), Axes(False, False)
RISE = 20.0  # pixels from 0 to 1


def terrain(size=128, seed=0):
    """(1, 1, size, size) of 0..1 with all waves up to a quarter of the pixels' own, as terrain has them."""
    noise = torch.randn(size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    k = torch.fft.fftfreq(size, dtype=torch.float64)
    length = (k[:, None] ** 2 + k**2).sqrt()
    falls = torch.where((length > 0) & (length < 0.125), 1 / length.clamp(min=1e-9) ** 2, 0.0)
    shape = torch.fft.ifft2(torch.fft.fft2(noise) * falls).real
    return ((shape - shape.min()) / (shape.max() - shape.min()))[None, None]


def angle(one, other):
    cosine = (decode_unit_normals(one) * decode_unit_normals(other)).sum(1).clamp(-1, 1)
    return torch.rad2deg(cosine.acos()).mean().item()


def gaussian(like, seed):
    return torch.randn(like.shape, generator=torch.Generator().manual_seed(seed), dtype=like.dtype)


def centred(height):
    return height - height.mean((-1, -2), keepdim=True)


def rms(image):
    return centred(image).square().mean().sqrt().item()


def test_fused_errors_are_below_both_and_at_the_bound():
    """Slopes and heights with white noise: the best estimate's variance is 1 / (k^2 / s^2 + 1 / h^2)."""
    truth, of_slope, of_height = RISE * terrain(), 0.05, 1.0
    p, q = (
        slope + of_slope * gaussian(slope, seed) for seed, slope in enumerate(height_gradient(truth, "spectral", TORUS))
    )
    along, down = torch.fft.fft2(p), torch.fft.fft2(q)
    k = 2 * math.pi * torch.fft.fftfreq(128, dtype=truth.dtype)
    k[64] = 0
    energy = k[:, None] ** 2 + k**2
    spectrum = -1j * (k * along + k[:, None] * down) / energy.clamp(min=1e-12)
    spectrum[..., energy == 0] = 0
    integrated = torch.fft.ifft2(spectrum).real
    noisy = truth + of_height * gaussian(truth, 9)
    ratio = (of_slope / of_height) ** 2
    fused = fuse(integrated, noisy, torch.tensor(ratio), TORUS)
    errors = [rms(image - truth) for image in (integrated, noisy, fused)]
    variance = 1 / (energy / of_slope**2 + 1 / of_height**2)
    variance[0, 0] = 0
    bound = variance.mean().sqrt().item()
    assert errors[2] < min(errors[:2])
    assert errors[2] == pytest.approx(bound, rel=0.1)


@pytest.mark.parametrize(("axes", "method"), [(TORUS, "eighth_order"), (OPEN, "scharr")], ids=["torus", "open"])
def test_without_errors_it_is_the_surface(axes, method):
    height = terrain()
    normals = normal_map(height, RISE, method, axes, "OpenGL")
    fused = fused_height(normals, height, method, axes)
    assert fused.scale.item() == pytest.approx(RISE, rel=0.01)
    assert fused.correlation.item() > 0.999
    again = normal_map(fused.height, 1.0, method, axes, "OpenGL")
    assert angle(again, normals) < 0.05
    assert rms(fused.height - RISE * height) < 0.01 * RISE * height.std().item()


def test_the_rise_of_the_height_map_is_read_off_the_normals_under_noise():
    height = terrain()
    normals = normal_map(height, RISE, "eighth_order", TORUS, "OpenGL")
    noisy = (normals + 0.01 * gaussian(normals, 3)).clamp(0, 1)
    fused = fused_height(noisy, 0.3 + 0.5 * height, "eighth_order", TORUS)
    assert fused.scale.item() == pytest.approx(2 * RISE, rel=0.02)


def test_a_height_that_runs_against_the_normals_is_left_out():
    height = terrain()
    normals = normal_map(height, RISE, "eighth_order", TORUS, "OpenGL")
    fused = fused_height(normals, 1 - height, "eighth_order", TORUS)
    assert fused.scale.item() < 0 and fused.correlation.item() < -0.99
    assert rms(fused.height - RISE * height) < 0.01 * RISE


@pytest.mark.parametrize("seed", [1, 5, 8])
def test_a_height_of_another_surface_does_not_flatten_that_of_the_normals(seed):
    height = terrain()
    normals = normal_map(height, RISE, "eighth_order", TORUS, "OpenGL")
    fused = fused_height(normals, terrain(seed=seed), "eighth_order", TORUS)
    assert abs(fused.correlation.item()) < 0.5 and not fused.used.item()
    assert rms(fused.height - RISE * height) < 0.01 * RISE


def test_noise_on_both_maps_does_not_hide_that_they_show_one_surface():
    height = terrain()
    normals = normal_map(height, 12.0, "eighth_order", TORUS, "OpenGL")
    noisy = [(image + 0.1 * gaussian(image, seed)).clamp(0, 1) for seed, image in enumerate((normals, height), 7)]
    fused = fused_height(*noisy, "eighth_order", TORUS)
    assert fused.used.item() and fused.correlation.item() > 0.9


def test_long_waves_come_from_the_height_and_short_ones_from_the_normals():
    columns = torch.arange(128, dtype=torch.float64)
    long, short = (torch.sin(2 * math.pi * n * columns / 128).expand(1, 1, 128, 128) for n in (1, 16))
    fused = fuse(short, long, torch.tensor(0.01), TORUS)
    spectrum = torch.fft.rfft(fused[0, 0, 0]).abs() / 64
    near, far = (2 * math.pi / 128) ** 2, (2 * math.pi * 16 / 128) ** 2
    assert spectrum[1].item() == pytest.approx(0.01 / (0.01 + near), rel=1e-6)
    assert spectrum[16].item() == pytest.approx(far / (0.01 + far), rel=1e-6)


def test_the_fused_height_rolls_with_its_maps():
    height = terrain().float()
    normals = normal_map(height, RISE, "scharr", TORUS, "OpenGL") + 0.01 * gaussian(height, 1)
    still = fused_height(normals, height, "scharr", TORUS).height
    rolled = fused_height(normals.roll((30, 50), (-2, -1)), height.roll((30, 50), (-2, -1)), "scharr", TORUS).height
    torch.testing.assert_close(rolled.roll((-30, -50), (-2, -1)), still, atol=1e-4, rtol=0)


def test_screening_follows_the_range():
    torch.testing.assert_close(screening(torch.tensor([20.0, 0.0])), torch.tensor([0.01, 0.0]))


def test_integrable_normals_lose_noise_and_twist():
    normals = normal_map(terrain(), RISE, "spectral", TORUS, "OpenGL")
    vectors = unit(decode_unit_normals(normals) + 0.05 * gaussian(normals, 5))
    noisy = encode_normals(vectors)
    found = integrable_normals(noisy, "spectral", TORUS)
    assert angle(found, normals) < 0.8 * angle(noisy, normals)
    assert angle(integrable_normals(found, "spectral", TORUS), found) < 0.01
    assert angle(integrable_normals(normals, "spectral", TORUS), normals) < 0.01
