"""The pack as the importable package `tilewright`, and the host's modules beside it."""

import os
import sys
import types
from pathlib import Path

PACK = Path(__file__).resolve().parent.parent
HOST = Path(os.environ["COMFYUI_PATH"])  # `python run.py test` sets it

sys.path.insert(0, str(HOST))

# The package without running its __init__: tests of algorithms need no ComfyUI.
package = types.ModuleType("tilewright")
package.__path__ = [str(PACK)]
sys.modules["tilewright"] = package

import comfy.cli_args  # noqa: E402

comfy.cli_args.args.cpu = True  # before any other comfy module asks for a device
