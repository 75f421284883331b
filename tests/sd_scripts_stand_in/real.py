"""What the tests on a real checkout need: they run where SD_SCRIPTS_PATH names one.

SD_SCRIPTS_PYTHON may name its virtual environment or a folder of packages. A checkpoint of SD1.5's real shapes with
random weights is written for them (2.1 GB, half a minute), or read from SD_SCRIPTS_TEST_CHECKPOINT where that is set.
"""

import os
from pathlib import Path

import folder_paths
import pytest
from standin_checkpoint import write_standin_checkpoint

DRIVER = Path(__file__).with_name("drawing_as_told.py")
with_sd_scripts = pytest.mark.skipif(
    not os.environ.get("SD_SCRIPTS_PATH"), reason="SD_SCRIPTS_PATH names no checkout of sd-scripts"
)


def checkpoint_file(folder: Path) -> Path:
    """The path of the checkpoint, in `folder` if it has to be written."""
    told = os.environ.get("SD_SCRIPTS_TEST_CHECKPOINT")
    if told:
        return Path(told)
    write_standin_checkpoint(folder / "random_sd15.safetensors", whole=True)
    return folder / "random_sd15.safetensors"


def offer(monkeypatch, kind: str, folder: Path) -> None:
    """Make `folder` the only one that the host lists models of `kind` from."""
    suffixes = folder_paths.folder_names_and_paths[kind][1]
    monkeypatch.setitem(folder_paths.folder_names_and_paths, kind, ([str(folder)], suffixes))
