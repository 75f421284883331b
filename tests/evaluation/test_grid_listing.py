"""What a grid tells others of itself: its cells and, once they are there, their scores."""

import json
from pathlib import Path

from tilewright.evaluation.cells import BASE, Cell
from tilewright.evaluation.grid import LoraGrid, Sampling
from tilewright.evaluation.grid_listing import LISTING_NAME, SCORES_NAME, read_listing, write_listing

CELLS = (BASE, Cell("wall.safetensors", 0.7, 600))


def grid(folder: Path, cells=CELLS) -> LoraGrid:
    files = {cell: (folder / str(number) / "00_1.png",) for number, cell in enumerate(cells)}
    return LoraGrid("a", folder, cells, ("wall",), (1,), Sampling(2, 3.0, "euler", "normal", 64, 64), files)


def test_the_cells_come_with_the_words_that_choose_them(tmp_path):
    write_listing(grid(tmp_path))
    listing = read_listing(tmp_path)
    assert [cell["choice"] for cell in listing["cells"]] == ["", "600@0.7"]
    assert listing["cells"][1]["pictures"] == ["1/00_1.png"] and listing["chosen"] is None


def test_two_runs_at_the_same_step_are_chosen_by_their_files(tmp_path):
    write_listing(grid(tmp_path, (BASE, Cell("a.safetensors", 1.0, 500), Cell("b.safetensors", 1.0, 500))))
    choices = [cell["choice"] for cell in read_listing(tmp_path)["cells"]]
    assert choices == ["", "a.safetensors@1", "b.safetensors@1"]


def test_scores_join_their_cells_until_the_grid_is_another_one(tmp_path):
    write_listing(grid(tmp_path))
    scores = {"chosen": "600@0.7", "cells": [{"lora": "wall.safetensors", "strength": 0.7, "value": [0.5, 0.4, 0.6]}]}
    (tmp_path / SCORES_NAME).write_text(json.dumps(scores))
    listing = read_listing(tmp_path)
    assert listing["chosen"] == "600@0.7" and listing["cells"][0]["scores"] is None
    assert listing["cells"][1]["scores"]["value"] == [0.5, 0.4, 0.6] and listing["verdict"] == []
    scores |= {"rule": "600@1", "verdict": ["Chosen: 600@0.7", 3, "Why: you chose it."]}
    (tmp_path / SCORES_NAME).write_text(json.dumps(scores))
    listing = read_listing(tmp_path)
    assert listing["chosen"] == "600@1" and listing["verdict"] == ["Chosen: 600@0.7", "Why: you chose it."]
    write_listing(grid(tmp_path))
    assert read_listing(tmp_path)["chosen"] == "600@1"
    write_listing(grid(tmp_path, (BASE, Cell("wall.safetensors", 1.0, 600))))
    assert read_listing(tmp_path)["chosen"] is None


def test_a_folder_without_a_grid_and_damaged_files_tell_nothing(tmp_path):
    assert read_listing(tmp_path) is None
    (tmp_path / LISTING_NAME).write_text("[1]")
    assert read_listing(tmp_path) is None
    write_listing(grid(tmp_path))
    (tmp_path / SCORES_NAME).write_text('{"cells": 3')
    assert read_listing(tmp_path)["chosen"] is None
