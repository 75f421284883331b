"""Bad input through the API: what the user reads, and that nobody reads a traceback instead."""

import pytest
from tilewright.launch.client import PromptError, run_prompt

DATASET = {
    "class_type": "TilewrightRenderProcedural",
    "inputs": {"material": "bricks", "count": 1, "size": 64, "seed": 0, "folder": "errors"},
}
NO_NAME = "which cannot name a file or folder. Use letters, digits, spaces"
DEMO = {"class_type": "TilewrightDemoModel", "inputs": {}}


def read(folder):
    loading = {"class_type": "TilewrightLoadDataset", "inputs": {"folder": folder, "map": "any"}}
    shown = {"class_type": "PreviewAny", "inputs": {"source": ["1", 3]}}
    return {"1": loading, "2": shown}


def train(**changes):
    inputs = {
        "model": ["2", 0],
        "vae": ["2", 2],
        "clip": ["2", 1],
        "dataset": ["1", 0],
        "name": "errors",
        "steps": 1,
        "batch_size": 1,
        "resolution": 64,
        "rank": 2,
        "alpha": 2.0,
        "learning_rate": 1e-4,
        "seed": 0,
    }
    training = {"class_type": "TilewrightTrainLora", "inputs": {**inputs, **changes}}
    return {"1": DATASET, "2": DEMO, "3": training, "4": {"class_type": "PreviewAny", "inputs": {"source": ["3", 3]}}}


def reason(server, prompt):
    with pytest.raises(PromptError) as caught:
        run_prompt(server.url, prompt)
    assert "Traceback" not in str(caught.value)
    assert 'File "' not in str(caught.value)
    return str(caught.value)


@pytest.fixture(scope="module")
def folders(server):
    root = server.base / "input"
    for name in ("empty", "texts", "mixed"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "texts" / "notes.txt").write_text("no pictures here")
    return root


def test_an_empty_folder(server, folders):
    assert "empty is empty. Put images into it, or choose another folder." in reason(server, read("empty"))


def test_a_folder_of_text_files(server, folders):
    message = reason(server, read("texts"))
    assert "texts" in message
    assert "png" in message.lower()  # what would have been taken


@pytest.mark.parametrize("outside", ["../../..", "/etc", "C:\\Windows"])
def test_a_folder_outside_what_comfyui_may_read(server, folders, outside):
    assert "which lies outside the folders this ComfyUI may use for it" in reason(server, read(outside))


def test_a_corrupt_file_among_good_ones_is_named_and_skipped(server, folders):
    good = server.output / "datasets" / "errors"
    run_prompt(server.url, {"1": DATASET, "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 2]}}})
    mixed = folders / "mixed"
    for file in good.glob("*_basecolor.png"):
        (mixed / "good.png").write_bytes(file.read_bytes())
        (mixed / "broken.png").write_bytes(file.read_bytes()[:200])
    outputs = run_prompt(server.url, read("mixed"))
    assert "broken.png" in outputs["2"]["text"][0]


def test_no_steps(server):
    assert "Value 0 smaller than min of 1: steps" in reason(server, train(steps=0))


def test_a_resolution_the_latents_cannot_have(server):
    assert "resolution is 100, but must be a multiple of 64, such as 128." in reason(server, train(resolution=100))


def test_a_name_that_leads_out_of_the_folder(server):
    assert f"'../../escaped', {NO_NAME}" in reason(server, train(name="../../escaped"))


def test_a_render_folder_that_leads_out_of_the_output_directory(server):
    escaping = {**DATASET, "inputs": {**DATASET["inputs"], "folder": "../escaped"}}
    assert f"The folder is '../escaped', {NO_NAME}" in reason(
        server, {"1": escaping, "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 1]}}}
    )
