"""The processes that train a run for a graph which waits for them, and what becomes known of them on the way."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import comfy.cli_args
import comfy.model_management

from ...common.errors import InputError
from ...sd_scripts.process import ScriptProcess
from ...training.exported_run import read_progress
from ...training.run_controls import STOP, ask
from ...training.run_log import LOG_NAME, LogPart, read_log

PACK = Path(__file__).resolve().parents[2]
POLL_SECONDS = 0.2
STOP_SECONDS = 180.0  # for the step that is being made, and for writing the state
OUTPUT_NAME = "processes.log"


def own_options() -> dict[str, bool | int | float | str | list[str]]:
    """Of this ComfyUI's options those that may decide on which device it computes, and how: each switch, number and
    text, and what --fast chose. Other lists, as of custom nodes or files of paths, decide neither."""
    told = vars(comfy.cli_args.args)
    plain = {name: value for name, value in told.items() if type(value) in (bool, int, float, str)}
    return {**plain, "fast": sorted(one.value for one in told.get("fast", ()))}


class TrainingProcesses:
    """PyTorch's launcher with so many processes on the run in `folder`. Use it as a context: none outlives the block,
    nor this process, however that ends."""

    def __init__(self, folder: Path, processes: int) -> None:
        self.folder = folder
        self._seen, self._key = 0, None
        (folder / LOG_NAME).unlink(missing_ok=True)
        launcher = [str(PACK / "launch" / name) for name in ("parent_watchdog.py", "run_module.py")]
        command = [sys.executable, "-u", *launcher, "launch.train_run", str(folder), "--processes", str(processes)]
        command += ["--comfyui-options", json.dumps(own_options())]
        environment = {**os.environ, "COMFYUI_PATH": str(Path(comfy.model_management.__file__).parents[1])}
        self._process = ScriptProcess(command, PACK, environment, folder / OUTPUT_NAME, subprocess.PIPE)

    def __enter__(self) -> "TrainingProcesses":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.end()

    def course(self) -> Iterator[LogPart]:
        """What the run's log has new, several times a second until it ends. Raises `InputError` with the reason where
        it does not end well."""
        for _ in self._process.lines(POLL_SECONDS):
            yield self.news()
        code = self._process.exit_code()
        yield self.news()
        if code:
            raise InputError(self._reason(code))

    def news(self) -> LogPart:
        """What the run's log has new since the last look."""
        try:
            part = read_log(self.folder, self._seen, self._key)
        except FileNotFoundError:
            return LogPart(0, 0)
        if part.end:
            self._seen, self._key = part.end, part.key
        return part

    def stop(self) -> None:
        """Have the run save itself after the step that it is at, and wait for its end; one that loads just ends."""
        if self._seen:
            ask(self.folder, STOP)
            ends = time.monotonic() + STOP_SECONDS
            for _ in self._process.lines(POLL_SECONDS):
                if time.monotonic() > ends:
                    break
        self._process.end()

    def _reason(self, code: int) -> str:
        written = read_progress(self.folder).get("reason", "")
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        reason = written or f"The launcher of the training's processes {how}."
        log = self.folder / OUTPUT_NAME
        return f"{reason} What was saved is whole, and the same graph goes on from there. All that they said: {log}"
