"""Training in the graph on small models of each family, built from the host's own classes in memory."""

import errno
import logging
import sys
from types import SimpleNamespace

import comfy.ldm.modules.diffusionmodules.openaimodel
import comfy.model_base
import comfy.model_management
import comfy.model_patcher
import comfy.sample
import comfy.sd
import comfy.supported_models
import comfy.utils
import folder_paths
import pytest
import torch
from safetensors import safe_open
from tilewright.nodes.common import files as checkpoint_module
from tilewright.nodes.common.errors import InputError
from tilewright.nodes.common.images import write_png
from tilewright.nodes.common.texture_dataset import Sample, TextureDataset
from tilewright.nodes.host import training as host_training
from tilewright.nodes.training import run_files
from tilewright.nodes.training.adapter import encoding, train_lora, training_config
from tilewright.nodes.training.adapter.model import unet_denoiser
from tilewright.nodes.training.nodes import DemoModel, LoraNetwork, LoraObjective, LoraOptimizer, LoraSaving, TrainLora
from tilewright.training.config import NetworkConfig, ObjectiveConfig, OptimizerConfig, SavingConfig
from tilewright.training.data import Conditioning

SETTINGS = {
    "name": "stripes",
    "steps": 3,
    "batch_size": 2,
    "resolution": 64,
    "rank": 4,
    "alpha": 4.0,
    "learning_rate": 1e-3,
    "seed": 0,
}


@pytest.fixture(scope="module")
def checkpoint():
    with torch.inference_mode():  # as the host runs its nodes: the weights become inference tensors
        return DemoModel.execute().result


@pytest.fixture
def dataset(tmp_path):
    samples = []
    for i, period in enumerate((4, 8, 16)):
        stripes = (torch.arange(64) % period < period / 2).float().expand(3, 64, 64)
        file = tmp_path / "stripes" / f"stripes_{i}.png"
        write_png(file, stripes)
        samples.append(Sample(file, "basecolor", (64, 64), caption=f"stripes, period {period}", tileable=True))
    return TextureDataset(tuple(samples))


@pytest.fixture(autouse=True)
def output(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_paths, "get_output_directory", lambda: str(tmp_path / "output"))
    return tmp_path / "output"


def train(checkpoint, dataset, **changes):
    model, clip, vae = checkpoint
    with torch.inference_mode():
        return TrainLora.execute(model, vae, clip, dataset, **{**SETTINGS, **changes}).result


def weights(model):
    return {name: value.clone() for name, value in model.model.state_dict().items()}


def same(one, other):
    bits = [{name: value.numpy().tobytes() for name, value in state.items()} for state in (one, other)]
    return bits[0] == bits[1]  # as bytes: weights that a checkpoint lacks may be no numbers


def test_the_file_is_written_in_kohya_names_with_its_metadata(checkpoint, dataset, output):
    _, _, lora, path, loss = train(checkpoint, dataset)
    assert path == str(output / "loras" / "stripes.safetensors")
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
        assert set(file.keys()) == set(lora)
    assert "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight" in lora
    assert metadata["ss_network_dim"] == "4" and metadata["ss_network_alpha"] == "4.0"
    assert metadata["ss_base_model_version"] == "sd_v1" and metadata["ss_v2"] == "false"
    assert metadata["modelspec.architecture"] == "stable-diffusion-v1/lora"
    assert metadata["ss_steps"] == "3"
    assert loss.shape == (1, 540, 960, 3)


def test_the_given_model_is_bit_identical_afterwards(checkpoint, dataset):
    before = weights(checkpoint[0])
    trained = train(checkpoint, dataset)[0]
    assert trained is not checkpoint[0]
    assert same(weights(checkpoint[0]), before)
    assert not checkpoint[0].patches


def test_the_same_seed_writes_the_same_file(checkpoint, dataset, tmp_path, monkeypatch):
    files = []
    for folder in ("one", "two"):
        monkeypatch.setattr(folder_paths, "get_output_directory", lambda folder=folder: str(tmp_path / folder))
        files.append(train(checkpoint, dataset)[3])
    assert open(files[0], "rb").read() == open(files[1], "rb").read()


def test_a_run_with_other_settings_leaves_the_earlier_file_alone(checkpoint, dataset, output):
    first = train(checkpoint, dataset, steps=1)[3]
    before = open(first, "rb").read()
    assert train(checkpoint, dataset, steps=1, seed=1)[3] == str(output / "loras" / "stripes_00002.safetensors")
    assert open(first, "rb").read() == before


