"""run.py itself: its help, and what it says to a word that it does not know."""

import subprocess
import sys

import pytest
from tilewright.launch.hosts import PACK


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), (["-h"], 0), (["help"], 0), ([], 2), (["paint"], 2)])
def test_the_help_lists_the_commands(arguments, code):
    told = subprocess.run([sys.executable, PACK / "run.py", *arguments], capture_output=True, text=True)
    assert told.returncode == code
    assert "run.py demo" in told.stdout and "run.py train-demo-model" in told.stdout
