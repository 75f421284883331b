"""The graphs that train, queued at a real server. The demo model stands in for the checkpoints that they ask for."""

import shutil
import urllib.request

import pytest
from api_workflows import load, of_class, titled, with_widgets
from safetensors import safe_open
from tilewright.launch.client import PromptError, run_prompt

SMALL = {"resolution": 64, "steps": 4, "batch_size": 1, "rank": 2, "gradient_checkpointing": False}
SAVING = {"every_steps": 2, "sample_every": 0, "validation_every": 2}


def on_the_demo_model(prompt):
    """The same graph without its download: the loader recognises SDXL only at its 2.6 billion weights.

    Of a flow model's three loaders too; what LoRA Objective asks of such a model alone is then taken back.
    """
    demo = {"class_type": "TilewrightDemoModel", "inputs": {}}
    classes = {node["class_type"]: node_id for node_id, node in prompt.items()}
    if "CheckpointLoaderSimple" in classes:
        loader = classes["CheckpointLoaderSimple"]  # its outputs stand in the same order
        prompt[loader] = {**prompt[loader], **demo}
        return prompt
    loader = classes["UNETLoader"]
    prompt[loader] = {**prompt[loader], **demo}
    del prompt[classes["CLIPLoader"]], prompt[classes["VAELoader"]]
    prompt[classes["TilewrightTrainLora"]]["inputs"] |= {"clip": [loader, 1], "vae": [loader, 2]}
    prompt[classes["TilewrightLoraObjective"]]["inputs"] |= {"timestep_sampling": "auto", "shift": 0}
    return prompt


def steps_of(server, name):
    with safe_open(server.output / "loras" / f"{name}.safetensors", "pt") as lora:
        return int(lora.metadata()["ss_steps"])


@pytest.fixture(scope="module")
def renders(server):
    """Three procedural tiles in the folder that the graphs read."""
    rendered = {"material": "cobblestone", "count": 3, "size": 64, "seed": 5, "folder": "renders_to_train"}
    graph = {
        "1": {"class_type": "TilewrightRenderProcedural", "inputs": rendered},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 1]}},
    }
    run_prompt(server.url, graph)
    folder = server.base / "input" / "renders_to_train"
    folder.mkdir(parents=True)
    for file in (server.output / "datasets" / "renders_to_train").glob("*_basecolor.png"):
        shutil.copy(file, folder)


@pytest.mark.parametrize(
    "name", ["train_texture_lora", "train_texture_lora_sdxl", "train_texture_lora_zimage", "train_texture_lora_flux2"]
)
def test_a_folder_of_renders_becomes_a_lora_with_its_checkpoints_and_curve(server, renders, name):
    prompt = with_widgets(
        on_the_demo_model(load(name)),
        TilewrightLoadDataset={"folder": "renders_to_train"},
        TilewrightCleanDataset={"min_side": 64, "kilobytes_per_pixel": 0.0},
        TilewrightTrainLora={**SMALL, "name": f"tested_{name}"},
        TilewrightLoraSaving=SAVING,
    )
    outputs = run_prompt(server.url, prompt)
    assert steps_of(server, f"tested_{name}") == 4
    kept = outputs[titled(prompt, "Kept on the way")]["text"][0].splitlines()
    assert [file.rpartition("-step")[2] for file in kept] == ["00000002.safetensors"]
    assert len(list((server.output / "training_cache").iterdir())) >= 3
    (curve,) = outputs[of_class(prompt, "SaveImage")]["images"]
    assert curve["filename"].startswith("my_material")


def test_train_resume_goes_on_where_it_was_cancelled(server):
    prompt = with_widgets(
        load("train_resume"),
        TilewrightRenderProcedural={"count": 4, "size": 64},
        TilewrightTrainLora={**SMALL, "steps": 30},
        TilewrightLoraSaving={"sample_every": 0},
    )
    training = of_class(prompt, "TilewrightTrainLora")

    def cancel(kind, data):
        if kind == "progress" and data["node"] == training and data["value"] >= 2:
            urllib.request.urlopen(urllib.request.Request(f"{server.url}/interrupt", method="POST")).close()

    with pytest.raises(PromptError, match="cancelled"):
        run_prompt(server.url, prompt, cancel)
    assert 2 <= steps_of(server, "train_resume") < 30
    run_prompt(server.url, prompt)
    assert steps_of(server, "train_resume") == 30