def test_a_finished_run_is_found_again_and_can_be_made_longer(checkpoint, dataset, output):
    whole = train(checkpoint, dataset, steps=4, name="whole")[2]
    _, _, half, path, _ = train(checkpoint, dataset, steps=2)
    _, _, lora, longer, _ = train(checkpoint, dataset, steps=4)
    assert longer == path
    assert same(lora, whole) and not same(lora, half)
    _, _, shorter, other, _ = train(checkpoint, dataset, steps=2)
    assert other != path and same(shorter, half)


def test_the_host_loads_every_key(checkpoint, dataset, caplog):
    lora = train(checkpoint, dataset)[2]
    with caplog.at_level(logging.WARNING):
        patched, _ = comfy.sd.load_lora_for_models(*checkpoint[:2], lora, 1.0, 1.0)
    assert not [record for record in caplog.records if "not loaded" in record.message.lower()]
    assert len(patched.patches) == len(lora) // 3


def test_strength_zero_is_no_lora_bit_for_bit(checkpoint, dataset):
    lora = train(checkpoint, dataset)[2]
    patched, _ = comfy.sd.load_lora_for_models(*checkpoint[:2], lora, 0.0, 0.0)
    assert torch.equal(sampled(patched), sampled(checkpoint[0]))


def sampled(model):
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    context = [[torch.ones(1, 77, 128), {}]]
    return comfy.sample.sample(model, noise, 2, 1.0, "euler", "normal", context, context, noise * 0, seed=0)


def test_the_denoiser_is_the_hosts_own(checkpoint):
    model = checkpoint[0]
    cpu = torch.device("cpu")
    noisy, context, timestep = torch.randn(1, 4, 8, 8), torch.randn(1, 77, 128), torch.tensor([300])
    unet = host_training.unet_for_training(model, cpu, torch.float32)
    with torch.inference_mode():
        ours = unet_denoiser(unet)(noisy, timestep, Conditioning(context))
        expected = model.model.diffusion_model(noisy, timestep.float(), context)
    torch.testing.assert_close(ours, expected)


def test_the_loss_falls_on_an_image_that_was_not_trained_on(checkpoint, tmp_path):
    model, clip, vae = checkpoint
    stripes = torch.tensor([1.0, 0.0, 1.0])[:, None, None] * (torch.arange(64) % 16 < 8).float().expand(3, 64, 64)
    files = [tmp_path / "magenta" / f"stripes_{shift}.png" for shift in range(4)]
    for shift, file in enumerate(files):
        write_png(file, stripes.roll(4 * shift, -1))
    samples = [Sample(file, "basecolor", (64, 64), caption="magenta stripes", tileable=True) for file in files]
    saving = SavingConfig(validation_share=0.3, validation_every=40)
    config = training_config({"saving": saving}, 8, 8.0, 1e-3, steps=40, batch_size=2, resolution=64, seed=0)
    (_, before), (_, after) = train_lora(model, vae, clip, TextureDataset(tuple(samples)), "long", config).validation
    assert after < 0.9 * before


def test_latents_are_scaled_once(checkpoint):
    model, _, vae = checkpoint
    image = torch.rand(3, 64, 64)
    latent = encoding.encode_image(model, vae, image)
    with torch.inference_mode():
        raw = vae.encode(image.movedim(0, -1).unsqueeze(0))[0]
    torch.testing.assert_close(latent, raw * 0.18215)


def test_a_tileable_image_is_encoded_as_a_torus(checkpoint):
    model, _, vae = checkpoint
    image = torch.rand(3, 128, 128)
    torus = encoding.wrapped_vae(vae)
    latent = encoding.encode_image(model, torus, image)
    rolled = encoding.encode_image(model, torus, image.roll((24, 40), (-2, -1)))
    assert (rolled - latent.roll((3, 5), (-2, -1))).norm() / latent.norm() < 1e-5


def cancel_after(steps, monkeypatch):
    def update(self, value, total=None, preview=None):
        if value == steps:
            comfy.model_management.interrupt_current_processing()

    monkeypatch.setattr(comfy.utils.ProgressBar, "update_absolute", update)


def test_a_cancelled_run_leaves_a_lora_and_goes_on_when_queued_again(checkpoint, dataset, output, monkeypatch):
    whole = train(checkpoint, dataset, steps=4, name="whole")[2]
    with monkeypatch.context() as patches, pytest.raises(comfy.model_management.InterruptProcessingException):
        cancel_after(2, patches)
        train(checkpoint, dataset, steps=4)
    with safe_open(output / "loras" / "stripes.safetensors", "pt") as file:
        assert file.metadata()["ss_steps"] == "2"
    assert same(train(checkpoint, dataset, steps=4)[2], whole)


