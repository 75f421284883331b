import math

import pytest
import torch
from tilewright.material.filters import filter_lines


@pytest.mark.parametrize("dim", [-1, -2])
def test_a_wave_is_multiplied_by_the_response_at_its_frequency(dim):
    angle = 2 * math.pi * 3 * torch.arange(32) / 32
    wave = torch.cos(angle).expand(1, 1, 4, 32).transpose(dim, -1).contiguous()
    filtered = filter_lines(wave, lambda omega: 1 / (1 + omega), dim, wraps=True)
    assert torch.allclose(filtered, wave / (1 + 2 * math.pi * 3 / 32), atol=1e-6)


def test_an_imaginary_response_turns_a_cosine_into_a_slope():
    angle = 2 * math.pi * 3 * torch.arange(32) / 32
    slope = filter_lines(torch.cos(angle).expand(1, 1, 4, 32), lambda omega: 1j * omega, -1, wraps=True)
    assert torch.allclose(slope, -2 * math.pi * 3 / 32 * torch.sin(angle).expand(1, 1, 4, 32), atol=1e-6)


@pytest.mark.parametrize("wraps", [True, False])
def test_a_constant_keeps_its_value_exactly(wraps):
    flat = torch.full((1, 1, 4, 7), 1 / 3)
    assert torch.equal(filter_lines(flat, lambda omega: torch.exp(-omega), -1, wraps), flat)


def test_the_result_may_go_into_the_image_itself():
    image = torch.rand(1, 2, 6, 8)
    expected = filter_lines(image, lambda omega: 0.5 + 0 * omega, -1, True)
    assert filter_lines(image, lambda omega: 0.5 + 0 * omega, -1, True, into=image) is image
    assert torch.equal(image, expected)
