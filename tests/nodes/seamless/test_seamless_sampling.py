"""A whole sampling run wraps: with ControlNets, with shifted latents, and only in the steps it is asked for."""

import comfy.lora
import comfy.sample
import comfy.samplers
import comfy.sd
import pytest
import torch
from comfy.controlnet import ControlNet
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from euler_sampling import noise, sample
from random_networks import UNET_FAMILIES, random_control_network, random_state
from tilewright.common.axes import Axes
from tilewright.common.errors import InputError
from tilewright.common.wrapped_convolutions import replaced, wrapped_convolutions
from tilewright.host.demo_model import UNET, load_demo_model
from tilewright.host.sampling_steps import step_number
from tilewright.nodes.seamless import SeamlessModel
from tilewright.nodes.upscale import TiledVAEDecode
from tilewright.seamless.latent_rolls import step_offset

pytestmark = pytest.mark.slow

ROLL = (8, -16)


@pytest.fixture(scope="module")
def demo():
    return load_demo_model()


@pytest.fixture(autouse=True)
def inference():
    with torch.inference_mode():
        yield


def seamless(model, **options):
    return SeamlessModel.execute(model, "both", **options).args[0]


def control_net(hint):
    control = ControlNet(random_control_network(UNET), load_device=torch.device("cpu"))
    return control.set_cond_hint(hint, 1.0, (0.0, 1.0))


@pytest.mark.parametrize("family", UNET_FAMILIES)
def test_unets_of_every_family_wrap(family):
    config = {**UNET, **UNET_FAMILIES[family]}
    network = UNetModel(**config, dtype=torch.float32).eval()
    network.load_state_dict(random_state(network))
    vector = noise(1, 64, seed=2) if family == "SDXL" else None

    def denoise(latent):
        return network(latent, torch.tensor([500.0]), noise(1, 8, 128, seed=1), y=vector)

    latent = noise(1, config["in_channels"], 16, 24)
    with replaced(network, wrapped_convolutions(network, Axes(True, True), "The model")):
        wrapped = denoise(latent)
        torch.testing.assert_close(denoise(latent.roll(ROLL, (2, 3))), wrapped.roll(ROLL, (2, 3)), atol=1e-4, rtol=0)
    assert (denoise(latent) - wrapped).abs().max() > 1e-3


@pytest.mark.parametrize("roll", [False, True])
def test_sampling_wraps(demo, roll):
    model, latent = seamless(demo[0], roll=roll), noise(1, 4, 16, 32)
    rolled = sample(model, latent.roll(ROLL, (2, 3)))
    torch.testing.assert_close(rolled, sample(model, latent).roll(ROLL, (2, 3)), atol=1e-3, rtol=1e-4)


def test_sampling_and_a_tiled_decode_wrap_together(demo):
    model, latent = seamless(demo[0]), noise(1, 4, 16, 24)

    def picture(start):
        return TiledVAEDecode.execute({"samples": sample(model, start)}, demo[2], 64, "both").args[0]

    rolled = picture(latent.roll(ROLL, (2, 3)))
    torch.testing.assert_close(rolled, picture(latent).roll((64, -128), (1, 2)), atol=1e-3, rtol=0)


def test_shifting_the_latent_changes_what_falls_on_the_grid(demo):
    latent = noise(1, 4, 16, 32)
    assert not torch.equal(sample(seamless(demo[0]), latent), sample(seamless(demo[0], roll=True), latent))


@pytest.mark.parametrize("roll", [False, True])
def test_a_control_net_wraps_with_the_model_and_is_left_as_it_was(demo, roll):
    model, latent = seamless(demo[0], roll=roll), noise(1, 4, 16, 32)
    hint = torch.rand(1, 3, 128, 256, generator=torch.Generator().manual_seed(3))
    control, shifted = control_net(hint), control_net(hint.roll((64, -128), (2, 3)))
    alone = sample(demo[0], latent, control)
    guided = sample(model, latent, control)
    rolled = sample(model, latent.roll(ROLL, (2, 3)), shifted)
    torch.testing.assert_close(rolled, guided.roll(ROLL, (2, 3)), atol=1e-3, rtol=1e-4)
    assert not torch.equal(guided, sample(model, latent))
    assert torch.equal(sample(demo[0], latent, control), alone)


