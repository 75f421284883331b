"""Seamless Model and Tiled Diffusion on every family of transformers, by the host's own pass through the model."""

import comfy.model_management
import pytest
import torch
from small_flows import NAMES, ROTARY, relative, small_flow, told
from tilewright.common.axes import Axes
from tilewright.common.errors import InputError
from tilewright.host.flow.positions import patch_of, rotary_embedding
from tilewright.host.networks import is_transformer, pixels_per_cell
from tilewright.host.wrapped_axes import axes_of_model
from tilewright.host.wrapped_transformer import moved_image
from tilewright.nodes.seamless import SeamlessModel
from tilewright.nodes.upscale import TiledDiffusion
from tilewright.seamless.latent_rolls import step_offset

SIGMAS = torch.tensor([1.0, 0.7, 0.4, 0.0])


@pytest.fixture(scope="module")
def models():
    return {name: small_flow(name) for name in NAMES}


@pytest.fixture(autouse=True)
def inference():
    with torch.inference_mode():
        yield


def noise(model, height=16, width=24):
    latents = model.model.latent_format
    shape = (1, latents.latent_channels, *([1] if latents.latent_dimensions == 3 else []), height, width)
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def denoise(model, name, latent, step=1, sigmas=SIGMAS, **others):
    """One step of the host with five words."""
    comfy.model_management.load_models_gpu([model])
    sigma = sigmas[step : step + 1]
    row = told(name, rows=1).rows[0]
    others |= {key: value for key, value in row.items() if key != "context"}
    if name == "Chroma":
        others["guidance"] = torch.tensor([0.0])
    if name in ("Lumina2", "ZImage"):
        others["num_tokens"] = row["context"].shape[1]
    options = {"sample_sigmas": sigmas, "sigmas": sigma, "wrappers": model.wrappers}
    return model.model.apply_model(latent, sigma, c_crossattn=row["context"], transformer_options=options, **others)


def seamless(model, axes="both", **options):
    return SeamlessModel.execute(model, axes, **options).args[0]


def windows(model, tile_size=128, overlap=64, axes="both", batch=2):
    return TiledDiffusion.execute(model, tile_size, overlap, "Mixture of Diffusers", axes, batch).args[0]


@pytest.mark.parametrize("name", ROTARY)
def test_a_step_sees_the_torus_from_another_place_exactly(models, name):
    """The second step moves the text; that is the first step on latents that are rolled, at the same noise."""
    clone, latent = seamless(models[name]), noise(models[name])
    patch = patch_of(models[name].model.diffusion_model)
    offset = step_offset(1, *latent.shape[-2:], Axes(True, True), patch)
    first, second = SIGMAS[1:], SIGMAS
    moved = denoise(clone, name, latent, sigmas=second)
    rolled = denoise(clone, name, latent.roll(offset, (-2, -1)), step=0, sigmas=first).roll(
        (-offset[0], -offset[1]), (-2, -1)
    )
    still = denoise(clone, name, latent, step=0, sigmas=first)
    assert relative(moved, rolled) < 1e-5
    assert (relative(still, rolled) < 1e-5) == (name == "Anima")  # whose text is looked at from each place alike
    assert relative(denoise(models[name], name, latent), still) > 1e-2


@pytest.mark.parametrize("name", NAMES)
def test_the_given_model_stays_bit_identical(models, name):
    latent = noise(models[name])
    before = denoise(models[name], name, latent)
    assert not torch.equal(denoise(seamless(models[name]), name, latent), before)
    denoise(windows(models[name]), name, latent)
    assert torch.equal(denoise(models[name], name, latent), before)


@pytest.mark.parametrize("name", ROTARY)
def test_steps_outside_the_share_are_the_plain_model(models, name):
    latent = noise(models[name])
    outside = denoise(seamless(models[name], end=0.3), name, latent, step=2)
    assert relative(outside, denoise(models[name], name, latent, step=2)) < 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_one_window_over_all_is_the_seamless_model(models, name):
    """At step 0, where nothing is moved yet: Tiled Diffusion wraps as Seamless Model does."""
    latent = noise(models[name], 16, 16)
    whole = denoise(windows(models[name], tile_size=512, overlap=0), name, latent, step=0)
    expected = seamless(models[name]) if name in ROTARY else models[name]
    assert relative(whole, denoise(expected, name, latent, step=0)) < 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_windows_move_with_a_torus(models, name):
    """A grid of windows that is as far from itself as the latent is rolled sees the same windows in another order."""
    side = pixels_per_cell(models[name]) * 8
    clone = windows(models[name], tile_size=max(side, 128), overlap=0)
    cells = max(side, 128) // pixels_per_cell(models[name])
    latent = noise(models[name], 2 * cells, 2 * cells)
    there = denoise(clone, name, latent, step=0)
    around = denoise(clone, name, latent.roll((cells, cells), (-2, -1)), step=0).roll((-cells, -cells), (-2, -1))
    assert relative(around, there) < 1e-5


@pytest.mark.parametrize("name", ["Flux", "ZImage", "Anima"])
@pytest.mark.parametrize("order", ["seamless first", "windows first"])
def test_windows_of_a_seamless_model_do_not_wrap_on_themselves(models, name, order):
    latent = noise(models[name], 32, 32)
    alone = denoise(windows(models[name]), name, latent, step=0)
    both = windows(seamless(models[name])) if order == "seamless first" else seamless(windows(models[name]))
    assert relative(denoise(both, name, latent, step=0), alone) < 1e-5


def test_windows_without_axes_leave_one_window_to_the_seamless_model(models):
    latent = noise(models["Flux"])
    both = windows(seamless(models["Flux"]), tile_size=512, overlap=0, axes="none")
    assert torch.equal(denoise(both, "Flux", latent), denoise(seamless(models["Flux"]), "Flux", latent))


def test_a_control_of_single_patches_is_refused_in_windows(models):
    with pytest.raises(InputError, match="ControlNet for transformers"):
        denoise(windows(models["Flux"]), "Flux", noise(models["Flux"], 32, 32), control={"input": []})


def test_an_image_moves_on_from_where_another_node_has_it():
    moved = moved_image({"rope_options": {"shift_y": 2.0, "scale_x": 3.0}}, (4, 5))
    assert moved["rope_options"] == {"shift_y": 6.0, "scale_x": 3.0, "shift_x": 5}


def test_the_axes_of_a_seamless_transformer_are_followed(models):
    for make in (seamless, lambda model, axes: seamless(windows(model), axes)):
        assert axes_of_model("auto", make(models["Krea2"], "x")) == Axes(x=True, y=False)
    assert axes_of_model("auto", windows(seamless(models["Krea2"], "y"))) == Axes(x=False, y=True)
    assert axes_of_model("auto", models["Krea2"]) == Axes(False, False)


def test_which_networks_are_known(models):
    assert all(is_transformer(model) for model in models.values())
    assert {name for name, model in models.items() if rotary_embedding(model.model.diffusion_model)} == set(ROTARY)
    assert {name: pixels_per_cell(models[name]) for name in ("Flux", "Flux2")} == {"Flux": 8, "Flux2": 16}
