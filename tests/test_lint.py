import subprocess
import sys
from pathlib import Path

import pytest

PACK = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=["check", "format"])
def test_ruff(command):
    ruff = subprocess.run([sys.executable, "-m", "ruff", *command, "."], cwd=PACK, capture_output=True, text=True)
    assert ruff.returncode == 0, ruff.stdout


@pytest.mark.slow
def test_types():
    mypy = subprocess.run([sys.executable, "-m", "mypy"], cwd=PACK, capture_output=True, text=True)
    assert mypy.returncode == 0, mypy.stdout


def test_no_address_of_a_machine_in_the_tree():
    files = subprocess.run(["git", "ls-files"], cwd=PACK, capture_output=True, text=True, check=True).stdout.split("\n")
    texts = {name: (PACK / name).read_bytes() for name in files if name and (PACK / name).is_file()}
    assert not [name for name, text in texts.items() if str(PACK).encode() + b"/" in text]
