"""The pictures of the help pages are what the nodes make today, and each page that has one shows it."""

import re

import pytest
import torch
from PIL import Image
from tilewright.launch.help_pictures import DRAWN, PICTURES, draw

PAGES = PICTURES.parent
MOST = 100_000  # bytes
TAKEN = ("CleanDataset", "EditCaptions", "PreviewMaterial", "ScoreGrid", "TrainLora")  # of the editor's screen
MEASURED = ("CheckOverfit", "LoraGrid")  # by tests/benchmarks/learnt_by_heart.py
BROUGHT = ("UpscaleWithModel",)  # made with Real-ESRGAN x4plus, which does not come with the pack


def values(file):
    image = Image.open(file).convert("RGB")
    return torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).float(), image.size


def test_a_page_shows_the_picture_that_is_drawn_for_its_node():
    shown = {page.stem: re.findall(r"!\[.+\]\((.+)\)", page.read_text(encoding="utf-8")) for page in PAGES.glob("*.md")}
    named = {*DRAWN, *TAKEN, *MEASURED, *BROUGHT}
    assert {node: paths for node, paths in shown.items() if paths} == {
        f"Tilewright{name}": [f"pictures/Tilewright{name}.webp"] for name in named
    }
    assert {file.stem for file in PICTURES.iterdir()} == {f"Tilewright{name}" for name in named}


@pytest.mark.parametrize("name", DRAWN)
def test_pictures_are_small_files_that_fit_the_panel(name):
    file = PICTURES / f"Tilewright{name}.webp"
    assert file.stat().st_size < MOST
    assert Image.open(file).height == 240


@pytest.mark.parametrize("name", ["HeightToNormal", "MakeSeamless", "PackChannels"])
def test_drawn_anew_a_picture_is_the_same(server, tmp_path, name):
    """Up to what lossy files and other processors round."""
    (now, size), (shipped, was) = values(draw(server, name, tmp_path)), values(PICTURES / f"Tilewright{name}.webp")
    assert size == was
    assert (now - shipped).abs().mean() < 2
