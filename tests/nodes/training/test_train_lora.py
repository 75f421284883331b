"""Train Texture LoRA as a node: what it writes and hands on, and what it refuses."""

import logging

import comfy.model_base
import comfy.sample
import comfy.sd
import folder_paths
import pytest
import torch
from safetensors import safe_open
from small_runs import metadata, same, weights
from tilewright.common.errors import InputError
from tilewright.common.image_writing import write_png
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.host.in_graph import model as in_graph_model
from tilewright.host.in_graph import preflight
from tilewright.host.weight_files import read_weights
from tilewright.nodes.training import LoraNetwork, LoraObjective, LoraOptimizer, LoraSaving, TrainLora
from tilewright.training.config import NetworkConfig, SavingConfig

pytestmark = pytest.mark.slow

pytest_plugins = ["small_runs"]


def test_the_file_is_written_in_kohya_names_with_its_metadata(runs):
    trained = runs.train()
    assert trained.path == str(runs.loras / "stripes.safetensors")
    with safe_open(trained.path, "pt") as file:
        assert set(file.keys()) == set(trained.lora)
    assert "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight" in trained.lora
    told = metadata(trained.path)
    assert told["ss_network_dim"] == "4" and told["ss_network_alpha"] == "4.0"
    assert told["ss_base_model_version"] == "sd_v1" and told["ss_v2"] == "false"
    assert told["modelspec.architecture"] == "stable-diffusion-v1/lora"
    assert told["ss_steps"] == "3"
    assert trained.loss.shape == (1, 540, 960, 3)
    assert trained.checkpoints == ""


def test_the_given_model_is_bit_identical_afterwards(runs):
    before = weights(runs.model.model)
    assert runs.train().model is not runs.model
    assert same(weights(runs.model.model), before)
    assert not runs.model.patches


def test_the_same_seed_writes_the_same_file(runs, monkeypatch):
    files = []
    for folder in ("one", "two"):
        monkeypatch.setattr(folder_paths, "get_output_directory", lambda folder=folder: str(runs.folder / folder))
        files.append(runs.train().path)
    assert open(files[0], "rb").read() == open(files[1], "rb").read()


def test_the_host_loads_every_key(runs, caplog):
    lora = runs.train().lora
    with caplog.at_level(logging.WARNING):
        patched, _ = comfy.sd.load_lora_for_models(runs.model, runs.clip, lora, 1.0, 1.0)
    assert not [record for record in caplog.records if "not loaded" in record.message.lower()]
    assert len(patched.patches) == len(lora) // 3


def test_strength_zero_is_no_lora_bit_for_bit(runs):
    patched, _ = comfy.sd.load_lora_for_models(runs.model, runs.clip, runs.train().lora, 0.0, 0.0)
    assert torch.equal(sampled(patched), sampled(runs.model))


def sampled(model):
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    context = [[torch.ones(1, 77, 128), {}]]
    return comfy.sample.sample(model, noise, 2, 1.0, "euler", "normal", context, context, noise * 0, seed=0)


def test_the_loss_falls_on_an_image_that_was_not_trained_on(runs):
    stripes = torch.tensor([1.0, 0.0, 1.0])[:, None, None] * (torch.arange(64) % 16 < 8).float().expand(3, 64, 64)
    files = [runs.folder / "magenta" / f"stripes_{shift}.png" for shift in range(4)]
    for shift, file in enumerate(files):
        write_png(file, stripes.roll(4 * shift, -1))
    samples = [Sample(file, "basecolor", (64, 64), caption="magenta stripes", tileable=True) for file in files]
    saving = SavingConfig(validation_share=0.3, validation_every=40)
    run = runs.train_with({"saving": saving}, TextureDataset(tuple(samples)), steps=40, rank=8, alpha=8.0)
    assert run.validation[-1][1] < 0.9 * run.validation[0][1]
    assert run.fixed[-1][1] < 0.9 * run.fixed[0][1]


