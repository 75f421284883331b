"""Train Model (sd-scripts) on the stand-in: the sibling scripts, what they are told, and where their files go."""

from dataclasses import replace

import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.common.texture_dataset import TextureDataset
from tilewright.nodes.training.train_sd_scripts import TrainModelKohya
from tilewright.training.config import NetworkConfig, ObjectiveConfig

pytestmark = pytest.mark.slow

TOKEN = {"token": "twbricks", "init_word": "bricks", "vectors": 2, "template": "style"}


@pytest.fixture
def train(checkout, output, checkpoints, dataset):
    def run(task, told=None, **inputs):
        widgets = {"dataset": dataset, "checkpoint": "SD1.safetensors", "name": "ziegel", "steps": 3, "batch_size": 1}
        widgets |= {"resolution": 64, "learning_rate": 2e-6, "seed": 0}
        return TrainModelKohya.execute(training={"training": task, **(told or {})}, **widgets | inputs).result

    return run


@pytest.mark.parametrize(
    "task, checkpoint, script, folder",
    [
        ("DreamBooth", "SD1", "train_db.py", "checkpoints"),
        ("DreamBooth", "SDXL", "sdxl_train.py", "checkpoints"),
        ("fine-tune", "SD2", "fine_tune.py", "checkpoints"),
        ("fine-tune", "SDXL", "sdxl_train.py", "checkpoints"),
        ("textual inversion", "SD1", "train_textual_inversion.py", "embeddings"),
        ("textual inversion", "SDXL", "sdxl_train_textual_inversion.py", "embeddings"),
        ("ControlNet", "SD1", "train_control_net.py", "controlnet"),
        ("ControlNet", "SDXL", "sdxl_train_control_net.py", "controlnet"),
    ],
)
def test_each_task_and_family_has_its_script(train, checkout, output, dataset, task, checkpoint, script, folder):
    told = TOKEN if task == "textual inversion" else {}
    hints = dataset if task == "ControlNet" else None
    path, loss, report = train(task, told, checkpoint=f"{checkpoint}.safetensors", conditioning=hints)
    assert [call["script"] for call in checkout.trainings] == [script]
    assert path == str(output / folder / "ziegel.safetensors")
    assert checkpoint in report and loss.shape[-1] == 3


def test_dreambooth_knows_regularisation_images_and_when_the_text_encoder_rests(train, checkout, dataset):
    first, *others = dataset.samples
    mixed = TextureDataset((replace(first, regularisation=True), *others))
    learning = NetworkConfig(text_encoder=True)
    train("DreamBooth", {"no_token_padding": True}, dataset=mixed, network=learning, steps=4,
          objective=ObjectiveConfig(text_encoder_until=0.5, prior_weight=0.7))  # fmt: skip
    told = checkout.trainings[0]["settings"]
    assert told["stop_text_encoder_training"] == 2
    assert told["no_token_padding"] is True
    assert told["prior_loss_weight"] == 0.7
    assert told["learning_rate_te"] == 1e-6


def test_a_frozen_text_encoder_is_said_in_each_scripts_own_words(train, checkout):
    train("DreamBooth")
    train("fine-tune", name="tuned")
    assert checkout.trainings[0]["settings"]["stop_text_encoder_training"] == -1
    assert "train_text_encoder" not in checkout.trainings[1]["settings"]


def test_textual_inversion_is_told_its_word(train, checkout):
    train("textual inversion", TOKEN)
    told = checkout.trainings[0]["settings"]
    assert (told["token_string"], told["init_word"], told["num_vectors_per_token"]) == ("twbricks", "bricks", 2)
    assert told["use_style_template"] is True
    with pytest.raises(InputError, match="one new word without spaces"):
        train("textual inversion", TOKEN | {"token": "two words"})


BY_CAPTIONS = TOKEN | {"template": "captions"}


def test_captions_without_the_token_are_told_or_refused_where_none_has_it(train, checkout, dataset):
    *others, last = dataset.samples
    mixed = TextureDataset((*(replace(sample, caption="a wall") for sample in others), last))
    told = train("textual inversion", BY_CAPTIONS, dataset=mixed)[-1]
    assert "teach it nothing: 2 of 3 captions, of Ziegel 0.png, Ziegel 1.png" in told
    with pytest.raises(InputError, match="No caption holds the token 'nowhere'.*Caption Template"):
        train("textual inversion", BY_CAPTIONS | {"token": "nowhere"}, name="other")
    assert "without the token" not in train("textual inversion", TOKEN, name="by style")[-1]


def test_a_textual_inversion_shows_its_loss_and_stops_where_it_diverges(train, checkout):
    _, loss, _ = train("textual inversion", TOKEN)
    _, empty, _ = train("textual inversion", TOKEN)  # finished before: nothing is read
    assert not torch.equal(loss, empty)
    checkout.behave(nan=True, seconds_per_step=0.3)
    with pytest.raises(InputError, match="became NaN or infinite at step"):
        train("textual inversion", TOKEN, name="diverging", steps=500)


def test_a_controlnet_needs_a_hint_of_every_material(train, dataset):
    with pytest.raises(InputError, match="nothing is connected to conditioning"):
        train("ControlNet")
    with pytest.raises(InputError, match="no image of the material 'wall 2'"):
        train("ControlNet", conditioning=TextureDataset(dataset.samples[:2]))


def test_what_a_script_does_not_know_is_refused_by_name(train, dataset):
    with pytest.raises(InputError, match="train_control_net.py of this checkout does not know --prior_loss_weight"):
        train("ControlNet", conditioning=dataset, objective=ObjectiveConfig(prior_weight=0.5))


def test_what_a_task_would_do_in_silence_is_refused(train, dataset):
    classes = TextureDataset(tuple(replace(sample, regularisation=True) for sample in dataset.samples))
    with pytest.raises(InputError, match="would learn like the others"):
        train("fine-tune", dataset=classes)
    with pytest.raises(InputError, match="fine_tune.py has no mask"):
        train("fine-tune", objective=ObjectiveConfig(masked=True))


def test_a_run_that_was_stopped_begins_again(train, checkout):
    checkout.behave(crash="memory", at_step=2)
    with pytest.raises(InputError):
        train("DreamBooth")
    checkout.behave()
    train("DreamBooth")
    assert checkout.updates == 3
    assert "save_state" not in checkout.trainings[1]["settings"]


def test_what_cannot_go_on_is_not_written_over_by_a_longer_run(train, output):
    finished, _, _ = train("DreamBooth")
    longer, _, _ = train("DreamBooth", steps=4)
    assert finished == str(output / "checkpoints" / "ziegel.safetensors")
    assert longer == str(output / "checkpoints" / "ziegel_00002.safetensors")
