"""What the editor's panel asks of trainings over HTTP, by the handlers themselves: ids in, facts out, nothing else."""

import io
import os
import re

import folder_paths
import pytest
import torch
from PIL import Image
from tilewright.common.errors import InputError
from tilewright.common.image_writing import write_png
from tilewright.host.routes.runs import ROUTES
from tilewright.host.routes.serving import NotThere, Refused
from tilewright.training.run_controls import STOP, mark_stopped, stopped_at
from tilewright.training.run_log import RunLog
from tilewright.training.run_status import FINISHED, Heartbeat

HANDLERS = {route.path.removeprefix("/tilewright/"): route.handler for route in ROUTES}
NAMES_THAT_LEAD_ELSEWHERE = [
    "",
    ".",
    "..",
    "../bricks",
    "bricks/../bricks",
    "/etc",
    "C:\\Windows",
    "\\\\host\\x",
    "a\0b",
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A run of three steps called bricks, with a sample, an image of its dataset and a checkpoint."""
    monkeypatch.setattr(folder_paths, "get_output_directory", lambda: str(tmp_path / "output"))
    folder = tmp_path / "output" / "training" / "bricks"
    log = RunLog(folder)
    references = [{"picture": "00", "caption": "red bricks"}]
    log.begin(0, 5, lora="bricks.safetensors", can=["stop"], trainer="a test", references=references, prompts=["wall"])
    for step in (1, 2, 3):
        log.step(step, 0.001)
    log.losses([0.5, 0.4, 0.3])
    log.flush()
    write_png(folder / "samples" / "step00000002_0.png", torch.rand(3, 40, 80))
    write_png(folder / "references" / "00.png", torch.zeros(3, 8, 8))
    (tmp_path / "output" / "loras").mkdir()
    (tmp_path / "output" / "loras" / "bricks-step00000002.safetensors").touch()
    return folder


def ask(path, **asked):
    return HANDLERS[path](asked)


def test_all_runs_are_listed_with_how_they_stand(folder):
    (run,) = ask("runs").body["runs"]
    assert (run["name"], run["state"], run["step"], run["steps"]) == ("bricks", "broken off", 3, 5)
    assert run["checkpoints"] == {"2": "bricks-step00000002.safetensors"}


def test_a_second_look_at_the_list_sees_what_was_written_since(folder):
    ask("runs")
    log = RunLog(folder)
    log.event("ended", 3, how=FINISHED)
    (run,) = ask("runs").body["runs"]
    assert (run["state"], run["step"]) == ("finished", 3)


def test_a_log_comes_whole_then_by_what_is_new(folder):
    first = ask("runs/log", run="bricks").body
    assert first["steps"]["loss"] == [0.5, 0.4, 0.3] and first["begin"] == 0
    RunLog(folder).event("saved", 3, file="x")
    second = ask("runs/log", run="bricks", after=str(first["end"]), key=str(first["key"])).body
    assert second["steps"]["step"] == [] and [event["event"] for event in second["events"]] == ["saved"]
    assert ask("runs/log", run="bricks", since="2").body["steps"]["step"] == [3]


def test_pictures_go_by_the_names_in_their_list(folder):
    listed = ask("runs/pictures", run="bricks").body
    assert [(one["step"], one["prompt"]) for one in listed["samples"]] == [(2, 0)]
    assert listed["references"][0]["caption"] == "red bricks" and listed["prompts"] == ["wall"]
    reply = ask("runs/picture", run="bricks", picture=listed["samples"][0]["picture"], side="20")
    assert reply.content_type == "image/webp" and Image.open(io.BytesIO(reply.body)).size == (20, 10)
    assert ask("runs/picture", run="bricks", picture="00", kind="reference").body[:4] == b"RIFF"


@pytest.mark.parametrize("name", NAMES_THAT_LEAD_ELSEWHERE)
def test_a_name_that_leads_elsewhere_is_no_run_and_no_picture(folder, name):
    for path in ("runs/log", "runs/pictures", "runs/picture"):
        with pytest.raises(NotThere):
            ask(path, run=name, picture="00")
    with pytest.raises(NotThere):
        ask("runs/steer", run=name, action=STOP)
    with pytest.raises(NotThere):
        ask("runs/picture", run="bricks", picture=name)


def is_listed_with_its_reason_alone(name, link):
    [run] = [one for one in ask("runs").body["runs"] if one["name"] == name]
    reason = f"{link} is a link that leads out of the output folder. Put what it names in its place to see the run."
    assert (run["state"], run["text"], run["steps"], run["can"]) == ("linked", reason, 0, ())
    log = ask("runs/log", run=name).body
    assert (log["run"], log["events"], log["end"]) == (run, [], 0)
    assert ask("runs/pictures", run=name).body == {"samples": [], "references": [], "prompts": []}
    with pytest.raises(NotThere, match=re.escape(reason)):
        ask("runs/picture", run=name, picture="step00000002_0")
    for action in ("stop", "go on"):
        with pytest.raises(Refused, match=re.escape(reason)):
            ask("runs/steer", run=name, action=action)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_run_that_is_a_link_to_elsewhere_is_listed_with_the_reason(folder, tmp_path):
    outside = tmp_path / "outside"
    RunLog(outside).begin(0, 5)
    os.symlink(outside, folder.parent / "linked")
    is_listed_with_its_reason_alone("linked", folder.parent / "linked")


@pytest.mark.parametrize("asked", [{"after": "-1"}, {"after": "x"}, {"after": "9" * 400}, {"since": "1.5"}, {"run": 7}])
def test_what_is_no_number_and_no_name_is_refused(folder, asked):
    with pytest.raises(InputError):
        ask("runs/log", **{"run": "bricks", **asked})


@pytest.mark.parametrize("side", ["0", "100000", "x", ""])
def test_a_size_out_of_range_is_refused(folder, side):
    with pytest.raises(InputError):
        ask("runs/picture", run="bricks", picture="step00000002_0", side=side)


def test_a_damaged_picture_is_not_there(folder):
    (folder / "samples" / "step00000002_0.png").write_bytes(b"no picture")
    with pytest.raises(NotThere):
        ask("runs/picture", run="bricks", picture="step00000002_0")


def test_only_a_run_that_trains_can_be_stopped(folder):
    with pytest.raises(Refused, match="not training"):
        ask("runs/steer", run="bricks", action=STOP)
    with Heartbeat(folder):
        ask("runs/steer", run="bricks", action=STOP)
        with pytest.raises(Refused, match="a test cannot do that"):
            ask("runs/steer", run="bricks", action="save")
        for action in ("", "state.safetensors", "../stop", ["stop"]):
            with pytest.raises(InputError):
                ask("runs/steer", run="bricks", action=action)
    assert (folder / STOP).exists()
    assert {file.name for file in folder.iterdir()} == {"log.jsonl", "samples", "references", STOP}


def test_a_stopped_run_is_let_go_on(folder):
    with pytest.raises(Refused, match="not stopped"):
        ask("runs/steer", run="bricks", action="go on")
    mark_stopped(folder, 3)
    ask("runs/steer", run="bricks", action="go on")
    assert stopped_at(folder) is None


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
@pytest.mark.parametrize("name", ["log.jsonl", "stop", "save", "stopped.json"])
def test_a_run_whose_file_is_a_link_to_elsewhere_is_listed_with_the_reason(folder, tmp_path, name):
    elsewhere = tmp_path / "elsewhere.jsonl"
    (folder / "state.safetensors").touch()
    if (folder / name).exists():
        (folder / name).rename(elsewhere)
    (folder / name).symlink_to(elsewhere)
    is_listed_with_its_reason_alone("bricks", folder / name)
    assert name == "log.jsonl" or not elsewhere.exists()


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_run_whose_state_was_moved_to_another_disk_is_as_it_was(folder, tmp_path):
    before = ask("runs").body
    (tmp_path / "state.safetensors").touch()
    (folder / "state.safetensors").symlink_to(tmp_path / "state.safetensors")
    assert ask("runs").body == before and ask("runs/log", run="bricks").body["events"]
