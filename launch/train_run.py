"""`python run.py train RUN_FOLDER --processes N`: train an exported run on PyTorch's own launcher."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from ..common.errors import InputError
from ..training.exported_run import PROGRESS_NAME, RUN_NAME, note_failure, read_progress
from ..training.parallel import check_gpus
from .run_module import OPTIONS, told_options
from .terminal import complain

PACK = Path(__file__).resolve().parent.parent
# By its path: the Python of ComfyUI's portable version looks for no module in the folder that it is started in.
MODULE = (str(PACK / "launch" / "run_module.py"), "--with-comfyui", "host.run_outside.train")


def main(arguments: list[str]) -> int:
    """Start the processes of a run and wait for them; returns the exit code."""
    parser = argparse.ArgumentParser(prog="run.py train", description=__doc__)
    parser.add_argument("folder", type=Path, help="what Export Training Run wrote")
    parser.add_argument("--processes", type=int, default=1, help="on this machine, one a GPU")
    parser.add_argument("--machines", type=int, default=1, help="each runs this command with the same --meet")
    parser.add_argument(
        "--meet", default="localhost:0", help="HOST:PORT of one of the machines, where they find each other"
    )
    parser.add_argument(
        "--model", default="", help="the model's file, where it lies elsewhere than when the run was exported"
    )
    parser.add_argument("--cpu", action="store_true", help="train on the CPU, as ComfyUI does with this option")
    parser.add_argument(
        "--comfyui-options",
        type=_named_options,
        default="{}",
        help="more of ComfyUI's options by their names, as JSON",
    )
    options = parser.parse_args(arguments)
    folder = options.folder.resolve()
    if not (folder / RUN_NAME).is_file():
        complain(f"{folder} has no {RUN_NAME}: give the folder that Export Training Run names.")
        return 1
    comfyui = {**told_options(), **options.comfyui_options, **({"cpu": True} if options.cpu else {})}
    os.environ[OPTIONS] = json.dumps(comfyui)
    try:
        if not comfyui.get("cpu"):
            check_gpus(options.processes)
    except InputError as error:
        complain(str(error))
        return 1
    (folder / PROGRESS_NAME).unlink(missing_ok=True)  # of an earlier run, which may have failed
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // max(1, options.processes))))
    model = ["--model", options.model] if options.model else []
    return run_processes(folder, [*MODULE, str(folder), *model], options.processes, options.machines, options.meet)


def run_processes(
    folder: Path, command: list[str], processes: int, machines: int = 1, meet: str = "localhost:0"
) -> int:
    """Run `command` of this Python in so many processes; where one fails, all end, and the reason is printed."""
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    if os.name == "nt":
        os.environ.setdefault("USE_LIBUV", "0")  # torch is built without it there, and would ask for it
    config = LaunchConfig(
        min_nodes=machines,
        max_nodes=machines,
        nproc_per_node=processes,
        run_id=folder.name,
        rdzv_backend="c10d",
        rdzv_endpoint=meet,
        max_restarts=0,
    )
    try:
        elastic_launch(config, sys.executable)(*command)
    except SignalException:
        return 130
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        reason = _told_reason(folder) or _ending(rank, failure.exitcode)
        complain(f"{reason} What was saved is whole; the same command goes on from there.")
        note_failure(folder, reason)
        return 1
    return 0


def _named_options(text: str) -> dict[str, Any]:
    try:
        options = json.loads(text)
    except json.JSONDecodeError:
        options = None
    if not isinstance(options, dict):
        raise argparse.ArgumentTypeError(f"{text} is no JSON object. Write such as '{{\"cpu\": true}}', in quotes.")
    return options


def _told_reason(folder: Path) -> str:
    """What the run itself says of its end, if it came to that."""
    progress = read_progress(folder)
    return progress["reason"] if progress.get("state") == "failed" else ""


def _ending(rank: int, code: int) -> str:
    how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
    return f"Process {rank} of the training {how}, and the others with it."
