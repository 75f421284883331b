"""A network wraps when rolling what goes in rolls what comes out, and nothing else changes."""

import pytest
import torch
from comfy.model_management import load_models_gpu
from comfy.t2i_adapter.adapter import Adapter
from comfy.taesd.taesd import TAESD
from random_networks import random_state, random_weights
from tilewright.common.axes import Axes
from tilewright.common.errors import InputError
from tilewright.common.wrapped_convolutions import replaced, wrapped_convolutions
from tilewright.host.demo_model import load_demo_model
from tilewright.nodes.seamless import SeamlessModel, SeamlessVAE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo():
    return load_demo_model()


@pytest.fixture
def model(demo):
    return demo[0]


@pytest.fixture
def vae(demo):
    return demo[2]


@pytest.fixture(autouse=True)
def inference():
    with torch.inference_mode():
        yield


def noise(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def denoise(model, latent):
    """One denoising step with a fixed text, as a sampler would ask for it."""
    load_models_gpu([model])
    context = torch.randn(1, 8, 128, generator=torch.Generator().manual_seed(1))
    return model.model.apply_model(latent, torch.tensor([5.0]), c_crossattn=context)


def along(axis, steps):
    return {"x": (0, steps), "y": (steps, 0)}[axis]


def roll_error(function, image, axis, steps=8, scale=1.0):
    """Largest difference between f(roll x) and roll f(x) for (B, C, H, W); scale is output over input size."""
    rolled = function(image.roll(along(axis, steps), (2, 3)))
    expected = function(image).roll(along(axis, int(steps * scale)), (2, 3))
    return float((rolled - expected).abs().max())


def seamless_model(model, axes):
    return SeamlessModel.execute(model, axes).args[0]


def seamless_vae(vae, axes):
    return SeamlessVAE.execute(vae, axes).args[0]


@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_seamless_model_wraps(model, axis):
    clone = seamless_model(model, "both")
    assert roll_error(lambda latent: denoise(clone, latent), noise(1, 4, 24, 32), axis) < 1e-4


def test_one_axis_wraps_and_the_other_does_not(model):
    clone = seamless_model(model, "x")
    assert roll_error(lambda latent: denoise(clone, latent), noise(1, 4, 24, 32), "x") < 1e-4
    assert roll_error(lambda latent: denoise(clone, latent), noise(1, 4, 24, 32), "y") > 1e-2


def test_the_given_model_stays_bit_identical(model):
    latent = noise(1, 4, 16, 16)
    before = denoise(model, latent)
    wrapped = denoise(seamless_model(model, "both"), latent)
    assert torch.equal(denoise(model, latent), before)
    assert not torch.equal(wrapped, before)


def test_clones_with_different_axes_take_turns(model):
    latent = noise(1, 4, 16, 16)
    clones = {axes: seamless_model(model, axes) for axes in ("x", "y", "both")}
    alone = {axes: denoise(clone, latent) for axes, clone in clones.items()}
    for axes in ("both", "x", "y", "x"):
        assert torch.equal(denoise(clones[axes], latent), alone[axes])
    assert not torch.equal(alone["x"], alone["y"])


def test_the_last_seamless_model_in_a_chain_counts(model):
    latent = noise(1, 4, 16, 16)
    twice = seamless_model(seamless_model(model, "x"), "both")
    assert torch.equal(denoise(twice, latent), denoise(seamless_model(model, "both"), latent))


def lora_patches(model):
    """A change of every weight that a LoRA of the host would change, as `add_patches` takes it."""
    keys = [key for key in model.model_state_dict() if key.endswith("weight") and "input_blocks" in key]
    generator = torch.Generator().manual_seed(2)
    weights = {key: model.model_state_dict()[key] for key in keys}
    return {key: (torch.randn(w.shape, generator=generator) * 0.02,) for key, w in weights.items()}


def test_a_lora_before_or_after_does_the_same(model):
    latent, lora = noise(1, 4, 16, 16), lora_patches(model)
    before = model.clone()
    before.add_patches(lora)
    after = seamless_model(model, "both")
    after.add_patches(lora)
    before = seamless_model(before, "both")
    assert torch.equal(denoise(before, latent), denoise(after, latent))
    assert not torch.equal(denoise(after, latent), denoise(seamless_model(model, "both"), latent))
    assert roll_error(lambda z: denoise(before, z), noise(1, 4, 16, 24), "x") < 1e-4


def test_a_model_that_casts_its_weights_wraps_too(model):
    clone = seamless_model(model, "both")
    clone.set_model_compute_dtype(torch.float32)  # the host's switch to cast in every layer
    assert roll_error(lambda latent: denoise(clone, latent), noise(1, 4, 16, 24), "x") < 1e-4


@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_seamless_vae_decodes_wrapping(vae, axis):
    clone = seamless_vae(vae, "both")
    assert roll_error(lambda z: clone.decode(z).movedim(-1, 1), noise(1, 4, 12, 16), axis, 5, scale=8) < 1e-4


@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_seamless_vae_encodes_wrapping(vae, axis):
    clone = seamless_vae(vae, "both")
    image = torch.rand(1, 3, 96, 128, generator=torch.Generator().manual_seed(3))
    assert roll_error(lambda p: clone.encode(p.movedim(1, -1)), image, axis, 16, scale=1 / 8) < 1e-4


def test_a_vae_along_one_axis_pads_the_other_as_before(vae):
    clone = seamless_vae(vae, "x")
    image = torch.rand(1, 3, 96, 128, generator=torch.Generator().manual_seed(3))
    assert roll_error(lambda p: clone.encode(p.movedim(1, -1)), image, "x", 16, scale=1 / 8) < 1e-4
    assert roll_error(lambda p: clone.encode(p.movedim(1, -1)), image, "y", 16, scale=1 / 8) > 1e-3


def test_the_given_vae_stays_bit_identical(vae):
    latent, image = noise(1, 4, 8, 8), torch.rand(1, 64, 64, 3, generator=torch.Generator().manual_seed(3))
    decoded, encoded = vae.decode(latent), vae.encode(image)
    clone = seamless_vae(vae, "both")
    assert not torch.equal(clone.decode(latent), decoded)
    assert torch.equal(vae.decode(latent), decoded)
    assert not torch.equal(clone.encode(image), encoded)
    assert torch.equal(vae.encode(image), encoded)


def test_taesd_decodes_and_encodes_wrapping():
    taesd = random_weights(TAESD())
    clone = seamless_vae(taesd, "both")
    assert roll_error(lambda z: clone.decode(z).movedim(-1, 1), noise(1, 4, 8, 12), "x", 5, scale=8) < 1e-4
    image = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(3))
    assert roll_error(lambda p: clone.encode(p.movedim(1, -1)), image, "y", 16, scale=1 / 8) < 1e-4