def test_a_model_of_another_family_is_named(checkpoint, dataset):
    model = checkpoint[0].clone()
    sampling = comfy.model_base.model_sampling(model.model.model_config, comfy.model_base.ModelType.FLOW)
    model.add_object_patch("model_sampling", sampling)
    with pytest.raises(InputError, match="kind SD15.*Stable Diffusion 1"):
        train((model, *checkpoint[1:]), dataset)


def test_an_empty_dataset_is_refused(checkpoint):
    with pytest.raises(InputError, match="no images"):
        train(checkpoint, TextureDataset(()))


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
def test_bad_widgets_are_refused_before_anything_runs(widget, value):
    complaint = TrainLora.validate_inputs(**{**SETTINGS, widget: value})
    assert isinstance(complaint, str) and widget in complaint


def test_linked_widgets_are_judged_when_their_values_are_known():
    assert TrainLora.validate_inputs(**dict.fromkeys(SETTINGS)) is True


def test_the_text_encoder_trains_and_the_host_loads_it(checkpoint, dataset, caplog):
    model, clip, vae = checkpoint
    before = {name: value.clone() for name, value in clip.cond_stage_model.state_dict().items()}
    options = {"network": NetworkConfig(text_encoder=True), "objective": ObjectiveConfig(clip_skip=2, max_tokens=150)}
    config = training_config(options, 4, 4.0, 1e-2, steps=3, batch_size=2, resolution=64, seed=0)
    with torch.inference_mode():
        lora = train_lora(model, vae, clip, dataset, "words", config).state
    assert same(clip.cond_stage_model.state_dict(), before)
    first = "lora_te_text_model_encoder_layers_0_self_attn_q_proj.lora_up.weight"
    assert lora[first].abs().max() > 0

    with caplog.at_level(logging.WARNING):
        _, patched = comfy.sd.load_lora_for_models(model, clip, lora, 1.0, 1.0)
    assert not [record for record in caplog.records if "not loaded" in record.message.lower()]
    with torch.inference_mode():
        texts = [one.encode_from_tokens(one.tokenize("stripes")) for one in (clip, patched)]
    assert not torch.equal(*texts)


def test_the_trained_text_encoder_is_the_hosts_own(checkpoint):
    clip = checkpoint[1]
    tokens = clip.tokenize("red bricks, worn")
    cpu = torch.device("cpu")
    with torch.inference_mode():
        expected = host_training.text_encoding(clip, 2)(tokens)
    stage = host_training.text_encoders_for_training(clip, cpu)
    context, pooled = host_training.trained_text_encoding(stage, 2, cpu)(tokens)
    torch.testing.assert_close(context, expected[0])
    torch.testing.assert_close(pooled, expected[1])
    shared = dict(stage.named_parameters())
    assert all(shared[name].data_ptr() == own.data_ptr() for name, own in clip.cond_stage_model.named_parameters())


def test_checkpoints_samples_and_validation_come_on_the_way(checkpoint, dataset, output):
    model, clip, vae = checkpoint
    saving = SavingConfig(
        every_steps=1,
        keep_last=2,
        precision="float16",
        sample_every=2,
        prompts="stripes\ndots",
        validation_share=0.3,
        validation_every=2,
        trigger_words="twstripes",
    )
    config = training_config({"saving": saving}, 4, 4.0, 1e-3, steps=4, batch_size=1, resolution=64, seed=0)
    with torch.inference_mode():
        trained = train_lora(model, vae, clip, dataset, "stripes", config)
    names = {path.name for path in (output / "loras").iterdir()}
    assert names == {"stripes.safetensors", "stripes-step00000002.safetensors", "stripes-step00000003.safetensors"}
    samples = sorted(path.name for path in (output / "training" / "stripes" / "samples").iterdir())
    assert samples == [f"step0000000{step}_{prompt}.png" for step in (2, 4) for prompt in (0, 1)]
    assert [step for step, _ in trained.validation] == [0, 2, 4]
    with safe_open(trained.files.lora, "pt") as file:
        assert file.metadata()["modelspec.trigger_phrase"] == "twstripes"
        assert file.get_tensor(next(iter(file.keys()))).dtype == torch.float16


