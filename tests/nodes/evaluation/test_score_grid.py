"""From a painted grid to a choice: what the node hands on, says and writes."""

import csv
import io
import json
from collections import Counter
from dataclasses import replace

import pytest
import torch
from small_unets import small_model
from tilewright.common.errors import InputError
from tilewright.common.image_writing import write_png
from tilewright.common.texture_dataset import TextureDataset
from tilewright.dataset.procedural.render import render_material
from tilewright.evaluation import grid as evaluation_grid
from tilewright.evaluation.chart import CHOSEN, LINE, ROOM

pytest_plugins = ["small_grids"]
pytestmark = pytest.mark.slow

MATERIALS = ("bricks", "weave", "rock")


def rendered(material, seed):
    return render_material(material, seed, 64, maps=["basecolor"]).maps["basecolor"]


@pytest.fixture
def renders(grids):
    """(training, held-out) renders, the captions being the materials' names."""
    sets = {"training": range(3), "held": range(20, 22)}
    return [
        grids.dataset(
            name, [rendered(m, seed) for m in MATERIALS for seed in seeds], [m for m in MATERIALS for _ in seeds]
        )
        for name, seeds in sets.items()
    ]


@pytest.fixture
def grid(grids, renders):
    grids.write_lora("bricks-step00000020", seed=2)
    return grids.paint(dataset=renders[1], prompts="", strengths="0 0.5 1").grid


def test_a_cell_is_chosen_and_its_lora_is_applied(grids, renders, grid):
    scored = grids.score(
        grid, training=renders[0], held_out=renders[1], model=grids.model, clip=grids.clip, fresh_seeds=1
    )
    assert scored.lora_name in {cell.lora for cell in grid.cells if not cell.is_base}
    assert scored.strength in (0.5, 1.0)
    assert scored.model.patches and not grids.model.patches
    assert "Confirmed on 1 fresh seed a prompt" in scored.report
    rows = list(csv.DictReader(io.StringIO(scored.csv)))
    assert len(rows) == 5 and [row["chosen"] for row in rows].count("yes") == 1
    record = json.loads((grid.folder / "scores.json").read_text())
    assert len(record["cells"]) == 5 and record["held_out"] is True
    assert (grid.folder / "scores.csv").read_text() == scored.csv
    green = rows_in(scored.table, CHOSEN, ROOM + LINE * (len(rows) + 1))
    line = ROOM + LINE * (1 + [row["chosen"] for row in rows].index("yes"))
    assert line <= green.min() and green.max() < line + LINE


