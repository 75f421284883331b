"""sbsrender: which one may be run, its command line, and its processes."""

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from ...common.errors import InputError
from ...common.processes import ProcessTree
from .description import INTEGERS, SubstanceGraph
from .plan import RANDOM_SEED, Variant

SETTING = "TILEWRIGHT_SBSRENDER"  # environment variable: full path of sbsrender
CONFIG_KEY = "tilewright_sbsrender"  # in extra_model_paths.yaml: its folder
_HOW_TO_ALLOW = (
    f"by the environment variable {SETTING}, or by its folder under {CONFIG_KEY} in extra_model_paths.yaml. Restart "
    "ComfyUI then."
)
_NAMES = ("sbsrender", "sbsrender.exe")
USUAL_PLACES = (
    "C:/Program Files/Adobe/Adobe Substance 3D Designer*",
    "C:/Program Files/Adobe/Adobe Substance 3D Automation Toolkit*",
    "C:/Program Files/Allegorithmic/*",
    "/Applications/Adobe Substance 3D Designer*/Contents/MacOS",
    "/Applications/Adobe Substance 3D Automation Toolkit*/Contents/MacOS",
    "/opt/Adobe/Adobe_Substance_3D_*",
    "/opt/Allegorithmic/*",
)


class RenderFailed(Exception):
    """sbsrender did not do its work; the message holds its own words."""


@dataclass(frozen=True)
class Engine:
    """How to render. size is log2 of the side in pixels. engine is sbsrender's name for one, "" for its choice."""

    tool: Path
    version: str
    size: int
    format: str
    bit_depth: str
    engine: str = ""
    cpu_count: int = 1
    memory_mb: int = 1000

    def __post_init__(self) -> None:
        if not re.fullmatch(r"(\w[\w.-]*)?", self.engine, re.ASCII):
            raise InputError(
                f"engine is {self.engine!r}, which cannot name a render engine. Names are like sse2 or d3d11pc."
            )


def allowed_tools(configured: Sequence[Path]) -> list[Path]:
    """Every sbsrender that may be run, the preferred one first: by the two variables, as `configured`, on PATH, and in
    the usual places. A place is the file or its folder."""
    settings = [Path(os.environ[name]) for name in (SETTING, "SAT_INSTALL_PATH") if os.environ.get(name)]
    on_path = [Path(found) for name in _NAMES if (found := shutil.which(name))]
    usual = [place for pattern in USUAL_PLACES for place in sorted(map(Path, glob(pattern)), reverse=True)]
    tools = (tool for place in [*settings, *configured, *on_path, *usual] for tool in _tools_at(place))
    return list(dict.fromkeys(tools))


def choose_tool(name: str, allowed: Sequence[Path]) -> Path:
    """The one of `allowed` that `name` means by its full path or that of its folder, "" for the first.

    A name may come with a shared workflow, and what it means would be run: it is compared as text, and nothing is
    looked up at a place that the user has not allowed. Raises `InputError`.
    """
    if not allowed:
        raise InputError(
            "sbsrender was not found. It comes with Adobe Substance 3D Designer and with the Automation Toolkit. "
            f"Install one of them, or tell where it is: {_HOW_TO_ALLOW}"
        )
    wanted = _as_text(name.strip())
    tool = next(
        (tool for tool in allowed if not name.strip() or wanted in (_as_text(tool), _as_text(tool.parent))), None
    )
    if tool is None:
        known = "\n".join(f"  {tool}" for tool in allowed)
        raise InputError(
            f"sbsrender is {name!r}, which is none of those that may be run:\n{known}\n"
            f"Choose one of them, leave the input empty for the first, or allow another: {_HOW_TO_ALLOW}"
        )
    return tool


def _as_text(path: str | Path) -> str:
    return os.path.normcase(os.path.normpath(path))


def tool_version(tool: Path) -> str:
    """What sbsrender says of its version. Raises `InputError` where it does not start."""
    try:
        answer = subprocess.run([tool, "--version"], capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"{tool} does not start: {error}. Check the installation.") from None
    return answer.stdout.decode(errors="replace").strip()


def value_arguments(graph: SubstanceGraph, variant: Variant, size: int) -> list[str]:
    """--set-value for each parameter of a variant, in sbsrender's form id@a,b."""
    types = {one.identifier: one.type for one in graph.inputs}
    values = {name: _written(numbers, types[name]) for name, numbers in sorted(variant.values.items())}
    if "$outputsize" in types:
        values["$outputsize"] = f"{size},{size}"
    if RANDOM_SEED in types:
        values[RANDOM_SEED] = str(variant.seed)
    return [part for name, value in values.items() for part in ("--set-value", f"{name}@{value}")]


def command(archive: Path, graph: SubstanceGraph, outputs: Sequence[str], engine: Engine, folder: Path) -> list[str]:
    """The command line without the values. Every output goes to <folder>/<identifier>.<format>."""
    chosen = [part for output in outputs for part in ("--input-graph-output", output)]
    optional = ["--engine", engine.engine] if engine.engine else []
    return [
        str(engine.tool), "render",
        "--input", str(archive),
        "--input-graph", graph.url,
        *chosen,
        "--output-path", str(folder),
        "--output-name", "{outputNodeName}",
        "--output-format", engine.format,
        "--output-bit-depth", engine.bit_depth,
        *optional,
        "--cpu-count", str(engine.cpu_count),
        "--memory-budget", str(engine.memory_mb),
    ]  # fmt: skip


class Children:
    """The processes that are running. After `end_all` none is left and none starts any more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[ProcessTree] = set()
        self._ended = False

    def run(self, arguments: Sequence[str], timeout: float) -> None:
        """Run one process to its end. Raises `RenderFailed` for an exit other than 0 and after `timeout` seconds."""
        tree = self._start(arguments)
        try:
            output, errors = tree.process.communicate(timeout=timeout or None)
        except subprocess.TimeoutExpired:
            tree.end()
            tree.process.communicate()
            raise RenderFailed(f"it did not finish within {timeout:g} seconds") from None
        finally:
            tree.end()
            with self._lock:
                self._running.discard(tree)
        if tree.process.returncode:
            raise RenderFailed(f"it ended with code {tree.process.returncode}: {_own_words(output, errors)}")

    def end_all(self) -> None:
        with self._lock:
            self._ended = True
            for tree in self._running:
                tree.end()

    def _start(self, arguments: Sequence[str]) -> ProcessTree:
        with self._lock:
            if self._ended:
                raise RenderFailed("the run was cancelled")
            streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            tree = ProcessTree(arguments, **streams)
            self._running.add(tree)
            return tree


def _own_words(output: bytes, errors: bytes) -> str:
    """The last lines of the log, which comes before the JSON report where there is one."""
    lines = (errors or output).decode(errors="replace").splitlines()
    report = next((start for start in range(len(lines)) if _is_json(lines[start:])), len(lines))
    return " ".join(line.strip() for line in lines[:report] if line.strip())[-400:] or "no message"


def _is_json(lines: Sequence[str]) -> bool:
    if not lines[0].startswith(("[", "{")):  # log lines begin with a bracket as well
        return False
    try:
        json.loads("\n".join(lines))
    except ValueError:
        return False
    return True


def _written(numbers: Sequence[float], kind: int) -> str:
    return ",".join(str(round(number)) if kind in INTEGERS else f"{number:.6g}" for number in numbers)


def _tools_at(place: Path) -> Iterator[Path]:
    candidates = [place] if place.name.lower() in _NAMES else [place / name for name in _NAMES]
    return (tool for tool in candidates if tool.is_file() and tool.name.lower() in _NAMES)
