"""Training through sd-scripts on the real server, with the stand-in as the checkout beside ComfyUI's folders."""

import urllib.request

import pytest
from api_workflows import load, of_class, picture, with_widgets
from safetensors import safe_open
from sd_scripts_stand_in.checkout import Checkout, write_checkpoint, write_images
from standin_checkpoint import write_standin_checkpoint
from tilewright.launch.client import PromptError, run_prompt

STEPS = 60


@pytest.fixture(scope="module")
def checkout(server):
    return Checkout(server.base / "sd-scripts")


def graph():
    rendered = {"material": "bricks", "count": 2, "size": 64, "seed": 0, "folder": "through_scripts"}
    saving = {"every_steps": 0, "every_epochs": 0, "keep_last": 0, "precision": "float32", "sample_every": 20}
    saving |= {"prompts": "bricks", "validation_share": 0.0, "validation_every": 50, "state_every": 5, "resume": True}
    training = {"dataset": ["1", 0], "checkpoint": "only_a_name.safetensors", "name": "through scripts", "steps": STEPS}
    training |= {"batch_size": 1, "resolution": 64, "rank": 2, "alpha": 2.0, "learning_rate": 1e-4, "seed": 0}
    return {
        "1": {"class_type": "TilewrightRenderProcedural", "inputs": rendered},
        "2": {"class_type": "TilewrightLoraSaving", "inputs": saving | {"trigger_words": "", "comment": ""}},
        "3": {"class_type": "TilewrightTrainLoraKohya", "inputs": training | {"saving": ["2", 0]}},
    }


def steps_of(server):
    with safe_open(server.output / "loras" / "through scripts.safetensors", "pt") as lora:
        return int(lora.metadata()["ss_steps"])


def test_a_cancelled_run_keeps_what_was_saved_and_goes_on_when_it_is_queued_again(server, checkout):
    write_checkpoint(server.base / "models" / "checkpoints" / "only_a_name.safetensors", "SD1")
    checkout.behave(seconds_per_step=0.1)

    def cancel(kind, data):
        if kind == "progress" and data["node"] == "3" and data["value"] >= 12:
            urllib.request.urlopen(urllib.request.Request(f"{server.url}/interrupt", method="POST")).close()

    with pytest.raises(PromptError, match="cancelled"):
        run_prompt(server.url, graph(), cancel)
    kept = steps_of(server)
    assert 10 <= kept < STEPS and kept % 5 == 0

    checkout.behave(seconds_per_step=0.0)
    run_prompt(server.url, graph())
    assert steps_of(server) == STEPS
    assert checkout.trainings[-1]["settings"]["max_train_steps"] == STEPS - kept


def test_a_crash_reaches_the_user_as_a_sentence(server, checkout):
    write_checkpoint(server.base / "models" / "checkpoints" / "only_a_name.safetensors", "SD1")
    checkout.behave(crash="package")
    prompt = graph()
    prompt["3"]["inputs"]["name"] = "crashing"
    with pytest.raises(PromptError, match="The package voluptuous is missing"):
        run_prompt(server.url, prompt)


def test_the_workflow_trains_and_generates(server, checkout):
    write_standin_checkpoint(server.base / "models" / "checkpoints" / "standin.safetensors")
    write_images(server.base / "input" / "my_renders", 3)
    checkout.behave()
    prompt = with_widgets(
        load("train_with_sd_scripts"),
        TilewrightTrainLoraKohya={"checkpoint": "standin.safetensors", "steps": 4, "resolution": 64, "rank": 4},
        CheckpointLoaderSimple={"ckpt_name": "standin.safetensors"},
        EmptyLatentImage={"width": 64, "height": 64},
        KSampler={"steps": 1},
    )
    outputs = run_prompt(server.url, prompt)
    assert (server.output / "loras" / "my_material_kohya.safetensors").is_file()
    assert picture(server, outputs[of_class(prompt, "PreviewImage")]["images"][0]).shape == (128, 128, 3)