def rows_in(picture, color, height):
    """The rows of pixels, of the upper ones, in which a color stands."""
    level = torch.tensor([int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return ((picture[0, :height] - level).abs().amax(-1) < 0.01).any(1).nonzero().flatten()


def test_the_persons_word_stands(grids, renders, grid):
    given = {"training": renders[0], "held_out": renders[1], "fresh_seeds": 0}
    scored = grids.score(grid, choice="20@0.5", model=grids.model, **given)
    assert (scored.lora_name, scored.strength) == ("bricks-step00000020.safetensors", 0.5)
    assert "Why: you chose it." in scored.report and scored.clip is None
    with pytest.raises(InputError, match="20@0.5, 20@1, 50@0.5, 50@1"):
        grids.score(grid, choice="30@0.5", **given)


def test_a_model_that_the_chosen_lora_does_not_fit_is_refused(grids, renders, grid):
    """ComfyUI would hand it on unchanged, with a line in the log."""
    given = {"training": renders[0], "held_out": renders[1], "fresh_seeds": 0, "choice": "20@0.5"}
    with pytest.raises(InputError, match="bricks-step00000020.safetensors is of another family than the model"):
        grids.score(grid, model=small_model("SDXL"), clip=grids.clip, **given)
    without_text = grids.score(grid, model=grids.model, **given).report
    assert "On the model that you gave, without a clip, bricks-step00000020.safetensors: " in without_text
    assert "On the model" not in grids.score(grid, model=grids.model, clip=grids.clip, **given).report
    next(iter(grid.files.values()))[0].unlink()
    with pytest.raises(InputError, match="another family"):  # before anything is read and scored
        grids.score(grid, model=small_model("SDXL"), clip=grids.clip, **given)


def with_pictures(grid, cell, pictures):
    """The grid with other pictures in the files of a cell."""
    for file, picture in zip(grid.files[cell], pictures, strict=True):
        write_png(file, picture)


def test_a_cell_of_training_renders_is_refused_and_one_of_new_renders_wins(grids, renders, grid):
    copies, new = grid.cells[1], grid.cells[2]
    turned = [rendered(m, seed).roll((9, 20), (-2, -1)).flip(-1) for m in MATERIALS for seed in range(2)]
    with_pictures(grid, copies, turned)
    with_pictures(grid, new, [rendered(m, seed) for m in MATERIALS for seed in (40, 41)])
    scored = grids.score(grid, training=renders[0], held_out=renders[1], fresh_seeds=0)
    rows = {(row["step"], row["strength"]): row for row in csv.DictReader(io.StringIO(scored.csv))}
    assert "training renders" in rows["20", "0.5"]["refused"]
    assert float(rows["20", "0.5"]["copied"]) == 1
    assert (scored.lora_name, scored.strength) == (new.lora, new.strength)
    assert float(rows["20", "1"]["style"]) > 0.7


def test_the_same_grid_gives_the_same_scores(grids, renders, grid):
    given = {"training": renders[0], "held_out": renders[1], "fresh_seeds": 0}
    assert grids.score(grid, **given).csv == grids.score(grid, **given).csv


def test_without_held_out_renders_it_says_what_is_lost(grids, renders, grid):
    for nothing in (None, TextureDataset(())):
        report = grids.score(grid, training=renders[0], held_out=nothing, fresh_seeds=0).report
        assert "No renders were held out" in report and "Split Dataset" in report


def test_one_prompt_and_one_seed_are_scored_and_said(grids, renders):
    grid = grids.paint(prompts="bricks", seeds="1").grid
    report = grids.score(grid, training=renders[0], held_out=renders[1], fresh_seeds=0).report
    for words in ("One prompt", "One seed", "One picture a cell", "Style is unknown"):
        assert words in report
    report = grids.score(grids.paint(prompts="bricks", seeds="1 2").grid, training=renders[0], fresh_seeds=0).report
    assert "One prompt" in report and "One seed" not in report


def test_pictures_that_are_no_numbers_are_refused(grids, renders, grid):
    file = grid.files[grid.cells[1]][0].with_suffix(".json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "finite": False}))
    scored = grids.score(grid, training=renders[0], held_out=renders[1], fresh_seeds=0)
    assert "1 of 6 pictures show nothing" in scored.report


def test_pictures_of_a_small_grid_are_read_once_and_the_sheet_is_the_same(grids, renders, grid, monkeypatch):
    read, count = evaluation_grid.read_picture, Counter()
    monkeypatch.setattr(evaluation_grid, "read_picture", lambda file: count.update([file]) or read(file))
    sheets, given = [], {"training": renders[0], "held_out": renders[1], "fresh_seeds": 0}
    for most in (evaluation_grid.MOST_KEPT, 0):
        monkeypatch.setattr(evaluation_grid, "MOST_KEPT", most)
        count.clear()
        grids.score(grid, **given)
        sheets.append((grid.folder / "scored_sheet.png").read_bytes())
        assert set(count.values()) == {1 if most else 2}
    assert sheets[0] == sheets[1]


def test_where_every_cell_is_refused_the_model_comes_out_as_it_was(grids, renders, grid):
    for cell in grid.cells[1:]:
        with_pictures(grid, cell, torch.full((6, 3, 64, 64), 0.5))
    scored = grids.score(grid, training=renders[0], held_out=renders[1], model=grids.model, fresh_seeds=1)
    assert (scored.lora_name, scored.strength) == ("", 0.0)
    assert scored.model is grids.model
    assert "No cell may be chosen" in scored.report


def test_renders_in_both_sets_are_told(grids, renders, grid):
    with pytest.raises(InputError, match="6 images are in training and in held_out"):
        grids.score(grid, training=renders[1], held_out=renders[1])


def test_held_out_renders_that_are_training_renders_under_another_name_are_told(grids, renders, grid):
    copied = grids.dataset("copied", [rendered("rock", seed).roll(5, -1) for seed in (1, 21)], ["rock", "rock"])
    report = grids.score(grid, training=renders[0], held_out=copied, fresh_seeds=0).report
    assert "1 of 2 held-out renders are training renders as well, or as regular as those, such as 00.png" in report


def test_no_renders_and_no_pictures_are_told(grids, renders, grid):
    with pytest.raises(InputError, match="training has no images"):
        grids.score(grid, training=TextureDataset(()))
    with pytest.raises(InputError, match="no pictures"):
        grids.score(replace(grid, prompts=()), training=renders[0])


def test_a_picture_that_was_deleted_is_told(grids, renders, grid):
    grid.files[grid.cells[1]][0].unlink()
    with pytest.raises(InputError, match="is gone(.|\n)*LoRA Grid again"):
        grids.score(grid, training=renders[0], fresh_seeds=0)
