"""Run a workflow headless and show its results: `python run.py demo`.

Run by the host's Python through launch.run_module.
"""

import argparse
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from .client import Prompt, PromptError, run_prompt
from .hosts import PACK, HostError, find_host
from .server import Server, running_server
from .terminal import complain, end_politely, say

FILES_NAMED = 6  # of more only the number is said
MARKER = ".tilewright-demo"  # stands in a folder that a demo made and the next one may empty
OUTPUT = PACK / "output" / "demo"
WORKFLOW = PACK / "workflows" / "api" / "quick_start.json"


class Progress:
    """A line per node: a bar while it works, its time when it is done."""

    def __init__(self, prompt: Prompt, live: bool) -> None:
        self.prompt = prompt
        self.live = live  # a terminal can rewrite its last line, a log file cannot
        self.node: str | None = None
        self.since = 0.0

    def __call__(self, kind: str, data: dict[str, Any]) -> None:
        if kind == "executing" and data.get("node") in self.prompt:
            self._finish()
            self.node, self.since = data["node"], time.monotonic()
            self._draw(0, 1)
        elif kind == "progress_state" and self.node in data["nodes"]:
            state = data["nodes"][self.node]
            self._draw(state["value"], state["max"])
        elif kind in ("execution_success", "execution_error", "execution_interrupted"):
            self._finish()

    def _draw(self, value: float, maximum: float) -> None:
        if self.live:
            filled = round(24 * value / maximum)
            bar = "█" * filled + "·" * (24 - filled)
            say(f"\r\033[K  {self._title()}  {bar} {value:.0f}/{maximum:.0f}", end="")

    def _finish(self) -> None:
        if self.node is not None:
            start = "\r\033[K" if self.live else ""
            say(f"{start}  {self._title()}  {time.monotonic() - self.since:6.1f} s")
        self.node = None

    def _title(self) -> str:
        node = self.prompt[self.node]
        return f"{node.get('_meta', {}).get('title', node['class_type'])[:40]:<40}"


def main(arguments: list[str]) -> int:
    """Run the demo as `arguments` of the command line say; returns the exit code."""
    end_politely()
    parser = argparse.ArgumentParser(prog="run.py demo", description="Run the full pipeline headless.")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where the results go: a folder of their own")
    parser.add_argument("--workflow", type=Path, default=WORKFLOW, help="a workflow in API format")
    options = parser.parse_args(arguments)
    prompt = json.loads(options.workflow.read_text(encoding="utf-8"))
    output, base = options.output.expanduser().resolve(), PACK / "output" / "base"
    started = time.monotonic()
    try:
        make_empty(output)
        say("Starting ComfyUI ...")
        with running_server(find_host(), base, output) as server:
            say(f"ComfyUI is up after {time.monotonic() - started:.1f} s. Running {options.workflow.name}:")
            return _run(server, prompt, started)
    except HostError as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt:
        return 130


def make_empty(folder: Path) -> None:
    """Make `folder` an empty one for the results; what an earlier demo left in it is deleted.

    Raises `HostError` where it holds anything and was not made by a demo: that is the user's.
    """
    own = folder == OUTPUT or (folder / MARKER).is_file()
    if folder.is_dir() and any(folder.iterdir()) and not own:
        raise HostError(f"{folder} is not empty and no earlier demo made it. Name a folder that is empty or not there.")
    if folder.exists() and not folder.is_dir():
        raise HostError(f"{folder} is a file. Name a folder that is empty or not there.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARKER).write_text("`run.py demo` empties this folder each time it runs.\n", encoding="utf-8")


def _run(server: Server, prompt: Prompt, started: float) -> int:
    try:
        outputs = run_prompt(server.url, prompt, Progress(prompt, sys.stdout.isatty()))
    except PromptError as error:
        complain(f"\nThe demo failed. {error}\nThe server's log: {server.log}")
        return 1
    _print_texts(outputs, prompt)
    _print_files(server.output)
    say(f"\nDone in {time.monotonic() - started:.0f} s.")
    return 0


def _print_texts(outputs: dict[str, Any], prompt: Prompt) -> None:
    for node_id, values in outputs.items():
        for text in values.get("text", []):
            say(f"\n{prompt[node_id].get('_meta', {}).get('title', prompt[node_id]['class_type'])}:\n{text.rstrip()}")


def _print_files(output: Path) -> None:
    say(f"\nMade in {output}:")
    made = [file for file in output.rglob("*") if file.is_file() and file.name != MARKER]
    for folder in sorted({file.parent for file in made}):
        files = sorted(file for file in made if file.parent == folder)
        size = sum(file.stat().st_size for file in files) / 1024
        names = ", ".join(file.name for file in files) if len(files) <= FILES_NAMED else f"{len(files)} files"
        say(f"  {folder.relative_to(output).as_posix() + '/':<24} {size:8.0f} KB  {names}")
