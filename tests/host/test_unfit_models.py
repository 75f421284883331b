"""Models that the trainer does not know, or that do not belong together, are refused by name before anything runs."""

import logging
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from comfy_extras.nodes_model_advanced import ModelSamplingDiscrete
from small_runs import striped_dataset
from tilewright.common.errors import InputError
from tilewright.host import training as host_training
from tilewright.host.in_graph import checks, latents
from tilewright.host.in_graph import run as in_graph_run
from tilewright.host.in_graph.text_conditioning import SHUFFLED, Texts
from tilewright.training.config import ObjectiveConfig, OptimizerConfig, SavingConfig

pytestmark = pytest.mark.slow

pytest_plugins = ["small_runs"]


@pytest.mark.parametrize(
    ("sampling", "named"),
    [("lcm", "LCM"), ("x0", "X0"), ("img_to_img", "IMG_TO_IMG"), ("img_to_img_flow", "IMG_TO_IMG_FLOW")],
)
def test_a_sampling_patch_that_is_not_trained_with_is_refused_by_name(runs, sampling, named):
    (model,) = ModelSamplingDiscrete().patch(runs.model, sampling, False)
    with pytest.raises(InputError, match=rf"sampled as .*{named}.*patches the sampling out of the way"):
        checks.base_model(model)


@pytest.mark.parametrize(("sampling", "prediction"), [("eps", "eps"), ("v_prediction", "v")])
@pytest.mark.parametrize("zsnr", [False, True])
def test_a_sampling_patch_that_is_trained_with_is_honoured(runs, sampling, prediction, zsnr):
    (model,) = ModelSamplingDiscrete().patch(runs.model, sampling, zsnr)
    facts = host_training.unet_facts(model)
    assert checks.base_model(model).prediction == facts.prediction == prediction
    assert torch.equal(facts.sigmas, model.get_model_object("model_sampling").sigmas)
    assert bool(facts.sigmas[-1] > 1000) == zsnr


def test_an_inpainting_checkpoint_is_told_by_its_nine_channels(runs, monkeypatch):
    config = runs.model.model.model_config
    monkeypatch.setattr(config, "unet_config", {**config.unet_config, "in_channels": 9})
    with pytest.raises(InputError, match="inpainting checkpoint: its UNet has 9 input channels.*has 4"):
        checks.base_model(runs.model)


def test_a_clip_of_another_family_is_told_by_its_width(runs, monkeypatch):
    checks.check_clip(runs.model, runs.clip)
    config = runs.model.model.model_config
    monkeypatch.setattr(config, "unet_config", {**config.unet_config, "context_dim": 2048})
    with pytest.raises(InputError, match="embeddings of width 128.*family SD1.*takes 2048.*model's own checkpoint"):
        checks.check_clip(runs.model, runs.clip)


@pytest.mark.parametrize("missing", ["model", "vae", "clip"])
def test_a_loader_that_found_nothing_is_named(runs, missing):
    with pytest.raises(InputError, match=f"connected to {missing} holds nothing.*Connect Load"):
        runs.train(**{missing: None})


def test_a_vae_that_makes_no_numbers_is_told_with_the_image(runs, monkeypatch):
    monkeypatch.setattr(latents, "encode_image", lambda vae, image: torch.full((4, 8, 8), torch.nan))
    with pytest.raises(InputError, match="VAE makes NaN or infinite latents of stripes_4.png.*--fp32-vae"):
        runs.train()


def test_a_bad_optimizer_is_refused_before_an_image_is_encoded(runs, monkeypatch):
    monkeypatch.setattr(latents, "encode_image", lambda *_: pytest.fail("encoded"))
    with pytest.raises(InputError, match="AdamW does not take these arguments 'eps=-1'"):
        runs.train(optimizer=OptimizerConfig(arguments="eps=-1"))


def test_a_name_too_long_for_its_files_is_refused(runs):
    with pytest.raises(InputError, match="at most 120 of them and 200 bytes"):
        runs.train(name="砖" * 67)
    saving = SavingConfig(every_steps=1)
    assert runs.train(name="砖" * 66, steps=2, saving=saving).checkpoints.endswith("-step00000001.safetensors")


def test_encoded_captions_lie_in_the_cpus_memory_and_only_shuffled_ones_are_forgotten(runs):
    made = []

    def encode(tokens):
        made.append(tokens)
        return torch.zeros(1, 77, 128), None

    texts = Texts(runs.model, runs.clip, encode, ObjectiveConfig(), torch.device("cpu"))
    own = {(f"number {index}", (64, 64)) for index in range(SHUFFLED + 2)}
    texts.encode_all(own)
    before = len(made)
    texts(["number 0", "number 1"], [(64, 64)] * 2)
    assert len(made) == before == SHUFFLED + 2
    texts(["b, a"], [(64, 64)]), texts(["b, a"], [(64, 64)])
    assert len(made) == before + 1


def test_the_first_words_of_a_run_count_images_captions_and_what_is_new(runs, caplog, monkeypatch):
    told = []
    monkeypatch.setattr(in_graph_run, "tell_node", lambda node, text: told.append(text))
    first, second, third = runs.dataset.samples
    samples = (first, replace(second, caption=""), replace(third, caption="word " * 100))
    with caplog.at_level(logging.INFO):
        runs.train(dataset=replace(runs.dataset, samples=samples), steps=1)
    *lines, memory, begin = told[0].splitlines()
    assert lines == ["3 images.", "1 image without caption.", "1 caption cut: max_tokens of LoRA Objective is 75."]
    assert memory.startswith("Memory: ") and begin == "A new run." and len(told) == 1
    assert "1 image without caption." in caplog.text


def test_a_validation_dataset_is_measured_and_not_trained_on(runs, tmp_path):
    held = striped_dataset(tmp_path / "held")
    saving = SavingConfig(validation_every=1)
    trained = runs.train_with({"saving": saving}, validation=held, steps=2)
    assert [step for step, _ in trained.validation] == [0, 1, 2]
    with pytest.raises(InputError, match="validation_share.*and a validation dataset"):
        runs.train_with({"saving": SavingConfig(validation_share=0.2)}, validation=held)


def test_patches_that_only_sampling_uses_are_named(runs):
    model = runs.model.clone()
    assert host_training.unused_patches(model) == []
    model.set_model_sampler_cfg_function(lambda args: args["cond"])
    model.add_object_patch("diffusion_model.out.2", SimpleNamespace())
    assert host_training.unused_patches(model) == [
        "1 parts of the UNet put in place of others",
        "sampler_cfg_function",
    ]