def test_images_of_several_aspects_train_in_their_own_buckets(checkpoint, tmp_path):
    samples = []
    for number, (width, height) in enumerate([(256, 256), (512, 256), (256, 512)]):
        file = tmp_path / f"{number}.png"
        write_png(file, torch.rand(3, height, width))
        samples.append(Sample(file, "basecolor", (width, height), caption="noise"))
    config = training_config({}, 4, 4.0, 1e-3, steps=1, batch_size=1, resolution=256, seed=0)
    examples = encoding.cached_examples(checkpoint[0], checkpoint[2], TextureDataset(tuple(samples)), config)
    assert [example.size for example in examples] == [(256, 256), (320, 192), (192, 320)]
    assert [tuple(example.latent.shape) for example in examples] == [(4, 32, 32), (4, 24, 40), (4, 40, 24)]


def test_a_damaged_image_is_left_out_by_name_and_alone_it_is_refused(checkpoint, dataset, tmp_path, caplog):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    bad = Sample(broken, "basecolor", (64, 64), caption="nothing")
    config = training_config({}, 4, 4.0, 1e-3, steps=1, batch_size=1, resolution=64, seed=0)
    model, _, vae = checkpoint
    with caplog.at_level(logging.WARNING):
        examples = encoding.cached_examples(model, vae, TextureDataset((*dataset.samples, bad)), config)
    assert len(examples) == 3 and "broken.png" in caplog.text
    with pytest.raises(InputError, match="broken.png"):
        encoding.cached_examples(model, vae, TextureDataset((bad,)), config)


def test_a_loss_that_is_no_number_is_told_with_its_step_and_the_file_kept(checkpoint, dataset, output):
    with pytest.raises(InputError, match="no number any more at step 2"):
        train(checkpoint, dataset, learning_rate=1e38, steps=9)
    with safe_open(output / "loras" / "stripes.safetensors", "pt") as file:
        assert file.metadata()["ss_steps"] == "1"


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_trains(checkpoint, dataset, precision):
    lora = train(checkpoint, dataset, steps=2, precision=precision, gradient_checkpointing=True)[2]
    ups = [value for name, value in lora.items() if name.endswith("lora_up.weight")]
    assert all(up.isfinite().all() and up.abs().max() > 0 for up in ups)


def test_a_missing_optimizer_library_is_told(checkpoint, dataset, monkeypatch):
    monkeypatch.setitem(sys.modules, "prodigyopt", None)
    with pytest.raises(InputError, match="Prodigy needs the Python package prodigyopt"):
        train(checkpoint, dataset, optimizer=OptimizerConfig("Prodigy"))


def test_running_out_of_memory_is_told(checkpoint, dataset, monkeypatch):
    def out_of_memory(*_):
        raise comfy.model_management.OOM_EXCEPTION("no room")

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", lambda *_, **__: out_of_memory())
    with pytest.raises(InputError, match="ran out of memory.*batch_size"):
        train(checkpoint, dataset)


def test_a_disk_that_is_too_small_is_told_before_training(checkpoint, dataset, monkeypatch):
    monkeypatch.setattr(run_files.shutil, "disk_usage", lambda folder: SimpleNamespace(free=2**20))
    with pytest.raises(InputError, match="has 1 MB left"):
        train(checkpoint, dataset)


def test_a_disk_that_fills_up_keeps_the_last_state(checkpoint, dataset, output, monkeypatch):
    train(checkpoint, dataset, steps=2)
    before = (output / "training" / "stripes" / "state.safetensors").read_bytes()

    def no_room(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint_module.os, "replace", no_room)
    with pytest.raises(InputError, match="No space left.*goes on from its last state"):
        train(checkpoint, dataset, steps=4)
    assert (output / "training" / "stripes" / "state.safetensors").read_bytes() == before


def test_a_run_starts_from_an_existing_lora(checkpoint, dataset, output, monkeypatch):
    first = train(checkpoint, dataset, steps=3, learning_rate=1e-2)
    monkeypatch.setattr(folder_paths, "get_full_path", lambda kind, name: first[3] if name == "given" else None)
    model, clip, vae = checkpoint
    config = training_config(
        {"network": NetworkConfig(start_from="given")}, 4, 2.0, 1e-9, steps=1, batch_size=1, resolution=64, seed=0
    )
    with torch.inference_mode():
        second = train_lora(model, vae, clip, dataset, "second", config).state
    up = next(name for name in first[2] if name.endswith("lora_up.weight"))
    torch.testing.assert_close(second[up] * 0.5, first[2][up], atol=1e-6, rtol=1e-4)  # alpha 2 instead of 4


@pytest.mark.parametrize("node", [LoraNetwork, LoraOptimizer, LoraObjective, LoraSaving])
def test_an_option_node_as_it_is_dropped_changes_nothing(node):
    schema = node.define_schema()
    (config,) = node.execute(**{one.id: one.default for one in schema.inputs}).result
    assert config == type(config)()
