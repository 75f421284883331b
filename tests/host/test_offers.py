"""What there is to choose from: by the names that the inputs take, inside the folders that a workflow may use."""

import json
from pathlib import Path

import pytest
from hostile_paths import hostile_paths
from tilewright.common.errors import InputError
from tilewright.dataset.substance.description import SubstanceGraph, SubstanceInput, SubstanceOutput
from tilewright.host import offers
from tilewright.host.routes.choices import KINDS, choices

PACK = Path(__file__).resolve().parents[2]


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """ComfyUI's folders, with a secret beside them."""
    for name in ("input", "output", "temp", "models", "secrets"):
        (tmp_path / name).mkdir()
    (tmp_path / "secrets" / "secret.png").write_bytes(b"secret")
    for kind in ("input", "output", "temp"):
        monkeypatch.setattr(f"folder_paths.get_{kind}_directory", lambda kind=kind: str(tmp_path / kind))
    monkeypatch.setattr("folder_paths.models_dir", str(tmp_path / "models"))
    return tmp_path


def put(file):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"x")


def test_folders_are_those_that_hold_images_by_the_name_that_load_dataset_takes(folders):
    for name in ("input/walls/a.png", "input/walls/old/b.jpg", "input/notes/c.txt", "output/datasets/bricks/d.exr"):
        put(folders / name)
    put(folders / "temp" / "preview" / "e.png")
    put(folders / "input" / ".hidden" / "f.png")
    assert offers.image_folders() == ["datasets/bricks", "walls", "walls/old"]


def test_links_are_not_followed(folders):
    (folders / "input" / "way_out").symlink_to(folders / "secrets")
    assert offers.image_folders() == []


def test_files_are_told_by_their_ending(folders):
    for name in ("input/Brick.SBSAR", "input/deep/Tile.sbsar", "input/list.csv", "output/urls.jsonl"):
        put(folders / name)
    assert offers.archives() == ["Brick.SBSAR", "deep/Tile.sbsar"]
    assert offers.image_lists() == ["list.csv", "urls.jsonl"]


def test_models_are_folders_with_the_files_of_one(folders):
    put(folders / "models" / "captioners" / "blip" / "config.json")
    put(folders / "models" / "captioners" / "empty" / "readme.md")
    put(folders / "models" / "captioners" / "wd" / "model.onnx")
    put(folders / "models" / "captioners" / "wd" / "selected_tags.csv")
    assert (offers.captioners(), offers.taggers()) == (["blip"], ["wd"])


def test_runs_come_before_the_files_of_loras(folders, monkeypatch):
    put(folders / "output" / "training" / "my_bricks" / "state.json")
    monkeypatch.setattr("folder_paths.get_filename_list", lambda kind: ["my_bricks.safetensors"])
    assert offers.runs_and_loras() == ["my_bricks", "my_bricks.safetensors"]


def test_an_archive_tells_its_graphs_outputs_and_parameters(folders, monkeypatch):
    put(folders / "input" / "Wall.sbsar")
    pattern = SubstanceInput("bricks", 4, label="Bricks", group="Pattern", outputs=("basecolor",))
    size = SubstanceInput("$outputsize", 8)
    made = (SubstanceOutput("basecolor", usages=("baseColor",)), SubstanceOutput("mask_1"))
    graph = SubstanceGraph("pkg://Wall", label="Old wall", inputs=(size, pattern), outputs=made)
    monkeypatch.setattr(offers, "read_archive", lambda file: [graph] if file.name == "Wall.sbsar" else [])
    assert offers.graphs("Wall.sbsar") == ["Old wall"]
    assert offers.outputs("Wall.sbsar", "") == ["basecolor", "mask_1"]
    assert offers.parameters("Wall.sbsar", "Old wall") == ["Pattern", "bricks"]


@pytest.mark.parametrize("kind", [kind for kind, (_, beside, _) in KINDS.items() if beside])
def test_no_archive_outside_is_read(folders, kind):
    for name in hostile_paths(folders / "secrets"):
        with pytest.raises(InputError):
            choices({"kind": kind, "archive": name})


def test_an_unknown_kind_is_refused_with_those_there_are():
    with pytest.raises(InputError, match="Ask for one of folders, archives"):
        choices({"kind": "../../etc"})


def test_nothing_found_says_what_to_do(folders, monkeypatch):
    monkeypatch.setattr("folder_paths.get_filename_list", lambda kind: [])
    for kind, (_, beside, _) in KINDS.items():
        if not beside and kind != "sbsrender":
            told = choices({"kind": kind}).body
            assert told["choices"] == [] and told["otherwise"].endswith(".")


def test_a_folder_without_end_is_cut_off(folders, monkeypatch):
    monkeypatch.setattr(offers, "MOST", 3)
    for number in range(6):
        put(folders / "input" / f"set_{number}" / "a.png")
    assert len(offers.image_folders()) == 3


def test_what_to_do_is_said_in_chinese_too():
    words = json.loads((PACK / "locales" / "zh" / "main.json").read_text(encoding="utf-8"))["tilewright"]
    assert [otherwise for _, _, otherwise in KINDS.values() if otherwise not in words] == []
