"""The figures by which a demo model is judged, on images whose answer is known."""

import pytest
import torch
from tilewright.training.demo.evaluation import (
    NearestClass,
    line_unevenness,
    normal_error,
    psnr,
    texture_statistics,
)


def test_psnr_of_a_known_error():
    """An error of 0.2 in a range of 2 is 20 dB."""
    assert psnr(torch.full((1, 3, 4, 4), 0.2), torch.zeros(1, 3, 4, 4)).item() == pytest.approx(20)


def test_the_error_of_a_known_tilt():
    """Normals that lean 3 degrees the other way are 6 degrees off, whatever their length."""
    lean = torch.deg2rad(torch.tensor(3.0))
    normals = torch.stack([lean.sin(), torch.tensor(0.0), lean.cos()]).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    mirrored = 0.9 * normals * torch.tensor([-1.0, 1, 1]).view(1, 3, 1, 1)
    assert normal_error(mirrored, normals).item() == pytest.approx(6, abs=0.01)


def test_lines_on_every_eighth_column_are_uneven_and_blur_is_not():
    fine = torch.rand(2, 3, 160, 160, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert line_unevenness(fine / 2, fine) < 1e-3
    lines = torch.zeros(160)
    lines[::8] = 0.4
    assert line_unevenness(fine + lines, fine) > 0.05


def test_statistics_tell_stripes_from_stripes_turned_and_from_noise():
    generator = torch.Generator().manual_seed(0)
    stripes = torch.sin(torch.arange(64) * torch.pi / 4).expand(64, 64)

    def examples(pattern, count):
        noise = 0.3 * torch.randn(count, 3, 64, 64, generator=generator)
        return pattern * (0.5 + torch.rand(count, 1, 1, 1, generator=generator)) + noise

    def all_three(count):
        return torch.cat([examples(pattern, count) for pattern in (stripes, stripes.T, torch.zeros(64, 64))])

    judge = NearestClass.fitted(texture_statistics(all_three(10)), torch.arange(3).repeat_interleave(10))
    assert torch.equal(judge.classify(texture_statistics(all_three(4))), torch.arange(3).repeat_interleave(4))
