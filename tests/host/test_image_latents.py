"""What is no image is refused before a patched model is loaded for it; a video of one frame is an image."""

import comfy.model_management
import comfy.sample
import pytest
import torch
from comfy.nested_tensor import NestedTensor
from small_flows import random, small_flow
from tilewright.common.errors import InputError
from tilewright.host.demo_model import load_demo_model
from tilewright.host.image_latents import image_latent
from tilewright.nodes.material import MaterialSetModel
from tilewright.nodes.seamless import SeamlessModel
from tilewright.nodes.upscale import TiledDiffusion
from tilewright.upscale.windows import METHODS

PATCHED = {
    "Seamless Model": lambda model: SeamlessModel.execute(model, "both").args[0],
    "Tiled Diffusion": lambda model: TiledDiffusion.execute(model, 128, 64, METHODS[1], "both").args[0],
    "Material Set Model": lambda model: MaterialSetModel.execute(model, "basecolor").args[0],
}
MODELS = {"demo": 128, "Flux": 24, "QwenImage": 24}  # and the width of their texts


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    name = request.param
    made = load_demo_model()[0] if name == "demo" else small_flow(name)
    pooled = {"pooled_output": random(1, 16)} if name == "Flux" else {}
    return made, [[random(1, 5, MODELS[name]), pooled]]


@pytest.fixture(autouse=True)
def inference():
    with torch.inference_mode():
        yield


def sample(model, text, latent, mask=None):
    noise = comfy.sample.prepare_noise(latent, 1)
    return comfy.sample.sample(
        model, noise, 1, 1.0, "euler", "normal", text, text, latent, noise_mask=mask, disable_pbar=True, seed=1
    )


def odd_latents(channels):
    image = torch.zeros(1, channels, 8, 8)
    return {
        "a video or to layers": image.unsqueeze(2).repeat(1, 1, 2, 1, 1),
        "a sound or to a shape": torch.zeros(1, channels, 100),
        "holds no images": image[:0],
        "2 latents at once": NestedTensor([image, torch.zeros(1, 8, 10)]),
        f"the model takes {channels}": random(1, channels + 3, 8, 8),
        "8 x 0 cells": image[..., :0, :],
    }


@pytest.mark.parametrize("who", PATCHED)
def test_what_is_no_image_is_named_before_the_model_is_loaded(model, who, monkeypatch):
    def loaded(*_given, **_options):
        raise AssertionError("loaded")

    patched = PATCHED[who](model[0])
    monkeypatch.setattr(comfy.model_management, "load_models_gpu", loaded)
    for said, latent in odd_latents(model[0].model.latent_format.latent_channels).items():
        with pytest.raises(InputError, match=f"^{who} samples images.* {said}"):
            sample(patched, model[1], latent)


@pytest.mark.parametrize("who", PATCHED)
def test_a_video_of_one_frame_is_an_image(model, who):
    patched, channels = PATCHED[who](model[0]), model[0].model.latent_format.latent_channels
    image, mask = random(1, channels, 16, 16), torch.zeros(1, 128, 128)
    mask[:, 32:] = 1
    one = comfy.sample.fix_empty_latent_channels(patched, image)
    expected = sample(patched, model[1], one, mask)
    assert torch.equal(sample(patched, model[1], image.unsqueeze(2), mask), expected)
    kept = expected.reshape(image.shape)[..., :3, :]  # by the mask
    torch.testing.assert_close(kept, image[..., :3, :], atol=1e-4, rtol=0)


def test_the_last_node_is_the_one_that_speaks():
    model = PATCHED["Tiled Diffusion"](PATCHED["Seamless Model"](load_demo_model()[0]))
    with pytest.raises(InputError, match=r"^Tiled Diffusion samples images\. The latent holds no images"):
        sample(model, [[random(1, 5, 128), {}]], torch.zeros(0, 4, 8, 8))


def test_latents_get_the_axes_that_are_wanted():
    image = random(2, 4, 6, 8)
    assert torch.equal(image_latent(image.unsqueeze(2), 4, 2, "this VAE"), image)
    assert torch.equal(image_latent(image, 4, 3, "this VAE"), image.unsqueeze(2))
    assert image_latent(image, 4, 2, "this VAE") is image
    with pytest.raises(InputError, match="there are several at once"):
        image_latent(NestedTensor([image]), 4, 2, "this VAE")
    with pytest.raises(InputError, match="there are none"):
        image_latent(None, 4, 2, "this VAE")
