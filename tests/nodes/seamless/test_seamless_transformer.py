"""A transformer of Flux's kind knows positions instead of edges; its positions are made to close on themselves."""

import comfy.model_base
import comfy.model_patcher
import comfy.supported_models
import pytest
import torch
from comfy.ldm.flux.layers import EmbedND
from euler_sampling import noise
from random_networks import random_state
from tilewright.nodes.seamless import SeamlessModel
from tilewright.seamless.harmonic_positions import rotary_positions

FLUX = {
    "image_model": "flux",
    "in_channels": 4,
    "out_channels": 4,
    "vec_in_dim": 16,
    "context_in_dim": 24,
    "hidden_size": 64,
    "mlp_ratio": 2.0,
    "num_heads": 2,
    "depth": 1,
    "depth_single_blocks": 1,
    "axes_dim": [8, 12, 12],
    "theta": 10000,
    "patch_size": 2,
    "qkv_bias": True,
    "guidance_embed": False,
    "txt_ids_dims": [],
}


@pytest.fixture(scope="module")
def model():
    config = comfy.supported_models.Flux(FLUX)
    config.set_inference_dtype(torch.float32, None)
    base = comfy.model_base.Flux(config)
    base.diffusion_model.load_state_dict(random_state(base.diffusion_model))
    return comfy.model_patcher.ModelPatcher(base, torch.device("cpu"), torch.device("cpu"))


@pytest.fixture(autouse=True)
def inference():
    with torch.inference_mode():
        yield


def denoise(model, latent, step=0, reads=True):
    """One step with three words, which the patches may look at or not."""
    comfy.model_management.load_models_gpu([model])
    sigmas = torch.tensor([1.0, 0.7, 0.4, 0.0])
    sigma = sigmas[step : step + 1]
    tokens = 3 + latent.shape[2] * latent.shape[3] // 4
    mask = torch.zeros(tokens, tokens)
    mask[:, :3] = 0 if reads else -1e9
    options = {"sample_sigmas": sigmas, "sigmas": sigma, "wrappers": model.wrappers}
    text = {"c_crossattn": noise(1, 3, 24, seed=1), "y": noise(1, 16, seed=2), "attention_mask": mask}
    return model.model.apply_model(latent, sigma, **text, transformer_options=options)


def seamless(model, axes="both", **options):
    return SeamlessModel.execute(model, axes, **options).args[0]


def test_without_a_period_the_positions_are_the_hosts():
    ids = torch.stack(torch.meshgrid(*(torch.arange(n).float() for n in (2, 5, 7)), indexing="ij"), -1).view(1, -1, 3)
    parts = [rotary_positions(ids[..., axis], dim, 10000, None) for axis, dim in enumerate((8, 12, 12))]
    torch.testing.assert_close(torch.cat(parts, -3).unsqueeze(1), EmbedND(32, 10000, [8, 12, 12])(ids))


def test_one_width_further_lies_the_same_place():
    here, there = (rotary_positions(torch.arange(24.0)[None] + shift, 16, 10000, 24) for shift in (0, 24))
    torch.testing.assert_close(here, there, atol=1e-5, rtol=0)


@pytest.mark.parametrize("axes", ["both", "x"])
def test_patches_see_each_other_around_the_edge(model, axes):
    """Words keep their own position. Among the patches alone, rolling what goes in rolls what comes out."""
    clone, latent = seamless(model, axes), noise(1, 4, 16, 24)
    alone = denoise(clone, latent, reads=False)
    error = {
        axis: (denoise(clone, latent.roll(6, axis), reads=False) - alone.roll(6, axis)).abs().max() for axis in (2, 3)
    }
    assert error[3] < 1e-4
    assert (error[2] < 1e-4) == (axes == "both")


def test_every_step_sees_the_latent_from_another_place(model):
    clone, latent = seamless(model), noise(1, 4, 16, 24)
    first = denoise(clone, latent)
    assert not torch.equal(denoise(clone, latent, step=1), first)
    assert torch.equal(denoise(clone, latent), first)


def test_the_given_model_stays_bit_identical(model):
    latent = noise(1, 4, 16, 24)
    before = denoise(model, latent)
    assert not torch.equal(denoise(seamless(model), latent), before)
    assert torch.equal(denoise(model, latent), before)


def test_steps_outside_the_share_are_the_plain_model(model):
    latent = noise(1, 4, 16, 24)
    plain = denoise(model, latent, step=2)
    torch.testing.assert_close(denoise(seamless(model, end=0.5), latent, step=2), plain, atol=1e-5, rtol=1e-5)