def test_a_t2i_adapter_wraps():
    network = Adapter(channels=[32, 64], nums_rb=1, cin=192, ksize=1, sk=True, use_conv=False, xl=False).eval()
    network.load_state_dict(random_state(network))
    hint, replacements = noise(1, 3, 64, 96), wrapped_convolutions(network, Axes(True, True), "The ControlNet")

    def features(hint):
        return network(hint)["input"][0]

    plain = roll_error(features, hint, "x", 16, scale=1 / 16)
    with replaced(network, replacements):
        assert roll_error(features, hint, "x", 16, scale=1 / 16) < 1e-4
    assert plain > 1e-2


def test_a_clone_holds_nothing_of_the_size_of_weights(model):
    """28 small objects say how the 28 convolutions pad, one class marks the network; there is no tensor among them."""
    patches = seamless_model(model, "both").object_patches
    convolutions = [layer for layer in model.model.diffusion_model.modules() if isinstance(layer, torch.nn.Conv2d)]
    assert len(patches) - 1 == sum(layer.kernel_size != (1, 1) for layer in convolutions) == 28
    assert not any(torch.is_tensor(value) for patch in patches.values() for value in vars(patch).values())


def test_a_clone_shares_the_weights(model, vae):
    assert seamless_model(model, "both").model is model.model
    assert seamless_vae(vae, "both").first_stage_model is vae.first_stage_model


def test_a_layer_that_cannot_wrap_is_named():
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 3, 3, padding=1), torch.nn.ConvTranspose2d(3, 3, 4, stride=2))
    with pytest.raises(InputError, match="layer 1 .ConvTranspose2d"):
        wrapped_convolutions(network, Axes(True, True), "The model")


def test_a_network_without_convolutions_is_refused():
    with pytest.raises(InputError, match="no convolutions"):
        wrapped_convolutions(torch.nn.Linear(4, 4), Axes(True, True), "The model")


def test_a_model_that_is_no_unet_is_refused(model):
    transformer = model.clone()
    transformer.add_object_patch("diffusion_model", torch.nn.Identity())
    with pytest.raises(InputError, match="The model is of the kind Identity. Known are UNets"):
        seamless_model(transformer, "both")


@pytest.mark.parametrize("dilation", [1, 2])
def test_wrapping_is_convolving_the_repeated_image(dilation):
    conv = torch.nn.Conv2d(2, 3, (3, 5), padding="same", dilation=dilation)
    wrapped = wrapped_convolutions(torch.nn.ModuleList([conv]), Axes(True, True), "The model")["0._conv_forward"]
    image = noise(1, 2, 10, 12)
    expected = conv(image.repeat(1, 1, 3, 3))[..., 10:20, 12:24]
    torch.testing.assert_close(wrapped(image, conv.weight, conv.bias), expected)


def test_no_model_and_no_vae_are_named():
    with pytest.raises(InputError, match="The model is empty"):
        SeamlessModel.execute(None, "both")
    with pytest.raises(InputError, match="The VAE is empty"):
        SeamlessVAE.execute(None, "both")
