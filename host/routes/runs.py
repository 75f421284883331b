"""Trainings in the editor: how each stands, its log, its pictures, and what a person asks of it while it trains."""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...common.paths import is_inside, is_plain_name
from ...training.reference_pictures import reference_files
from ...training.run_controls import ACTIONS, STOPPED_NAME, ask, go_on, stopped_at
from ...training.run_files import SCRIPTS_RUN_NAME, STATE_NAME, checkpoints_of
from ...training.run_log import LOG_NAME, LogPart, log_of_state, read_log
from ...training.run_status import LINKED, TRAINING, RunStatus, is_run, run_status
from ...training.sample_files import sample_files
from ..folders import output_folder
from .pictures import picture_reply, stamp
from .serving import NotThere, Refused, Reply, Route, text, whole

MOST_RUNS = 500  # that are listed, the newest
MOST_SAMPLES = 5000
GO_ON = "go on"
FILES = (LOG_NAME, STATE_NAME, SCRIPTS_RUN_NAME)  # of a run, one of which makes it one
_LOOKED: dict[Path, LogPart] = {}  # what was read of each log, so that a look reads only what is new


def runs(asked: Mapping[str, Any]) -> Reply:
    """All runs, the newest first."""
    found = [folder for folder in _root().iterdir() if is_run(folder)] if _root().is_dir() else []
    newest = sorted(found, key=_touched, reverse=True)[:MOST_RUNS]
    return Reply({"runs": [_told(folder) for folder in newest]})


def log(asked: Mapping[str, Any]) -> Reply:
    """The log of `run` behind its byte `after`, or what came after the step `since`; and how the run stands."""
    folder = _folder(asked)
    after = whole(asked, "after", 0, 0, 2**53)
    since = whole(asked, "since", -1, -1, 10**9)
    key = whole(asked, "key", 0, 0, 2**32) if after else None
    try:
        part = LogPart(0, 0) if _link_out(folder) else read_log(folder, after, key)
    except FileNotFoundError:
        part = _earlier(folder)
    if since >= 0:
        part = part.since(since)
    return Reply({**asdict(part), "run": _told(folder)})


def pictures(asked: Mapping[str, Any]) -> Reply:
    """Which samples and which images of its dataset `run` keeps."""
    folder = _folder(asked)
    if _link_out(folder):
        return Reply({"samples": [], "references": [], "prompts": []})
    beginnings = [event for event in _events(folder).events if event["event"] == "begun"]
    begun = beginnings[-1] if beginnings else {}
    captions = {one["picture"]: one["caption"] for one in begun.get("references", [])}
    samples = [
        {"picture": one.file.stem, "step": one.step, "prompt": one.prompt, "stamp": stamp(one.file)}
        for one in sample_files(folder)[-MOST_SAMPLES:]
    ]
    references = [
        {"picture": name, "caption": captions.get(name, ""), "stamp": stamp(file)}
        for name, file in reference_files(folder).items()
    ]
    return Reply({"samples": samples, "references": references, "prompts": begun.get("prompts", [])})


def picture(asked: Mapping[str, Any]) -> Reply:
    """A sample of `run`, or an image of its dataset, by its name in the list."""
    folder, name = _folder(asked), text(asked, "picture")
    if reason := _link_out(folder):
        raise NotThere(reason)
    kept = {one.file.stem: one.file for one in sample_files(folder)}
    file = (reference_files(folder) if text(asked, "kind") == "reference" else kept).get(name)
    if file is None or not is_inside(file, folder):
        raise NotThere("The run keeps no such picture.")
    return picture_reply(file, asked)


def steer(asked: Mapping[str, Any]) -> Reply:
    """Ask `action` of `run`: stop, save or sample while it trains, go on where it was stopped."""
    folder, action = _folder(asked), text(asked, "action")
    if reason := _link_out(folder):
        raise Refused(409, reason)
    status = _status(folder)
    if action == GO_ON:
        if stopped_at(folder) is None:
            raise Refused(409, "The run was not stopped.")
        go_on(folder)
    elif action not in ACTIONS:
        raise Refused(400, f"action must be one of {', '.join([*ACTIONS, GO_ON])}.")
    elif status.state != TRAINING:
        raise Refused(409, "The run is not training now.")
    elif action not in status.can:
        raise Refused(409, f"{status.trainer} cannot do that while it trains.")
    else:
        ask(folder, action)
    return Reply({"run": _told(folder)})


def _root() -> Path:
    return output_folder("training")


def _folder(asked: Mapping[str, Any]) -> Path:
    """Of the run that is named; no name leads out of the folder of runs."""
    name = text(asked, "run")
    folder = _root() / name
    if not is_plain_name(name) or name in (".", "..") or not is_run(folder):
        raise NotThere("There is no such run.")
    return folder


def _link_out(folder: Path) -> str:
    """Why a run can neither be read nor steered here: it, or a file of it, is a link that leads elsewhere; "" if none.

    A state alone may be moved to a larger disk: its header is all that is read of it, and nothing is written.
    """
    files = [folder / name for name in (LOG_NAME, SCRIPTS_RUN_NAME, *ACTIONS, STOPPED_NAME)]
    links = [path for path in (folder, *files) if path.is_symlink() and not is_inside(path, _root())]
    if not links:
        return ""
    return f"{links[0]} is a link that leads out of the output folder. Put what it names in its place to see the run."


def _told(folder: Path) -> dict[str, Any]:
    status = _status(folder)
    loras = output_folder("loras")
    kept = checkpoints_of(loras / status.lora) if status.lora else {}
    return {"name": folder.name, **asdict(status), "checkpoints": {str(step): file.name for step, file in kept.items()}}


def _status(folder: Path) -> RunStatus:
    if reason := _link_out(folder):
        return RunStatus(LINKED, text=reason)
    return run_status(folder, _events(folder), _running_prompts())


def _events(folder: Path) -> LogPart:
    """The events of a run and its last step, of which only what is new is read."""
    known = _LOOKED.get(folder)
    try:
        part = read_log(folder, known.end if known else 0, known.key if known else None, steps=False)
    except FileNotFoundError:
        return _earlier(folder)
    if known and part.begin:
        steps = part.steps if part.steps["step"] else known.steps
        part = LogPart(known.begin, part.end, part.key, steps, [*known.events, *part.events])
    _LOOKED[folder] = part
    return part


def _earlier(folder: Path) -> LogPart:
    """Of a version that kept no log."""
    return log_of_state(folder) if (folder / STATE_NAME).is_file() else LogPart(0, 0)


def _touched(folder: Path) -> float:
    return max((folder / name).stat().st_mtime for name in FILES if (folder / name).exists())


def _running_prompts() -> set[str]:
    """The prompts that this ComfyUI executes now."""
    instance = getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)
    if instance is None:
        return set()
    running, _ = instance.prompt_queue.get_current_queue_volatile()
    return {str(item[1]) for item in running}


ROUTES = [
    Route("GET", "/tilewright/runs", runs, "Reads the logs below output/training."),
    Route("GET", "/tilewright/runs/log", log, "Reads the log of a run below output/training."),
    Route("GET", "/tilewright/runs/pictures", pictures, "Lists the pictures of a run below output/training."),
    Route("GET", "/tilewright/runs/picture", picture, "Reads a picture of a run below output/training."),
    Route(
        "POST",
        "/tilewright/runs/steer",
        steer,
        "Makes an empty file called stop, save or sample in a run's folder below output/training, or takes "
        "stopped.json away from there.",
        most_bytes=4096,
    ),
]
