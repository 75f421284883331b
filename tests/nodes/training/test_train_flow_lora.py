"""Train LoRA on flow transformers, from the node's inputs to its files.

The text encoder is the demo model's, which stands in for those of billions of weights: the transformers are built for
its width. The VAEs have the channels and axes of each family's and random weights.
"""

from dataclasses import replace
from functools import partial

import comfy.model_management
import comfy.sd
import pytest
import torch
from safetensors.torch import load_file, save_file
from small_flow_configs import LOADABLE
from small_flows import small_adapters, small_flow
from small_runs import SETTINGS, metadata
from tilewright.common.errors import InputError
from tilewright.host.flow import families
from tilewright.host.in_graph.order import Order
from tilewright.host.run_outside.export import export_run
from tilewright.host.run_outside.outside_run import OutsideRun
from tilewright.nodes.training.run_inputs import run_config
from tilewright.training.config import NetworkConfig, ObjectiveConfig, SavingConfig
from tilewright.training.exported_run import read_run
from tilewright.training.parallel import ALONE

pytest_plugins = ["small_runs"]
pytestmark = pytest.mark.slow

WIDTHS = {  # which entries of a configuration take the width of the text, and what they become
    "Flux": lambda width: {"context_in_dim": width, "vec_in_dim": width},
    "FluxSchnell": lambda width: {"context_in_dim": width, "vec_in_dim": width},
    "Flux2": lambda width: {"context_in_dim": width},
    "Chroma": lambda width: {"context_in_dim": width},
    "Lumina2": lambda width: {"cap_feat_dim": width},
    "ZImage": lambda width: {"cap_feat_dim": width},
    "QwenImage": lambda width: {"joint_attention_dim": width},
    "Krea2": lambda width: {"txtdim": width // 2},
    "Anima": lambda width: {},
    "SD3": lambda width: {
        "adm_in_channels": width,
        "context_embedder_config": {
            "target": "torch.nn.Linear",
            "params": {"in_features": width, "out_features": 128},
        },
    },
}


class WithT5:
    """A CLIP that tells the numbers of T5's tokens as well, as Anima's does."""

    def __init__(self, clip):
        self.clip = clip

    def __getattr__(self, name):
        return getattr(self.clip, name)

    def encode_from_tokens(self, tokens, return_pooled=False, return_dict=False):
        encoded = self.clip.encode_from_tokens(tokens, return_pooled=return_pooled, return_dict=return_dict)
        ids = {"t5xxl_ids": torch.arange(6, dtype=torch.int), "t5xxl_weights": torch.ones(6)}
        return {**encoded, **ids} if return_dict else encoded


class RandomVAE:
    """A VAE's face with a projection of pixels to latents in place of a network: any channels, unit and axes."""

    def __init__(self, model, network):
        latents = model.model.latent_format
        self.latent_channels, self.latent_dim = latents.latent_channels, latents.latent_dimensions
        self.unit = 16 if self.latent_channels == 128 else 8
        self.first_stage_model = network
        self.mix = torch.randn(self.latent_channels, 3, generator=torch.Generator().manual_seed(0))

    def spacial_compression_encode(self):
        return self.unit

    def encode(self, image):
        cells = torch.nn.functional.avg_pool2d(image.movedim(-1, 1) * 2 - 1, self.unit)
        latent = torch.einsum("bchw,kc->bkhw", cells, self.mix)
        return latent.unsqueeze(2) if self.latent_dim == 3 else latent

    def decode(self, latents):
        pixels = torch.einsum("bkhw,kc->bchw", latents.squeeze(2) if self.latent_dim == 3 else latents, self.mix)
        picture = torch.nn.functional.interpolate(pixels, scale_factor=self.unit).movedim(1, -1)
        return picture.unsqueeze(1) if self.latent_dim == 3 else picture


@pytest.fixture
def flow_runs(runs, monkeypatch):
    """`runs` on a small flow of a name; the VAE is not wrapped, which has a test of its own."""
    monkeypatch.setattr("tilewright.host.in_graph.latents.wrapped_vae", lambda vae: vae)
    monkeypatch.setattr("tilewright.host.in_graph.run.wrapped_vae", lambda vae: vae)
    width = runs.clip.encode_from_tokens(runs.clip.tokenize("")).shape[-1]

    def on(name, **changes):
        clip = runs.clip
        if name == "Anima":
            clip = WithT5(clip)
            monkeypatch.setattr("small_flows.small_adapters", partial(small_adapters, width))
            monkeypatch.setattr("comfy.ldm.anima.model.LLMAdapter", small_adapters(width).new)
        model = small_flow(name, **WIDTHS[name](width), **changes)
        return replace(runs, model=model, clip=clip, vae=RandomVAE(model, runs.vae.first_stage_model))

    return on


@pytest.mark.parametrize("name", WIDTHS)
def test_a_run_trains_saves_and_resumes(flow_runs, name):
    """Tileable images, two captions a batch, checkpointing: a whole run, then its second half again."""
    runs = flow_runs(name)
    options = {"saving": SavingConfig(every_steps=2, state_every=2)}
    whole = runs.train_with(options, name="whole", steps=4, gradient_checkpointing=True)
    assert len(whole.losses) == 4
    assert all(torch.isfinite(torch.tensor(whole.losses)))
    assert any(value.abs().max() > 0 for key, value in whole.state.items() if "lora_up" in key)
    cut = runs.train_with(options, name="cut", steps=2, gradient_checkpointing=True)
    resumed = runs.train_with(options, name="cut", steps=4, gradient_checkpointing=True)
    assert cut.losses + resumed.losses[2:] == whole.losses
    assert all(torch.equal(whole.state[key], resumed.state[key]) for key in whole.state)
    told = metadata(whole.files.lora)
    family = families.flow_family(runs.model)
    assert told["ss_base_model_version"] == family.version
    assert told["modelspec.architecture"] == f"{family.architecture}/lora"
    assert told["ss_timestep_sampling"] == family.times.sampling
    assert "modelspec.prediction_type" not in told
    assert not comfy.model_management.in_training


def test_a_model_from_a_file_is_trained_outside_the_graph_as_in_it(flow_runs, monkeypatch):
    """The file is found, checked and loaded again, in the precision that it was loaded in."""
    width = flow_runs("Flux").model.model.model_config.unet_config["context_in_dim"]
    sizes = {**LOADABLE, "depth": 1, "depth_single_blocks": 1, **WIDTHS["Flux"](width)}
    whole = small_flow("Flux", **sizes)
    runs = flow_runs("Flux")
    file = runs.folder / "small_flux.safetensors"
    save_file(whole.model.diffusion_model.state_dict(), file)
    with torch.inference_mode():
        model = comfy.sd.load_diffusion_model(str(file), {"dtype": torch.float8_e4m3fn})
    runs = replace(runs, model=model)
    in_graph = runs.train_with({})
    config = run_config({**SETTINGS, "name": "stripes"})
    with torch.inference_mode():
        folder = export_run(Order(model, runs.vae, runs.clip, runs.dataset, "stripes", config))
    assert read_run(folder).model.dtype == "float8_e4m3fn"
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert OutsideRun(folder, "", ALONE, torch.device("cpu")).train() == 0
    found = load_file(folder / "stripes.safetensors")
    assert set(found) == set(in_graph.state)
    for name, value in in_graph.state.items():
        torch.testing.assert_close(found[name], value, atol=1e-5, rtol=1e-5)


def test_samples_on_the_way_leave_the_run_as_it_is(flow_runs):
    runs = flow_runs("Flux")
    plain = runs.train_with({}, name="plain")
    shown = runs.train_with({"saving": SavingConfig(sample_every=2, prompts="stripes")}, name="shown")
    assert plain.losses == shown.losses
    assert [file.name for file in (shown.files.folder / "samples").iterdir()] == ["step00000002_0.png"]


def test_the_training_adapter_is_in_the_model_only_while_it_trains(flow_runs, monkeypatch):
    runs = flow_runs("FluxSchnell")
    adapter = runs.train_with({}, name="adapter", learning_rate=0.05)
    monkeypatch.setattr("folder_paths.get_full_path", lambda kind, name: str(runs.loras / name))
    network = NetworkConfig(training_adapter=adapter.files.lora.name)
    with_it = runs.train_with({"network": network}, name="with_it")
    without = runs.train_with({}, name="without")
    assert with_it.losses != without.losses
    assert set(with_it.state) == set(without.state)
    assert metadata(with_it.files.lora)["ss_training_adapter"] == adapter.files.lora.name


def test_distilled_checkpoints_are_warned_about(flow_runs):
    runs = flow_runs("ZImage")
    family = families.flow_family(runs.model)
    assert families.distillation_note(runs.model, family, "") == ""
    runs.model.cached_patcher_init = (None, ("/models/z_image_turbo_bf16.safetensors", {}))
    assert families.loaded_file_name(runs.model) == "z_image_turbo_bf16.safetensors"
    assert "Train on Z-Image base" in families.distillation_note(runs.model, family, "")
    assert families.distillation_note(runs.model, family, "adapter.safetensors") == ""
    klein = flow_runs("Flux2").model
    for file, told in {"flux-2-klein-4b.safetensors": True, "flux-2-klein-base-4b.safetensors": False}.items():
        klein.cached_patcher_init = (None, (file, {}))
        assert bool(families.distillation_note(klein, families.FLUX2, "")) == told
    assert families.distillation_note(flow_runs("FluxSchnell").model, families.SCHNELL, "")


REFUSED = {
    "text_encoder": ({"network": NetworkConfig(text_encoder=True)}, "large language model"),
    "blocks": ({"network": NetworkConfig(blocks="up")}, "which only UNets have"),
    "conv_rank": ({"network": NetworkConfig(conv_rank=4)}, "has no convolutions"),
    "clip_skip": ({"objective": ObjectiveConfig(clip_skip=2)}, "does not have"),
    "min_snr": ({"objective": ObjectiveConfig(min_snr_gamma=5.0)}, "flow model, which has none"),
    "guidance": ({"objective": ObjectiveConfig(guidance=2.0)}, "takes none"),
}


@pytest.mark.parametrize("setting", REFUSED)
def test_what_the_family_does_not_have_is_refused_in_words(flow_runs, setting):
    options, words = REFUSED[setting]
    with pytest.raises(InputError, match=words):
        flow_runs("ZImage").train_with(options)


def test_other_transformers_are_refused_by_name_with_what_would_fit(runs, flow_runs):
    ovis = flow_runs("FluxSchnell")
    ovis.model.model.model_config.unet_config["yak_mlp"] = True
    with pytest.raises(InputError, match="Z-Image, Flux.1, Flux.2, Chroma"):
        ovis.train_with({})


def test_a_clip_of_another_width_is_refused(runs, flow_runs):
    model = small_flow("ZImage")
    with pytest.raises(InputError, match="takes 24"):
        replace(runs, model=model, vae=flow_runs("ZImage").vae).train_with({})


def test_a_unet_is_told_what_only_flows_have(runs):
    with pytest.raises(InputError, match="only flow models have"):
        runs.train_with({"objective": ObjectiveConfig(shift=2.0)})
