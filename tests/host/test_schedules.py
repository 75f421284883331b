"""The noise schedule that a MODEL trains with is the one that it samples with."""

import comfy.model_base
import pytest
import torch
from small_unets import small_model
from tilewright.common.errors import InputError
from tilewright.host.in_graph.checks import base_model
from tilewright.host.in_graph.model import noise_schedule
from tilewright.training.config import ObjectiveConfig, TrainingConfig

pytestmark = pytest.mark.slow

ZERO_TERMINAL = TrainingConfig(objective=ObjectiveConfig(zero_terminal_snr=True))


def schedule(model, config=None):
    return noise_schedule(model, base_model(model), config or TrainingConfig())


def published_alphas():
    """Stable Diffusion's: betas are the squares of even steps between the roots of 0.00085 and 0.012."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    return (1 - betas).cumprod(0)


@pytest.mark.parametrize(("family", "prediction"), [("SD1", "eps"), ("SD2-v", "v"), ("SDXL", "eps")])
def test_each_family_has_the_published_schedule_and_its_own_prediction(family, prediction):
    found = schedule(small_model(family))
    assert found.prediction == prediction
    torch.testing.assert_close(found.alphas_cumprod, published_alphas(), rtol=1e-4, atol=0)


def test_a_checkpoint_with_zero_terminal_snr_trains_with_it_untold():
    model = small_model("SDXL")
    config = model.model.model_config
    config.sampling_settings = {**config.sampling_settings, "zsnr": True}  # as the loader sets it for such a checkpoint
    sampling = comfy.model_base.model_sampling(config, comfy.model_base.ModelType.V_PREDICTION)
    model.add_object_patch("model_sampling", sampling)
    found = schedule(model)
    assert found.prediction == "v"
    assert found.alphas_cumprod[-1] < 1e-7
    told = schedule(model, ZERO_TERMINAL)
    assert told.alphas_cumprod[-1] == 0
    torch.testing.assert_close(told.alphas_cumprod[:-1], found.alphas_cumprod[:-1], rtol=0.01, atol=2e-5)


def test_zero_terminal_snr_is_refused_for_a_model_that_predicts_noise():
    with pytest.raises(InputError, match="zero_terminal_snr is on, but the model predicts noise"):
        schedule(small_model("SD1"), ZERO_TERMINAL)
