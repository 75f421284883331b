"""How a process of the pack ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PACK = Path(__file__).resolve().parents[2]
ENDING = """
import atexit, logging, sys
sys.path.insert(0, {pack!r})
from launch.run_module import leave
logging.basicConfig(format="%(message)s")
atexit.register(lambda: print("taken apart"))
logging.error("last words")
print("done", end="")
leave({code})
"""


@pytest.mark.parametrize("code", [0, 3])
@pytest.mark.parametrize("launched", [False, True])
def test_a_launched_process_ends_at_once_with_all_it_said(code, launched):
    environment = {**os.environ, **({"TORCHELASTIC_RUN_ID": "none"} if launched else {})}
    script = ENDING.format(pack=str(PACK), code=code)
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment)
    assert ended.returncode == code and ended.stderr.strip() == "last words"
    assert ended.stdout.startswith("done") and ("taken apart" in ended.stdout) != launched
