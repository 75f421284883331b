"""Running a script: its command line, its environment, and its process tree, which ends as a whole."""

import atexit
import queue
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..common.processes import ProcessTree
from .checkout import Interpreter

_STARTER = Path(__file__).with_name("start_script.py")
_LEAKS = re.compile(  # of the host's own Python, of its memory settings, of a launcher that it runs under
    r"PYTHON.*|VIRTUAL_ENV|__PYVENV_LAUNCHER__|PYTORCH_(CUDA_|HIP_)?ALLOC_CONF"
    r"|(LOCAL_|GROUP_|ROLE_)?(RANK|WORLD_SIZE)|MASTER_(ADDR|PORT)|ACCELERATE_.*|TORCHELASTIC_.*"
)
_PRECISIONS = {"no": "float32", "fp16": "float16", "bf16": "bfloat16"}  # accelerate's names
GRACE_SECONDS = 1.0
_FOREVER = 60.0
_LAST_WORDS = 2.0
_LOOK_SECONDS = 2.0


def script_command(interpreter: Interpreter, script: Path, arguments: Sequence[str]) -> list[str]:
    """The command line for a script in one process."""
    return [str(interpreter.python), "-u", *_with_packages(interpreter, script), *arguments]


def launched_command(interpreter: Interpreter, script: Path, arguments: Sequence[str], threads: int) -> list[str]:
    """The command line for a script through accelerate and the user's own configuration of it."""
    per_process = ["--num_cpu_threads_per_process", str(threads)] if threads else []
    launcher = ["-m", "accelerate.commands.launch", *per_process]
    return [str(interpreter.python), "-u", *launcher, *_with_packages(interpreter, script), *arguments]


def configured_precision(environment: Mapping[str, str]) -> str | None:
    """The precision in the user's configuration of accelerate, which sd-scripts would override.

    None where there is none or it names another.
    """
    import yaml

    cache = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = Path(environment.get("HF_HOME") or cache / "huggingface")
    file = home / "accelerate" / "default_config.yaml"
    if not file.is_file():
        return None
    settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    precision = settings.get("mixed_precision") if isinstance(settings, dict) else None
    return _PRECISIONS.get("no" if precision is False else str(precision))  # YAML reads a bare no as false


def _with_packages(interpreter: Interpreter, script: Path) -> list[str]:
    # ComfyUI's portable Python takes no PYTHONPATH, so the starter puts the packages into the path.
    return [str(_STARTER), str(interpreter.packages), str(script)] if interpreter.packages else [str(script)]


def script_environment(
    host: Mapping[str, str],
    interpreter: Interpreter,
    threads: int,
    offline: bool = True,
    hub_cache: Path | None = None,
) -> dict[str, str]:
    """The host's variables without those that would lead the script to the host's packages; no hub, plain text.

    hub_cache is a folder that holds in its place what the script would ask a hub for.
    """
    own = {name: value for name, value in host.items() if not _LEAKS.fullmatch(name.upper())}
    own |= {"PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1", "PYTHONNOUSERSITE": "1"}
    own |= {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    if offline:
        own |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    if hub_cache:
        own["HF_HUB_CACHE"] = str(hub_cache)
    if interpreter.packages:
        own["PYTHONPATH"] = str(interpreter.packages)
    if threads:
        own["OMP_NUM_THREADS"] = str(threads)
    return own


class ScriptProcess:
    """A running script, its output line by line, and its end. Use it as a context: nothing of it outlives the block."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        log: Path,
        stdin: int = subprocess.DEVNULL,
    ) -> None:
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._ended = False
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log.open("ab")
        self._tree = ProcessTree(
            command,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            folder=folder,
            environment=environment,
        )
        atexit.register(self.end)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "ScriptProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def lines(self, pause: float) -> Iterator[list[str]]:
        """The lines of each `pause` seconds, empty lists for silence, until the output ends."""
        silent, looked = 0.0, 0.0
        while not self._ended and silent < _LAST_WORDS:
            time.sleep(pause)
            if time.monotonic() - looked > _LOOK_SECONDS:
                looked = time.monotonic()
                self._tree.members()  # to know them when their parent has gone
            lines = self._waiting_lines()
            gone = self._tree.process.poll() is not None and not lines
            silent = silent + pause if gone else 0.0  # something it started may hold its output open
            yield lines

    def exit_code(self) -> int:
        """How the script ended; negative for the signal that ended it. To be asked after its last line."""
        return self._tree.process.wait(timeout=_FOREVER)

    def end(self) -> None:
        """End the script and all it started, within two seconds; nothing where all have ended."""
        atexit.unregister(self.end)
        self._tree.end(GRACE_SECONDS)
        self._reader.join(timeout=1)
        self._log.close()

    def _waiting_lines(self) -> list[str]:
        lines: list[str] = []
        while True:
            try:
                line = self._lines.get_nowait()
            except queue.Empty:
                return lines
            if line is None:
                self._ended = True
                return lines
            lines.append(line)

    def _read(self) -> None:
        rest = b""
        while block := self._tree.process.stdout.read1(65536):
            if not self._log.closed:
                self._log.write(block)
                self._log.flush()
            *whole, rest = re.split(rb"[\r\n]+", rest + block)
            for line in whole:
                self._lines.put(line.decode("utf-8", errors="replace"))
        self._lines.put(rest.decode("utf-8", errors="replace"))
        self._lines.put(None)