def test_checkpoints_samples_and_measurements_come_on_the_way(runs):
    saving = SavingConfig(
        every_steps=1,
        keep_last=2,
        precision="float16",
        sample_every=2,
        prompts="stripes\ndots",
        validation_share=0.3,
        validation_every=2,
        trigger_words="twstripes",
        measure_every=3,
    )
    run = runs.train_with({"saving": saving}, steps=4, batch_size=1)
    kept = [runs.loras / f"stripes-step0000000{step}.safetensors" for step in (2, 3)]
    assert run.files.checkpoints == kept
    assert set(runs.loras.iterdir()) == {runs.loras / "stripes.safetensors", *kept}
    samples = sorted(path.name for path in (run.files.folder / "samples").iterdir())
    assert samples == [f"step0000000{step}_{prompt}.png" for step in (2, 4) for prompt in (0, 1)]
    assert [step for step, _ in run.validation] == [0, 2, 4]
    assert [step for step, _ in run.fixed] == [0, 3, 4]
    assert metadata(run.files.lora)["modelspec.trigger_phrase"] == "twstripes"
    with safe_open(run.files.lora, "pt") as file:
        assert file.get_tensor(next(iter(file.keys()))).dtype == torch.float16


def test_the_node_lists_the_checkpoints_it_kept(runs):
    trained = runs.train(saving=SavingConfig(every_steps=1))
    assert trained.checkpoints.splitlines() == [
        str(runs.loras / f"stripes-step0000000{step}.safetensors") for step in (1, 2)
    ]


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_trains(runs, precision):
    lora = runs.train(steps=2, precision=precision, gradient_checkpointing=True).lora
    ups = [value for name, value in lora.items() if name.endswith("lora_up.weight")]
    assert all(up.isfinite().all() and up.abs().max() > 0 for up in ups)


@pytest.mark.parametrize("by_itself", [True, False])
def test_a_precision_that_the_processor_does_not_have_is_told(runs, caplog, monkeypatch, by_itself):
    monkeypatch.setattr(preflight, "processor_multiplies", lambda dtype: by_itself)
    with caplog.at_level("INFO"):
        runs.train(steps=1, precision="bfloat16")
    assert ("no instructions for bfloat16" in caplog.text) is not by_itself


def test_a_run_starts_from_an_existing_lora(runs, monkeypatch):
    first = runs.train(steps=3, learning_rate=1e-2)
    monkeypatch.setattr(folder_paths, "get_full_path", lambda kind, name: first.path if name == "given" else None)
    network, read = NetworkConfig(start_from="given"), []
    monkeypatch.setattr(in_graph_model, "read_weights", lambda *given: read.append(given) or read_weights(*given))
    second = runs.train_with({"network": network}, name="second", alpha=2.0, learning_rate=1e-8, steps=1).state
    up = next(name for name in first.lora if name.endswith("lora_up.weight"))
    torch.testing.assert_close(second[up] * 0.5, first.lora[up], atol=1e-6, rtol=1e-4)  # alpha 2 instead of 4
    assert len(read) == 1


def test_a_model_of_another_family_is_named(runs):
    model = runs.model.clone()
    sampling = comfy.model_base.model_sampling(model.model.model_config, comfy.model_base.ModelType.FLOW)
    model.add_object_patch("model_sampling", sampling)
    with pytest.raises(InputError, match="kind SD15.*Stable Diffusion 1"):
        runs.train(model=model)


@pytest.mark.parametrize(
    ("widget", "value"),
    [
        ("steps", 0),
        ("batch_size", 0),
        ("resolution", 500),
        ("rank", 0),
        ("learning_rate", float("nan")),
        ("name", "../up"),
    ],
)
def test_bad_widgets_are_refused_before_anything_runs(widget, value, runs):
    with pytest.raises(InputError, match=widget):
        runs.train(**{widget: value})
    assert not runs.loras.exists()


def test_a_bad_name_is_refused_when_the_graph_is_queued():
    assert "name" in TrainLora.validate_inputs("../up")
    assert TrainLora.validate_inputs(None) is True  # linked, and not known yet


@pytest.mark.parametrize("node", [LoraNetwork, LoraOptimizer, LoraObjective, LoraSaving])
def test_an_option_node_as_it_is_dropped_changes_nothing(node):
    schema = node.define_schema()
    (config,) = node.execute(**{one.id: one.default for one in schema.inputs}).result
    assert config == type(config)()
