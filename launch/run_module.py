"""Run a module of the pack outside a server: `python -m launch.run_module [--with-comfyui] launch.demo ...`.

Run by the host's Python in the pack's folder, with COMFYUI_PATH naming the host.
"""

import importlib
import os
import sys
import types
from pathlib import Path

PACK = Path(__file__).resolve().parent.parent


def name_pack() -> None:
    """Make the pack importable as `tilewright`. Its __init__, which registers the nodes, is not run."""
    package = types.ModuleType("tilewright")
    package.__path__ = [str(PACK)]
    sys.modules["tilewright"] = package


def open_pack(host: Path) -> None:
    """`name_pack`, and the modules of the ComfyUI in `host` beside it.

    Without an accelerator ComfyUI must have its option --cpu set before any of its other modules asks for a device.
    """
    import torch

    name_pack()
    sys.path.insert(0, str(host))
    arguments = importlib.import_module("comfy.cli_args").args
    arguments.cpu = not torch.accelerator.is_available()
    arguments.use_pytorch_cross_attention = arguments.cpu  # the host's own choice on a CPU is several times slower


def main(arguments: list[str]) -> int:
    """Run `main` of the module that the first argument names with the others; returns its exit code."""
    if with_comfyui := arguments[:1] == ["--with-comfyui"]:
        open_pack(Path(os.environ["COMFYUI_PATH"]))
    else:
        name_pack()
    module, *own = arguments[with_comfyui:]
    return importlib.import_module(f"tilewright.{module}").main(own)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
