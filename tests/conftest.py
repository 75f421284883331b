"""The pack as the importable package `tilewright`, the host's modules beside it, and one real server for all."""

import os
import sys
import types
from pathlib import Path

import pytest

PACK = Path(__file__).resolve().parent.parent
HOST = Path(os.environ["COMFYUI_PATH"])  # `python run.py test` sets it

sys.path.insert(0, str(HOST))

# The package without running its __init__: tests of algorithms need no ComfyUI.
package = types.ModuleType("tilewright")
package.__path__ = [str(PACK)]
sys.modules["tilewright"] = package

import comfy.cli_args  # noqa: E402

comfy.cli_args.args.cpu = True  # before any other comfy module asks for a device

from tilewright.launch.hosts import Host  # noqa: E402
from tilewright.launch.server import running_server  # noqa: E402


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A real ComfyUI with the pack, started when the first test asks for it (`tilewright.launch.server.Server`)."""
    folder = tmp_path_factory.mktemp("comfyui")
    host = Host(HOST, Path(sys.executable), ours=True)
    with running_server(host, folder / "base", folder / "output") as server:
        yield server
