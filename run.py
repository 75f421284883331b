"""Tilewright's commands. Each does its own set-up; Python 3.10 or newer is all it needs.

python run.py demo                run the full pipeline headless, pictures in output/demo
python run.py test [...]          run every test; arguments go to pytest; --fast: without those that serve or train;
                                  --newest-frontend: those in a browser, on the newest editor of the package index
python run.py serve [...]         start ComfyUI with the pack and open the editor; arguments go to ComfyUI
python run.py bench NAME          run a benchmark of tests/benchmarks
python run.py workflows [...]     lay out the templates and blueprints anew from their API files (needs Chromium)
python run.py pictures [...]      run the templates that need no download and draw their pictures of what they paint
python run.py help-pictures [...] draw the pictures of the help pages, of the nodes named or of all
python run.py architecture        draw docs/architecture.svg from the imports, and print the figures of the source
python run.py train FOLDER        train a run that Export Training Run wrote, in --processes N; --help tells its options
python run.py train-demo-model    train the model behind TilewrightDemoModel from nothing; --help tells its options
"""

import os
import subprocess
import sys
from pathlib import Path

if sys.version_info < (3, 10):  # noqa: UP036  -- told before the imports below fail on it
    sys.exit(f"Tilewright needs Python 3.10 or newer, this is {sys.version.split()[0]}.")

from launch.architecture import draw_architecture
from launch.hosts import PACK, Host, HostError, find_host, newest_frontend
from launch.terminal import complain, end_politely, say

# A process per core, each with a server and a browser of its own. Files stay whole, in the order of their names.
SHARED_OUT = ["-n", "logical", "--maxprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder"]


def demo(arguments: list[str]) -> int:
    return _module(_ready_host(), "launch.demo", *arguments)


def test(arguments: list[str]) -> int:
    host = _ready_host("tests/requirements.txt")
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # on tensors this small, threads mostly wait for each other
    if "--newest-frontend" in arguments:
        os.environ["TILEWRIGHT_FRONTEND"] = str(newest_frontend(host))
        arguments = ["-m", "browser", *(one for one in arguments if one != "--newest-frontend")]
    if "--fast" in arguments:
        arguments = ["-m", "not host and not browser and not slow", *(one for one in arguments if one != "--fast")]
    if not any(Path(argument.split("::")[0]).exists() for argument in arguments):
        arguments = ["tests", *SHARED_OUT, *arguments]
    return as_python(host, "-m", "pytest", *arguments)


def bench(arguments: list[str]) -> int:
    names = sorted(file.stem for file in (PACK / "tests" / "benchmarks").glob("[!_]*.py"))
    if not arguments or arguments[0] not in names:
        raise HostError(f"Name a benchmark: {', '.join(names)}")
    host = _ready_host("tests/requirements.txt")
    return as_python(host, PACK / "tests" / "benchmarks" / f"{arguments[0]}.py", *arguments[1:])


def workflows(arguments: list[str]) -> int:
    return _module(_ready_host("tests/requirements.txt"), "launch.lay_out", *arguments)


def pictures(arguments: list[str]) -> int:
    return _module(_ready_host(), "launch.pictures", *arguments)


def help_pictures(arguments: list[str]) -> int:
    return _module(_ready_host(), "launch.help_pictures", *arguments)


def train_demo_model(arguments: list[str]) -> int:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # a long run shares the machine with its user
    return _module(_ready_host(), "--with-comfyui", "launch.train_demo_model", *arguments)


def train(arguments: list[str]) -> int:
    return _module(_ready_host(), "launch.train_run", *arguments)


def architecture(arguments: list[str]) -> int:
    draw_architecture(PACK, PACK / "docs" / "architecture.svg")
    return 0


def serve(arguments: list[str]) -> int:
    return _module(_ready_host(), "launch.serve", *arguments)


def _ready_host(*more_requirements: str) -> Host:
    host = find_host()
    for requirements in ("requirements.txt", *more_requirements):
        host.require(PACK / requirements)
    return host


def _module(host: Host, *arguments: str) -> int:
    return as_python(host, "-m", "launch.run_module", *arguments)


def as_python(host: Host, *arguments: str | Path) -> int:
    """Go on as the host's Python in the pack's folder: to end this process is then to end that one."""
    environment = {**os.environ, "COMFYUI_PATH": str(host.root), "COMFYUI_PYTHON": str(host.python)}
    if os.name == "nt":  # where a process cannot become another one
        return subprocess.run([host.python, *arguments], cwd=PACK, env=environment).returncode
    os.chdir(PACK)
    os.execve(host.python, [str(host.python), *map(str, arguments)], environment)


def main() -> int:
    commands = {
        "demo": demo,
        "test": test,
        "serve": serve,
        "bench": bench,
        "workflows": workflows,
        "pictures": pictures,
        "help-pictures": help_pictures,
        "architecture": architecture,
        "train": train,
        "train-demo-model": train_demo_model,
    }
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        say(__doc__)
        return 0 if sys.argv[1:2] in (["--help"], ["-h"], ["help"]) else 2
    end_politely()
    try:
        return commands[sys.argv[1]](sys.argv[2:])
    except HostError as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
