"""The script that the README shows, run as it stands there."""

import subprocess
import sys
from pathlib import Path

import pytest

PACK = Path(__file__).resolve().parents[2]
SCRIPT = PACK / "docs" / "paint_a_texture.py"


def test_the_readme_shows_the_script_as_it_is():
    assert f"```python\n{SCRIPT.read_text(encoding='utf-8')}```" in (PACK / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_script_leaves_a_texture_in_the_output_folder(server):
    told = subprocess.run(
        [sys.executable, SCRIPT, "cobblestone, grey granite", server.url], cwd=PACK, capture_output=True, text=True
    )
    assert told.returncode == 0, told.stderr
    assert any((server.output / file.strip("/")).is_file() for file in told.stdout.split())