def one_step(model, latent, control):
    """What the model takes for the clean latent at noise level 1, guided by `control`."""

    def evaluated_once(denoise, latent, sigmas, extra_args, **options):
        return denoise(latent, sigmas[:1], **extra_args)

    text = [[noise(1, 8, 128, seed=1), {"control": control}]]
    sigmas, empty = torch.tensor([1.0, 0.0]), torch.zeros_like(latent)
    sampler = comfy.samplers.KSAMPLER(evaluated_once)
    return comfy.sample.sample_custom(model, latent, 1.0, sampler, sigmas, text, text, empty, disable_pbar=True, seed=0)


def with_lora(model):
    """As Load LoRA gives it, for every layer of the denoiser that a file may name."""
    state, weights = {}, model.model_state_dict()
    for name, key in comfy.lora.model_lora_keys_unet(model.model, {}).items():
        if name.startswith("lora_unet_") and key in weights and weights[key].ndim in (2, 4):
            shape = weights[key].shape
            state[f"{name}.lora_down.weight"] = noise(2, *shape[1:], seed=len(state)) * shape[1:].numel() ** -0.5
            state[f"{name}.lora_up.weight"] = noise(shape[0], 2, *[1] * (len(shape) - 2), seed=len(state)) * 0.1
    return comfy.sd.load_lora_for_models(model, None, state, 1.0, 0.0)[0], len(state) // 2


@pytest.mark.parametrize("lora_first", [True, False], ids=["LoRA first", "LoRA last"])
def test_a_step_wraps_with_a_control_net_and_a_lora_in_one_chain(demo, lora_first):
    latent, hint = noise(1, 4, 16, 32), torch.rand(1, 3, 128, 256, generator=torch.Generator().manual_seed(3))
    control, shifted = control_net(hint), control_net(hint.roll((64, -128), (2, 3)))
    before = one_step(demo[0], latent, control)
    if lora_first:
        taught, layers = with_lora(demo[0])
        model = seamless(taught)
    else:
        model, layers = with_lora(seamless(demo[0]))
    guided = one_step(model, latent, control)
    rolled = one_step(model, latent.roll(ROLL, (2, 3)), shifted)
    torch.testing.assert_close(rolled, guided.roll(ROLL, (2, 3)), atol=1e-4, rtol=0)
    assert layers > 60
    assert (guided - one_step(seamless(demo[0]), latent, control)).abs().max() > 1e-2
    assert torch.equal(one_step(demo[0], latent, control), before)
    assert len([patch for patch in model.object_patches if patch.endswith("_conv_forward")]) == 28
    assert model.model is demo[0].model


def test_only_the_asked_steps_wrap(demo):
    latent = noise(1, 4, 16, 16)
    plain, whole = sample(demo[0], latent), sample(seamless(demo[0]), latent)
    first_of_two = sample(seamless(demo[0], end=0.5), latent)
    assert torch.equal(sample(seamless(demo[0], start=0.9), latent), plain)
    assert not torch.equal(first_of_two, plain)
    assert not torch.equal(first_of_two, whole)


def test_a_share_that_ends_before_it_starts_is_refused():
    with pytest.raises(InputError, match="start comes before end"):
        SeamlessModel.execute(None, "both", 0.8, 0.2)


def test_an_evaluation_between_two_levels_belongs_to_the_step_begun():
    sigmas = torch.tensor([8.0, 4.0, 2.0, 0.0])
    assert [step_number(sigmas, torch.tensor([sigma])) for sigma in (8.0, 5.0, 4.0, 2.0, 1.0)] == [0, 0, 1, 2, 2]


def test_shifts_keep_to_the_unit_and_the_axes():
    offsets = [step_offset(step, 64, 64, Axes(x=True, y=False), unit=8) for step in range(20)]
    assert {rows for rows, _ in offsets} == {0}
    assert {columns for _, columns in offsets} == set(range(0, 64, 8))
