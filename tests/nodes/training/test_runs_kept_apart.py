"""A run goes on from, or is returned as, an earlier one only where nothing that changes its result has changed."""

import logging

import folder_paths
import pytest
import torch
from small_runs import same
from tilewright.common.errors import InputError
from tilewright.host import training as host_training
from tilewright.training.config import NetworkConfig, SavingConfig

pytestmark = pytest.mark.slow

pytest_plugins = ["small_runs"]


def with_last_layer(clip, layer):
    clip = clip.clone()
    clip.clip_layer(layer)
    return clip


def test_another_last_layer_of_the_text_encoder_is_another_run(runs):
    first = runs.train(steps=1)
    second = runs.train(steps=1, clip=with_last_layer(runs.clip, -2))
    assert second.path == str(runs.loras / "stripes_00002.safetensors")
    assert not same(first.lora, second.lora)


def test_a_trained_text_encoder_uses_the_last_layer_that_was_set(runs):
    network = NetworkConfig(text_encoder=True)
    first = runs.train(steps=1, network=network)
    second = runs.train(steps=1, network=network, clip=with_last_layer(runs.clip, -2))
    assert not same(first.lora, second.lora)


def test_a_lora_on_the_text_encoder_changes_its_digest(runs):
    plain = host_training.text_encoder_digest(runs.clip, 1)
    key, weight = next(iter(runs.clip.patcher.model_state_dict().items()))
    patched = runs.clip.clone()
    patched.add_patches({key: ("diff", (weight * 0 + 1,))})
    assert host_training.text_encoder_digest(patched, 1) != plain
    assert host_training.text_encoder_digest(runs.clip, 2) != plain
    assert host_training.text_encoder_digest(runs.clip.clone(), 1) == plain


def test_the_projection_that_files_lack_is_no_part_of_the_digest(runs):
    """The host leaves it uninitialised: with it no run would be found again after a restart."""
    plain = host_training.text_encoder_digest(runs.clip, 1)
    patched = runs.clip.clone()
    key = "clip_l.transformer.text_projection.weight"
    patched.add_patches({key: ("diff", (torch.ones_like(patched.patcher.model_state_dict()[key]),))})
    assert host_training.text_encoder_digest(patched, 1) == plain


def test_a_lora_to_start_from_counts_by_its_content(runs, monkeypatch):
    first = runs.train(steps=1)
    monkeypatch.setattr(folder_paths, "get_full_path", lambda kind, name: first.path if name == "given" else None)
    network = NetworkConfig(start_from="given")
    going_on = runs.train(steps=1, network=network, name="going_on")
    other = runs.train(steps=1, seed=9, name="other")
    with open(other.path, "rb") as replaced, open(first.path, "wb") as file:
        file.write(replaced.read())
    again = runs.train(steps=1, network=network, name="going_on")
    assert again.path != going_on.path and not same(again.lora, going_on.lora)


def test_a_patched_weight_of_the_model_is_another_run(runs):
    first = runs.train(steps=1)
    model = runs.model.clone()
    key = "diffusion_model.middle_block.1.proj_in.weight"
    weight = model.model.state_dict()[key]
    change = weight * 0
    change.view(-1)[1] = 0.5  # one value
    model.add_patches({key: ("diff", (change,))})
    assert runs.train(steps=1, model=model).path != first.path


def test_a_run_whose_name_begins_another_has_its_own_file(runs):
    longer = runs.train(steps=1, name="walls_test")
    shorter = runs.train(steps=1, name="walls")
    assert shorter.path == str(runs.loras / "walls.safetensors") != longer.path


def test_a_finished_run_says_so_and_offers_training_anew(runs, caplog):
    first = runs.train(steps=1)
    with caplog.at_level(logging.INFO):
        again = runs.train(steps=1)
    assert again.path == first.path and same(again.lora, first.lora)
    assert "Finished run found, nothing trained: stripes.safetensors has all 1 steps." in caplog.text
    assert "switch resume of LoRA Saving off" in caplog.text
    anew = runs.train(steps=1, saving=SavingConfig(resume=False))
    assert anew.path != first.path


def test_checkpoints_and_samples_asked_for_afterwards_are_refused_with_the_reason(runs):
    runs.train(steps=3)
    with pytest.raises(InputError, match="without checkpoints after the steps 1, 2.*Switch resume"):
        runs.train(steps=3, saving=SavingConfig(every_steps=1))
    with pytest.raises(InputError, match="without samples"):
        runs.train(steps=3, saving=SavingConfig(sample_every=1, prompts="stripes"))


def test_checkpoints_that_are_there_are_listed_again(runs):
    saving = SavingConfig(every_steps=1, keep_last=1)
    first = runs.train(steps=3, saving=saving)
    assert runs.train(steps=3, saving=saving).checkpoints == first.checkpoints


def steps_kept(trained):
    return [line[-len("00000000.safetensors") :] for line in trained.checkpoints.splitlines()]


def test_the_node_lists_all_checkpoints_of_the_run_that_there_are(runs):
    """Whichever session made them."""
    runs.train(steps=2, saving=SavingConfig(every_steps=1))
    trained = runs.train(steps=4, saving=SavingConfig(every_steps=1, keep_last=2))
    assert steps_kept(trained) == ["00000001.safetensors", "00000003.safetensors"]


def test_checkpoints_of_a_deleted_run_of_the_name_are_left_alone(runs):
    left = [runs.loras / f"stripes-step0000000{step}.safetensors" for step in (2, 7)]
    for file in left:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"of the user")
    trained = runs.train(steps=3, saving=SavingConfig(every_steps=1, keep_last=1))
    assert trained.path == str(runs.loras / "stripes_00002.safetensors")
    assert steps_kept(trained) == ["00000002.safetensors"]
    assert [file.read_bytes() for file in left] == [b"of the user"] * 2
