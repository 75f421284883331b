"""The graphs that make a dataset for kohya's trainers, queued at a real server as they are."""

import os
import shutil
import sys
from pathlib import Path

import pytest
import torch
from api_workflows import load, titled, with_widgets
from PIL import Image
from random_captioners import WORDS, write_florence
from tilewright.common.image_writing import write_png
from tilewright.launch.client import run_prompt
from tilewright.launch.hosts import Host
from tilewright.launch.server import running_server

HOST = Path(os.environ["COMFYUI_PATH"])
TESTS = Path(__file__).resolve().parents[1]
ARCHIVE = TESTS.parents[1] / "shared" / "data" / "substance" / "WallBricks.sbsar"


def shown(prompt, outputs, title):
    """The text in the preview of this title."""
    return outputs[titled(prompt, title)]["text"][0]


def captions(folder):
    """Image names with the captions beside them; every image must have one and every caption an image."""
    images, texts = sorted(folder.glob("*.png")), sorted(folder.glob("*.txt"))
    assert [image.stem for image in images] == [text.stem for text in texts]
    return {text.stem: text.read_text(encoding="utf-8").strip() for text in texts}


@pytest.fixture
def sbsrender(tmp_path):
    if os.name == "nt":
        pytest.skip("the stand-in for sbsrender is a script with a #! line")
    tool = tmp_path / "sbsrender"
    script = (TESTS / "nodes" / "dataset" / "sbsrender_stand_in.py").read_text(encoding="utf-8")
    tool.write_text(f"#!{sys.executable} -S\n{script}", encoding="utf-8")
    tool.chmod(0o755)
    return tool


@pytest.fixture
def studio(sbsrender, tmp_path, monkeypatch):
    """A server of a user who has named the stand-in for sbsrender: a workflow alone may not choose what is run."""
    monkeypatch.setenv("TILEWRIGHT_SBSRENDER", str(sbsrender))
    with running_server(Host(HOST, Path(sys.executable), ours=True), tmp_path / "base", tmp_path / "output") as server:
        yield server


@pytest.mark.host
@pytest.mark.skipif(not ARCHIVE.is_file(), reason="the shared Substance archives are not here")
def test_substance_dataset_goes_from_an_archive_to_a_kohya_folder(studio):
    server = studio
    shutil.copy(ARCHIVE, server.base / "input")
    prompt = with_widgets(
        load("substance_dataset"),
        TilewrightInspectSubstance={"archive": ARCHIVE.name},
        TilewrightRenderSubstance={
            "archive": ARCHIVE.name,
            "count": 6,
            "size": "256",
        },
    )
    outputs = run_prompt(server.url, prompt)

    assert "mortarColor (Mortar): color" in shown(prompt, outputs, "Parameters of the archive")
    assert shown(prompt, outputs, "Render report").startswith("6 materials rendered")
    saved = captions(server.output / "datasets" / "my_material_kohya" / "train" / "1_mymaterial texture")
    assert f"{len(saved)} of 6 images kept, {len(saved)} of them tileable" in shown(
        prompt, outputs, "What was rejected"
    )
    assert len(saved) >= 4
    assert len(set(saved.values())) == len(saved)
    for caption in saved.values():
        trigger, subject, tiles, mortar, *_ = caption.split(", ")
        assert (trigger, subject) == ("mymaterial texture", "wall bricks")
        assert tiles.endswith(" tiles")
        assert mortar.endswith(" mortar")


def test_caption_renders_goes_from_pictures_to_a_kohya_folder(server):
    write_florence(server.base / "models" / "captioners" / "Florence-2-base")
    for number in range(3):
        picture = torch.rand(3, 48, 64, generator=torch.Generator().manual_seed(number))
        file = server.base / "input" / "renders_to_caption" / f"wall {number}_basecolor.png"
        file.parent.mkdir(exist_ok=True)
        write_png(file, picture)

    prompt = with_widgets(
        load("caption_renders"),
        TilewrightLoadDataset={"folder": "renders_to_caption"},
        TilewrightCaptionFlorence2={"max_tokens": 8},
    )
    outputs = run_prompt(server.url, prompt)

    folder = server.output / "datasets" / "my_renders_kohya" / "train" / "10_mymaterial texture"
    saved = captions(folder)
    assert list(saved) == [f"wall {number}_basecolor" for number in range(3)]
    for caption in saved.values():
        trigger, *words = caption.split(", ")
        assert trigger == "mymaterial texture"
        assert words
        assert set(" ".join(words).split()) <= set(WORDS)
    assert {Image.open(image).size for image in folder.glob("*.png")} == {(64, 48)}
    assert "3  mymaterial texture" in shown(prompt, outputs, "Words in the captions")
