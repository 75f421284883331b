"""Run a module of the pack outside a server: `python -m launch.run_module [--with-comfyui] launch.demo ...`.

Run by the host's Python in the pack's folder, with COMFYUI_PATH naming the host.
"""

import importlib
import json
import logging
import os
import sys
import types
from pathlib import Path
from typing import Any, NoReturn

PACK = Path(__file__).resolve().parent.parent
OPTIONS = "TILEWRIGHT_COMFYUI_OPTIONS"  # in the environment: what of ComfyUI's command line holds here as well, as JSON


def name_pack() -> None:
    """Make the pack importable as `tilewright`. Its __init__, which registers the nodes, is not run."""
    package = types.ModuleType("tilewright")
    package.__path__ = [str(PACK)]
    sys.modules["tilewright"] = package


def told_options() -> dict[str, Any]:
    """ComfyUI's options that the environment tells, by their names."""
    options: dict[str, Any] = json.loads(os.environ.get(OPTIONS, "{}"))
    return options


def open_pack(host: Path) -> None:
    """`name_pack`, and the modules of the ComfyUI in `host` beside it.

    Without an accelerator ComfyUI must have its option --cpu set before any of its other modules asks for a device; the
    same holds for the options that the environment tells.
    """
    import torch

    name_pack()
    sys.path.insert(0, str(host))
    command_line = importlib.import_module("comfy.cli_args")
    arguments, told = command_line.args, told_options()
    if "fast" in told:
        told["fast"] = {command_line.PerformanceFeature(one) for one in told["fast"]}
    vars(arguments).update(told)
    if not torch.accelerator.is_available():
        arguments.cpu = True
    if arguments.cpu:
        arguments.use_pytorch_cross_attention = True  # the host's own choice on a CPU is several times slower


def main(arguments: list[str]) -> int:
    """Run `main` of the module that the first argument names with the others; returns its exit code."""
    if with_comfyui := arguments[:1] == ["--with-comfyui"]:
        open_pack(Path(os.environ["COMFYUI_PATH"]))
    else:
        name_pack()
    module, *own = arguments[with_comfyui:]
    return importlib.import_module(f"tilewright.{module}").main(own)


def leave(code: int) -> NoReturn:
    """End this process. One of several that torch's launcher started ends at once: while Python takes itself apart,
    threads of gloo that still let go of tensors would abort it, after a training that is whole."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if "TORCHELASTIC_RUN_ID" in os.environ:
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
