"""A denoiser gets the latent rolled, and what it answers is rolled back."""

import torch
from tilewright.common.axes import Axes
from tilewright.seamless.latent_rolls import denoise_rolled, step_offset

TORUS = Axes(True, True)


def test_the_first_step_is_not_rolled_and_others_by_whole_units():
    assert step_offset(0, 64, 64, TORUS) == (0, 0)
    assert step_offset(1, 64, 64, TORUS, unit=8) == (48, 32)  # .7549 and .6180 of 64, rounded down to eights
    assert step_offset(1, 64, 64, Axes(x=True, y=False), unit=8) == (0, 32)


def test_a_pointwise_denoiser_does_not_notice():
    latent = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    assert torch.equal(denoise_rolled(lambda values, _: values * 2, latent, None, 3, TORUS), latent * 2)


def test_what_belongs_to_a_place_falls_elsewhere():
    """A denoiser that marks its own corner, at step 1 of a latent of 16: rolled back by 12 rows and 9 columns."""

    def mark(values, _):
        values = torch.zeros_like(values)
        values[..., 0, 0] = 1
        return values

    marked = denoise_rolled(mark, torch.zeros(1, 1, 16, 16), None, 1, TORUS)
    assert marked.nonzero().tolist() == [[0, 0, 16 - 12, 16 - 9]]


def test_residuals_of_a_controlnet_are_rolled_along():
    """They are half the size: what lies beside the latent's mark, stays beside it."""
    latent = torch.zeros(1, 1, 16, 16)
    latent[..., 4:6, 6:8] = 1
    residual = torch.nn.functional.avg_pool2d(latent, 2)

    def difference(values, control):
        assert control is not None and control["middle"][1] is None
        return values - control["middle"][0].repeat_interleave(2, -1).repeat_interleave(2, -2)

    result = denoise_rolled(difference, latent, {"middle": [residual, None]}, 1, TORUS)
    assert not result.any()
