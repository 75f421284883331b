"""The pack as the importable package `tilewright`, the host's modules beside it, and one real server for all."""

import os
import sys
from pathlib import Path

import pytest

PACK = Path(__file__).resolve().parent.parent
HOST = Path(os.environ["COMFYUI_PATH"])  # `python run.py test` sets it

sys.path.insert(0, str(PACK))
from launch.run_module import open_pack  # noqa: E402

sys.path.remove(str(PACK))  # its `nodes` package must not stand before the host's module of that name
open_pack(HOST)

from tilewright.launch.hosts import Host  # noqa: E402
from tilewright.launch.server import running_server  # noqa: E402


def pytest_collection_modifyitems(items):
    """Mark what needs a running ComfyUI (`host`) and what needs a browser on it (`browser`)."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "server" in fixtures:
            item.add_marker("host")
        if "chromium" in fixtures:
            item.add_marker("browser")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Skip what needs symbolic links where Windows lets this account make none."""
    try:
        return (yield)
    except OSError as error:
        if getattr(error, "winerror", 0) == 1314:
            pytest.skip("Windows lets only administrators and developers make symbolic links")
        raise


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A real ComfyUI with the pack, started when the first test asks for it (`tilewright.launch.server.Server`)."""
    folder = tmp_path_factory.mktemp("comfyui")
    host = Host(HOST, Path(sys.executable), ours=True)
    frontend = os.environ.get("TILEWRIGHT_FRONTEND")  # `run.py test --newest-frontend` sets it
    other = ["--front-end-root", frontend] if frontend else []
    with running_server(host, folder / "base", folder / "output", other) as server:
        yield server


@pytest.fixture(scope="session")
def chromium():
    """The browser's executable. Without one the test is skipped, on CI it fails."""
    from tilewright.launch.browser import installed_chromium

    browser = installed_chromium()
    if browser is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have chromium: .ci/run installs it")
        pytest.skip("no chromium or chrome on this machine")
    return browser
