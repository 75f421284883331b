"""A training with every option node on the real server: cancelled in the middle, then queued again."""

import urllib.request

import pytest
from safetensors import safe_open
from tilewright.launch.client import PromptError, run_prompt

STEPS = 40


def graph():
    rendered = {"material": "bricks", "count": 2, "size": 64, "seed": 0, "folder": "goes_on"}
    training = {
        "model": ["2", 0],
        "vae": ["2", 2],
        "clip": ["2", 1],
        "dataset": ["1", 0],
        "name": "goes_on",
        "steps": STEPS,
        "batch_size": 1,
        "resolution": 64,
        "rank": 2,
        "alpha": 2.0,
        "learning_rate": 1e-4,
        "seed": 0,
        "network": ["3", 0],
        "optimizer": ["4", 0],
        "objective": ["5", 0],
        "saving": ["6", 0],
    }
    options = {"3": "Network", "4": "Optimizer", "5": "Objective", "6": "Saving"}
    return {
        "1": {"class_type": "TilewrightRenderProcedural", "inputs": rendered},
        "2": {"class_type": "TilewrightDemoModel", "inputs": {}},
        **{node: {"class_type": f"TilewrightLora{name}", "inputs": {}} for node, name in options.items()},
        "7": {"class_type": "TilewrightTrainLora", "inputs": training},
    }


@pytest.fixture
def prompt(server):
    """The graph with every widget of the option nodes at its default, as the editor would send it."""
    import json

    with urllib.request.urlopen(f"{server.url}/object_info") as answer:
        nodes = json.load(answer)
    filled = graph()
    for node in filled.values():
        if node["class_type"].startswith("TilewrightLora"):
            for name, (kind, *facts) in nodes[node["class_type"]]["input"]["required"].items():
                node["inputs"][name] = facts[0]["default"] if facts and "default" in facts[0] else kind[0]
    filled["6"]["inputs"].update(sample_every=STEPS, prompts="bricks", validation_share=0.5, validation_every=STEPS)
    return filled


def steps_of(server):
    with safe_open(server.output / "loras" / "goes_on.safetensors", "pt") as lora:
        return int(lora.metadata()["ss_steps"])


def test_a_cancelled_training_goes_on_when_it_is_queued_again(server, prompt):
    def cancel(kind, data):
        if kind == "progress" and data["node"] == "7" and data["value"] >= 2:
            urllib.request.urlopen(urllib.request.Request(f"{server.url}/interrupt", method="POST")).close()

    with pytest.raises(PromptError, match="cancelled"):
        run_prompt(server.url, prompt, cancel)
    assert 2 <= steps_of(server) < STEPS

    run_prompt(server.url, prompt)
    assert steps_of(server) == STEPS
    assert (server.output / "training" / "goes_on" / "samples" / f"step{STEPS:08}_0.png").exists()
