"""A training exported by the node and trained outside the graph, by the command, is the one in the graph."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file
from tilewright.common.errors import InputError
from tilewright.host.run_outside.export import export_run
from tilewright.host.run_outside.model_source import load_model, source_of
from tilewright.launch import train_run
from tilewright.launch.run_module import OPTIONS, PACK, told_options
from tilewright.nodes.training import ExportTrainingRun
from tilewright.training.config import NetworkConfig, ObjectiveConfig, SavingConfig
from tilewright.training.exported_run import ModelFile, read_run
from tilewright.training.run_log import read_log

pytest_plugins = ["small_runs"]
pytestmark = pytest.mark.slow
SETTINGS = {"resolution": 64, "rank": 4, "alpha": 4.0, "learning_rate": 1e-3, "seed": 0, "batch_size": 2}


def exported(runs, name="stripes", steps=3, model=None, **options):
    with torch.inference_mode():
        inputs = (model or runs.model, runs.vae, runs.clip, runs.dataset, name)
        return Path(ExportTrainingRun.execute(*inputs, steps=steps, **SETTINGS, **options).args[0])


def command(folder, processes):
    words = ["-m", "launch.run_module", "launch.train_run", str(folder), "--processes", str(processes)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *words], cwd=PACK, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def progress(folder):
    return json.loads((folder / "progress.json").read_text())


@pytest.mark.skipif(os.name == "nt", reason="no signal ends a process there, so none is told")
def test_a_killed_process_ends_the_run_and_it_goes_on_to_what_the_graph_trains(runs):
    folder = exported(runs, steps=400, saving=SavingConfig(state_every=1))
    process = command(folder, 2)
    deadline = time.monotonic() + 240
    while not (folder / "state.safetensors").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.2)
    workers = [
        one for one in psutil.Process(process.pid).children(recursive=True) if "host.run_outside.train" in one.cmdline()
    ]
    workers[-1].kill()
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "was killed by signal 9" in output
    assert "was killed by signal 9" in progress(folder)["reason"]
    run = json.loads((folder / "run.json").read_text())
    reached = int(torch.tensor(_step(folder)))
    run["config"]["steps"] = reached + 2  # a run at a constant rate may end sooner
    (folder / "run.json").write_text(json.dumps(run))
    process = command(folder, 1)
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0, output
    in_graph = runs.train_with({}, steps=reached + 2)
    found = load_file(folder / "stripes.safetensors")
    assert set(found) == set(in_graph.state)
    told = progress(folder)
    torch.testing.assert_close(told.pop("loss"), in_graph.losses[-1], rtol=1e-4, atol=0)
    steps = {"step": reached + 2, "steps": reached + 2, "processes": 1}
    assert told == {"state": "finished", "reason": "", "lora": "stripes.safetensors", **steps}
    # A UNet rounds otherwise in batches of another size, and AdamW makes a whole step of a gradient that is nearly 0.
    difference = sum((found[name] - value).square().sum() for name, value in in_graph.state.items())
    assert difference < 1e-8 * sum(value.square().sum() for value in in_graph.state.values())
    log = read_log(folder)
    assert log.steps["step"] == list(range(1, reached + 3))
    assert log.events[-1]["how"] == "finished"


def _step(folder):
    from safetensors import safe_open

    with safe_open(folder / "state.safetensors", "pt") as file:
        return int(file.metadata()["step"])


REFUSED = {
    "text encoder": ({"network": NetworkConfig(text_encoder=True)}, "has no text encoder"),
    "shuffled": ({"objective": ObjectiveConfig(shuffle_caption=True)}, "not known yet"),
    "pictures": ({"saving": SavingConfig(sample_every=5, prompts="stripes")}, "no VAE"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_only_the_graph_has_is_refused(runs, what):
    options, words = REFUSED[what]
    with pytest.raises(InputError, match=words):
        exported(runs, **options)


def test_a_model_with_patches_is_refused(runs):
    patched = runs.model.clone()
    key = next(name for name in patched.model_state_dict() if name.endswith("to_q.weight"))
    patched.add_patches({key: (torch.ones_like(patched.model_state_dict()[key]),)})
    with pytest.raises(InputError, match="straight from its loader"):
        exported(runs, model=patched)


def test_another_file_in_the_models_place_is_refused(tmp_path):
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"one")
    with pytest.raises(InputError, match="its bytes differ"):
        load_model(ModelFile("checkpoint", str(file), "other"))
    with pytest.raises(InputError, match="is not there"):
        load_model(ModelFile("checkpoint", str(tmp_path / "gone"), "other"))


def test_a_model_says_where_it_came_from(runs, tmp_path):
    assert source_of(runs.model) == ModelFile("demo")
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"one")
    model = runs.model.clone()

    def load_diffusion_model():
        """The host's loader by its name."""

    model.cached_patcher_init = (load_diffusion_model, (str(file), {}))
    found = source_of(model)
    assert (found.loader, found.file, found.dtype) == ("diffusion_model", str(file), "")
    model.cached_patcher_init = (load_diffusion_model, (str(file), {"dtype": torch.float8_e4m3fn}))
    assert source_of(model) == replace(found, dtype="float8_e4m3fn")


def test_a_second_export_of_a_name_has_a_folder_of_its_own(runs):
    first, second = exported(runs), exported(runs)
    assert (first.name, second.name) == ("stripes", "stripes_00002")
    assert len(read_run(first).examples) == 3
    assert export_run.__module__.endswith("run_outside.export")


def test_on_the_cpu_processes_need_no_gpus(tmp_path, monkeypatch):
    """As a graph's ComfyUI that was started with --cpu passes on, or an artist asks for."""
    (tmp_path / "run.json").touch()
    monkeypatch.setenv(OPTIONS, "{}")  # the command writes both, and only what is set here is taken back
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    told = []
    monkeypatch.setattr(train_run, "run_processes", lambda *_: told.append(told_options()) or 0)
    assert train_run.main([str(tmp_path), "--processes", "2"]) == 1
    for words in (["--cpu"], ["--comfyui-options", '{"cpu": true}']):
        assert train_run.main([str(tmp_path), "--processes", "2", *words]) == 0
        monkeypatch.setenv(OPTIONS, "{}")
    assert told == [{"cpu": True}] * 2


@pytest.mark.parametrize("words", ["{cpu: true}", "", "[1]", "true"])
def test_options_that_are_no_json_object_are_refused_with_a_sentence(tmp_path, capsys, words):
    with pytest.raises(SystemExit) as ended:
        train_run.main([str(tmp_path), "--comfyui-options", words])
    assert ended.value.code == 2
    assert f"{words} is no JSON object. Write such as '{{\"cpu\": true}}'" in capsys.readouterr().err
