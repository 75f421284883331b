"""Checkpoint files of each family, read by the host's own loader and trained: what the trainer takes them for."""

import logging
import math

import comfy.model_management
import comfy.sd
import folder_paths
import pytest
import torch
from family_checkpoints import TEXT_OPTIONS, write_family_checkpoint
from safetensors import safe_open
from small_runs import striped_dataset
from tilewright.common.errors import InputError
from tilewright.host import training as host_training
from tilewright.host.in_graph import checks
from tilewright.host.in_graph.model import noise_schedule
from tilewright.host.in_graph.order import Order
from tilewright.host.in_graph.run import train_lora
from tilewright.nodes.training.run_inputs import run_config
from tilewright.training.config import TrainingConfig

pytestmark = pytest.mark.slow

FAMILIES = {  # what it is taken for, a layer by kohya's name, and ss_base_model_version
    "SD1": ("SD1", "eps", "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q", "sd_v1"),
    "SD2": ("SD2", "eps", "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q", "sd_v2"),
    "SD2-v": ("SD2", "v", "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q", "sd_v2_v"),
    "SDXL": ("SDXL", "eps", "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q", "sdxl_base_v1-0"),
    "SDXL-v": ("SDXL", "v", "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q", "sdxl_base_v1-0"),
}
UNFIT = {
    "SD1 inpainting": "an inpainting checkpoint: its UNet .* 9 .*, where .*text-to-image model .* 4.* Load the plain",
    "SDXL refiner": "kind SDXLRefiner. .*Stable Diffusion 1, Stable Diffusion 2 and SDXL.* Load such a checkpoint",
}


@torch.inference_mode()
def loaded(path):
    return comfy.sd.load_checkpoint_guess_config(str(path), te_model_options=dict(TEXT_OPTIONS))[:3]


@pytest.fixture(autouse=True)
def memory_given_back():
    yield
    comfy.model_management.unload_all_models()


@pytest.mark.parametrize("family", FAMILIES)
def test_it_is_trained_as_what_it_is(tmp_path, monkeypatch, caplog, family):
    file = tmp_path / "model.safetensors"
    write_family_checkpoint(file, family)
    model, clip, vae = loaded(file)
    file.unlink()
    kind, prediction, layer, version = FAMILIES[family]
    check_facts(model, kind, prediction, without_signal=family == "SDXL-v")
    if kind == "SDXL":
        check_size_vector(model)

    monkeypatch.setattr(folder_paths, "get_output_directory", lambda: str(tmp_path / "output"))
    monkeypatch.setattr(checks, "another_family", lambda *_: None)  # random weights give latents of no family
    widgets = {"steps": 2, "batch_size": 1, "resolution": 64, "rank": 2, "alpha": 2.0, "learning_rate": 1e-3}
    order = Order(model, vae, clip, striped_dataset(tmp_path), "family", run_config(widgets))
    with torch.inference_mode():
        trained = train_lora(order)
    assert len(trained.losses) == 2 and all(map(math.isfinite, trained.losses))
    assert f"{layer}.lora_down.weight" in trained.state
    with safe_open(trained.files.lora, "pt") as opened:
        assert opened.metadata()["ss_base_model_version"] == version
    with caplog.at_level(logging.WARNING):
        patched, _ = comfy.sd.load_lora_for_models(model, clip, dict(trained.state), 1.0, 1.0)
    assert "not loaded" not in caplog.text
    assert len(patched.patches) == len(trained.state) // 3


def check_facts(model, family, prediction, without_signal):
    facts = host_training.unet_facts(model)
    assert (facts.family, facts.prediction) == (family, prediction)
    schedule = noise_schedule(model, checks.base_model(model), TrainingConfig())
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    published = (1 - betas).cumprod(0)
    if without_signal:  # its schedule is stretched to end in pure noise
        assert schedule.alphas_cumprod[-1] < 1e-7
        assert schedule.alphas_cumprod[0] == pytest.approx(float(published[0]), rel=1e-4)
    else:
        torch.testing.assert_close(schedule.alphas_cumprod, published, rtol=1e-4, atol=0)
    latent, noise = torch.randn(2, 1, 4, 8, 8)
    signal, grain = schedule.alphas_cumprod[500] ** 0.5, (1 - schedule.alphas_cumprod[500]) ** 0.5
    target = schedule.target(latent, noise, torch.tensor([500]))
    expected = signal * noise - grain * latent if prediction == "v" else noise
    torch.testing.assert_close(target, expected.to(target.dtype), atol=1e-5, rtol=1e-5)


def check_size_vector(model):
    """Behind the pooled text: height, width, two zeros for the crop, height and width again, each as 256 waves."""
    pooled = torch.randn(1, 1280)
    _, vector = host_training.model_conditioning(model, torch.randn(1, 77, 2048), pooled, 640, 384)
    rates = torch.exp(-math.log(10000) * torch.arange(128) / 128)
    waves = [torch.cat([(size * rates).cos(), (size * rates).sin()]) for size in (384, 640, 0, 0, 384, 640)]
    torch.testing.assert_close(vector[0], torch.cat([pooled[0], *waves]), atol=2e-4, rtol=0)


@pytest.mark.parametrize("family", UNFIT)
def test_what_cannot_be_trained_is_refused_with_what_would_fit(tmp_path, family):
    file = tmp_path / "model.safetensors"
    write_family_checkpoint(file, family, whole=False)
    with pytest.raises(InputError, match=UNFIT[family]):
        checks.base_model(loaded(file)[0])


def test_a_text_encoder_of_another_family_is_refused_by_its_width(tmp_path):
    models = {}
    for family in ("SD1", "SD2"):
        write_family_checkpoint(tmp_path / f"{family}.safetensors", family)
        models[family] = loaded(tmp_path / f"{family}.safetensors")
    with pytest.raises(InputError, match="embeddings of .* 1024.*, but the model, of the family SD1, takes 768"):
        checks.check_clip(models["SD1"][0], models["SD2"][1])
