"""Wrapped models under torch.compile, as the host's own node does it: the same pictures, and no mix-up between models.

Traced as for inductor, but run by torch itself: the fault to be found lies in what Dynamo guards, not in its code.
"""

import comfy.sample
import pytest
import torch
from small_unets import small_model
from tilewright.nodes.seamless import SeamlessModel
from tilewright.nodes.upscale import TiledDiffusion

pytestmark = pytest.mark.slow
ROLL = (8, -16)


@pytest.fixture(autouse=True)
def inference():
    torch._dynamo.reset()
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def unet():
    return small_model("SD1")


def seamless(model, **options):
    return SeamlessModel.execute(model, "both", **options).args[0]


def compiled(model):
    from comfy_api.torch_helpers import set_torch_compile_wrapper  # these load torch.compile, which takes seconds
    from comfy_extras.nodes_torch_compile import skip_torch_compile_dict

    clone = model.clone(disable_dynamic=True)
    guards = {"guard_filter_fn": skip_torch_compile_dict}  # as TorchCompileModel gives to inductor
    set_torch_compile_wrapper(model=clone, backend=traced_only, options=guards)
    return clone


def traced_only(graph, inputs, **_):
    return graph.forward


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def sample(model, latent, steps=2):
    text = [[noise(1, 8, 32, seed=1), {}]]
    empty = torch.zeros_like(latent)
    return comfy.sample.sample(
        model, latent, steps, 1.0, "euler", "normal", text, text, empty, disable_pbar=True, seed=0
    )


def test_each_model_is_compiled_for_itself(unet):
    """The plain model comes after a seamless one: where the host takes patches back, it leaves bound methods behind."""
    latent, model = noise(1, 4, 16, 24), seamless(unet)
    wrapped, plain = sample(model, latent), sample(unet, latent)
    assert (wrapped - plain).abs().max() > 1
    for one, expected in [(unet, plain), (model, wrapped), (unet, plain)]:
        torch.testing.assert_close(sample(compiled(one), latent), expected, rtol=0, atol=1e-3)
    rolled = sample(compiled(model), latent.roll(ROLL, (2, 3)))
    torch.testing.assert_close(rolled, wrapped.roll(ROLL, (2, 3)), rtol=0, atol=2e-3)


def test_wrapping_in_a_part_of_the_steps_stays_apart(unet):
    latent, half = noise(1, 4, 16, 24), seamless(unet, start=0.5)
    torch.testing.assert_close(sample(compiled(half), latent), sample(half, latent), rtol=0, atol=1e-3)


def test_tiled_diffusion(unet):
    latent = noise(1, 4, 32, 40)
    model = TiledDiffusion.execute(seamless(unet), 128, 64, "Mixture of Diffusers", "both").args[0]
    torch.testing.assert_close(sample(compiled(model), latent), sample(model, latent), rtol=0, atol=1e-3)
