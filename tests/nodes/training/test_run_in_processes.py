"""Train Texture LoRA with `processes`: the same LoRA, files, log and messages, from processes beside the graph."""

import json
import shutil
import signal
from types import SimpleNamespace

import comfy.cli_args
import comfy.model_management
import comfy.utils
import psutil
import pytest
import torch
from safetensors import safe_open
from small_runs import metadata
from tilewright.common.errors import InputError
from tilewright.host.in_graph.in_processes import check_processes
from tilewright.host.run_outside.processes import TrainingProcesses, own_options
from tilewright.host.run_outside.writing import write_run
from tilewright.training.config import NetworkConfig, ObjectiveConfig, SavingConfig, TrainingConfig
from tilewright.training.data import Example
from tilewright.training.exported_run import ExportedRun, ModelFile
from tilewright.training.run_log import LogPart, read_log

pytest_plugins = ["small_runs"]
pytestmark = pytest.mark.slow


def state_step(runs):
    with safe_open(runs.state, "pt") as file:
        return int(file.metadata()["step"])


def when_trained(steps, do):
    """Calls `do` once the node shows that so many steps are made."""

    done = []

    def update(self, value, total=None, preview=None):
        if value >= steps and not done:
            done.append(do())

    return update


def test_two_processes_train_what_the_graph_trains(runs, monkeypatch):
    """Cancelled after a step, queued again without processes and again with them: the LoRA, its file, its curves and
    its log are those of one process."""
    saving = SavingConfig(every_steps=2, measure_every=1)
    with monkeypatch.context() as patches, pytest.raises(comfy.model_management.InterruptProcessingException):
        patches.setattr(
            comfy.utils.ProgressBar,
            "update_absolute",
            when_trained(1, comfy.model_management.interrupt_current_processing),
        )
        runs.train(steps=40, saving=saving, processes=2)
    reached = state_step(runs)
    assert 0 < reached < 40
    assert metadata(runs.loras / "stripes.safetensors")["ss_steps"] == str(reached)
    middle = reached + 1 + reached % 2  # at which no checkpoint is kept: the end of a run is no checkpoint
    runs.train(steps=middle, saving=saving)
    assert state_step(runs) == middle
    steps = middle + 2
    alone = runs.train(steps=steps, name="alone", saving=saving)
    curve = read_log(runs.loras.parent / "training" / "alone")
    shared = runs.train(steps=steps, saving=saving, processes=2)
    assert set(shared.lora) == set(alone.lora)
    difference = sum((shared.lora[name] - value).square().sum() for name, value in alone.lora.items())
    assert difference < 1e-8 * sum(value.square().sum() for value in alone.lora.values())
    found = read_log(runs.state.parent)
    assert found.steps["step"] == curve.steps["step"]
    torch.testing.assert_close(found.steps["loss"], curve.steps["loss"], rtol=1e-4, atol=0)
    assert found.steps["lr"] == curve.steps["lr"]
    kinds = [[event["event"] for event in part.events if event["event"] == "saved"] for part in (found, curve)]
    assert kinds[0] == kinds[1]
    assert shared.checkpoints == alone.checkpoints.replace("alone", "stripes")
    assert not (runs.state.parent / "processes").exists()


def test_a_killed_process_ends_the_run_with_its_reason(runs, monkeypatch):
    before = psutil.Process().children(recursive=True)  # other tests keep a server of processes

    def kill():
        mine = psutil.Process().children(recursive=True)
        workers = [one for one in mine if "host.run_outside.train" in one.cmdline()]
        workers[-1].send_signal(signal.SIGKILL)

    monkeypatch.setattr(comfy.utils.ProgressBar, "update_absolute", when_trained(1, kill))
    with pytest.raises(InputError, match=r"was killed by signal 9.*the same graph goes on") as told:
        runs.train(steps=4000, saving=SavingConfig(state_every=1, measure_every=4000), processes=2)
    assert state_step(runs) > 0
    assert metadata(runs.loras / "stripes.safetensors")["ss_steps"] == str(state_step(runs))
    last = read_log(runs.state.parent).events[-1]
    assert (last["event"], last["how"]) == ("ended", "failed")
    assert last["text"] == str(told.value)
    left = [one for one in psutil.Process().children(recursive=True) if one not in before]
    assert not [one for one in left if one.status() != psutil.STATUS_ZOMBIE]


