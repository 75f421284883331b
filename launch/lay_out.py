"""Lay out anew the graphs that people open and the blueprints that they drop into their own.

    python run.py workflows [NAME ...]

NAME is one of workflows/api or workflows/blueprints, without .json; all of them where none is given.
"""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from .blueprints import SOURCES, build_blueprint
from .browser import installed_chromium, open_editor
from .hosts import HostError, find_host
from .server import running_server
from .terminal import complain, end_politely
from .workflows import WORKFLOWS, build_workflow


def lay_out(names: Iterable[str]) -> None:
    """Write each named graph or blueprint, with a ComfyUI of its own. Raises `HostError`."""
    browser = installed_chromium() or "chrome"
    with TemporaryDirectory() as folder, running_server(find_host(), Path(folder), Path(folder, "output")) as server:
        for name in names:
            # Each in a page of its own: a widget that the API file leaves out would keep its value of the graph before.
            with open_editor(server.url, browser) as editor:
                build = build_blueprint if (SOURCES / f"{name}.json").is_file() else build_workflow
                build(editor, name)


def main(arguments: list[str]) -> int:
    """Lay out what `arguments` name, all if none is; returns the exit code."""
    end_politely()
    files = [*(WORKFLOWS / "api").glob("*.json"), *SOURCES.glob("*.json")]
    try:
        lay_out(arguments or sorted(file.stem for file in files))
    except HostError as error:
        complain(str(error))
        return 1
    return 0
