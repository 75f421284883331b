"""Run a module of the pack outside a server: `python -m launch.run_module launch.train_demo_model ...`.

Run by the host's Python in the pack's folder, with COMFYUI_PATH naming the host.
"""

import importlib
import os
import sys
import types
from pathlib import Path

PACK = Path(__file__).resolve().parent.parent


def open_pack(host: Path) -> None:
    """Make the pack importable as `tilewright`, beside the modules of the ComfyUI in `host`.

    Its __init__, which registers the nodes, is not run. Without an accelerator ComfyUI has to be told so before any
    of its other modules asks for a device.
    """
    import torch

    sys.path.insert(0, str(host))
    package = types.ModuleType("tilewright")
    package.__path__ = [str(PACK)]
    sys.modules["tilewright"] = package
    arguments = importlib.import_module("comfy.cli_args").args
    arguments.cpu = not torch.accelerator.is_available()
    arguments.use_pytorch_cross_attention = arguments.cpu  # the host's own choice on a CPU is several times slower


if __name__ == "__main__":
    open_pack(Path(os.environ["COMFYUI_PATH"]))
    importlib.import_module(f"tilewright.{sys.argv[1]}").main(sys.argv[2:])