def test_an_error_before_the_first_step_is_told(runs, monkeypatch):
    """Nothing is saved of a run whose processes do not come to their first step."""
    monkeypatch.setattr("tilewright.host.run_outside.processes.PACK", runs.folder)
    with pytest.raises(InputError, match="ended with code 2"):
        runs.train(processes=2)
    assert not runs.state.exists() and not list(runs.loras.glob("*"))


def test_a_run_begins_with_no_lora_of_an_earlier_one_in_its_folder(tmp_path):
    """A killed run leaves its folder; the next one may have start_from and training_adapter unset."""
    for setting in ("start_from", "training_adapter"):
        (tmp_path / f"{setting}.safetensors").touch()
    examples = [Example(torch.rand(4, 8, 8), "brick", (64, 64))]
    write_run(ExportedRun("bricks", TrainingConfig(7), ModelFile("demo"), True, 2, examples), tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"run.json", "encoded.safetensors"}


def test_a_run_whose_log_lacks_the_last_steps_is_told_as_finished(runs, monkeypatch):
    """As that of more than 100 000 steps does; here one process has made the state that the processes would write."""
    runs.train(steps=4, name="alone")

    def train(run, processes, files, course):
        files.state.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(runs.state.parent.parent / "alone" / "state.safetensors", files.state)
        course.show(LogPart(0, 1, steps={"step": [3], "loss": [0.1], "lr": [1e-3], "time": [None]}))

    monkeypatch.setattr("tilewright.host.in_graph.run.train_in_processes", train)
    runs.train(steps=4, processes=2)
    last = read_log(runs.state.parent).events[-1]
    assert (last["event"], last["how"], last["step"]) == ("ended", "finished", 4)


REFUSED = {
    "text encoder": ({"network": NetworkConfig(text_encoder=True)}, "has no text encoder"),
    "shuffled": ({"objective": ObjectiveConfig(shuffle_caption=True)}, "not known yet"),
    "pictures": ({"saving": SavingConfig(sample_every=5, prompts="stripes")}, "no VAE"),
    "batch": ({"batch_size": 3}, "multiple of 2"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_processes_cannot_do_is_refused_before_anything_is_encoded(runs, what):
    options, words = REFUSED[what]
    with pytest.raises(InputError, match=words):
        runs.train(processes=2, **options)
    assert not list(runs.loras.glob("*"))


def test_processes_are_told_on_what_this_comfyui_computes(monkeypatch, tmp_path):
    monkeypatch.setattr(comfy.cli_args.args, "cpu", True)
    monkeypatch.setattr(comfy.cli_args.args, "deterministic", True)
    monkeypatch.setattr(comfy.cli_args.args, "fast", set(comfy.cli_args.PerformanceFeature))
    commands = []
    monkeypatch.setattr(
        "tilewright.host.run_outside.processes.ScriptProcess", lambda command, *others: commands.append(command)
    )
    TrainingProcesses(tmp_path, 2)
    told = json.loads(commands[0][commands[0].index("--comfyui-options") + 1])
    assert told["cpu"] is True and told["deterministic"] is True and told == own_options()
    assert [comfy.cli_args.PerformanceFeature(one).value for one in told["fast"]] == told["fast"] != []


def test_more_processes_than_gpus_are_refused(runs, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    order = SimpleNamespace(processes=2, model=runs.model, config=TrainingConfig(batch_size=2))
    check_processes(order)  # as with --cpu: they share the processor
    monkeypatch.setattr(comfy.model_management, "get_torch_device", lambda: torch.device("cuda"))
    with pytest.raises(InputError, match="has 1 GPU,"):
        check_processes(order)
