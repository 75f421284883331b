"""The files of a grid: what a picture depends on, when it counts as painted, and what is read back."""

import json
import math

import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.evaluation.cells import BASE, Cell, lora_stem
from tilewright.evaluation.grid import (
    LoraGrid,
    Sampling,
    painted_key,
    picture_key,
    picture_notes,
    plan,
    read_picture,
    write_pictures,
)

SAMPLING = Sampling(20, 7.0, "euler", "normal", 8, 8)
CELL = Cell("sub\\bricks-step00000050.safetensors", 0.5, 50)


@pytest.fixture
def tasks(tmp_path):
    digests = {"": "model", CELL.lora: "file"}
    return plan(tmp_path, [BASE, CELL], ["a wall"], [3, 4], SAMPLING, digests)


def test_a_lora_is_called_by_its_file_without_folder_and_ending():
    assert lora_stem("sub\\bricks-v1.5.safetensors") == "bricks-v1.5"
    assert lora_stem("sub/deeper/moss.pt") == "moss"


def test_the_key_is_the_digest_of_the_facts_and_another_for_every_other_fact():
    """SHA-256 of the JSON text of the facts: grids of earlier versions are recognised by it."""
    assert picture_key("model", 1) == "807cc6573719c0e9b4391ba7ff135ff385252ff90993878c97bcd718c03f5e01"
    steps = Sampling(21, 7.0, "euler", "normal", 8, 8)
    assert picture_key("model", SAMPLING) == picture_key("model", Sampling(20, 7.0, "euler", "normal", 8, 8))
    assert picture_key("model", SAMPLING) != picture_key("model", steps)


def test_pictures_come_back_as_they_were_written(tasks):
    pictures = [torch.full((3, 8, 8), level / 255) for level in (0, 51, 102, 255)]
    write_pictures(tasks, pictures, ["a wall"], SAMPLING)
    for task, picture in zip(tasks, pictures, strict=True):
        torch.testing.assert_close(read_picture(task.file), picture, rtol=0, atol=1e-6)
        assert painted_key(task.file) == task.key and task.is_painted
    record = json.loads(tasks[2].file.with_suffix(".json").read_text(encoding="utf-8"))
    assert (record["lora"], record["strength"], record["step"]) == (CELL.lora, 0.5, 50)
    assert (record["prompt"], record["seed"], record["cfg"], record["finite"]) == ("a wall", 3, 7.0, True)


def test_a_picture_of_no_numbers_is_black_on_disk_and_read_as_no_numbers(tasks):
    picture = torch.full((3, 8, 8), 0.2)
    picture[0, 0, 0] = math.nan
    write_pictures(tasks[:1], [picture], ["a wall"], SAMPLING)
    assert read_picture(tasks[0].file).isnan().all()
    assert not json.loads(tasks[0].file.with_suffix(".json").read_text(encoding="utf-8"))["finite"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '"key"'])
def test_a_picture_counts_as_painted_only_with_a_whole_record(tasks, text):
    file = tasks[0].file
    assert painted_key(file) == ""
    file.parent.mkdir(parents=True)
    file.with_suffix(".json").write_text(text, encoding="utf-8")
    assert painted_key(file) == ""


def test_a_picture_that_is_gone_is_told_by_its_name(tasks):
    write_pictures(tasks[:1], [torch.zeros(3, 8, 8)], ["a wall"], SAMPLING)
    tasks[0].file.unlink()
    with pytest.raises(InputError, match="00_3_.*gone or damaged.*Run LoRA Grid again"):
        read_picture(tasks[0].file)


def test_cells_that_are_no_numbers_or_change_nothing_are_told(tmp_path):
    cells = [BASE, *(Cell("bricks.safetensors", weight, 50) for weight in (0.1, 0.5, 1.0))]
    tasks = plan(tmp_path, cells, ["a wall"], [3, 4], SAMPLING, {"": "model", "bricks.safetensors": "file"})
    levels = [0.2, 0.4, 0.2, 0.4, 0.2, 0.6, 0.2, math.nan]
    write_pictures(tasks, [torch.full((3, 8, 8), level) for level in levels], ["a wall"], SAMPLING)
    files = {cell: tuple(task.file for task in tasks if task.cell == cell) for cell in cells}
    grid = LoraGrid("run", tmp_path, tuple(cells), ("a wall",), (3, 4), SAMPLING, files)
    alike, black = picture_notes(grid)
    assert alike.startswith("50@0.1: its pictures are those without LoRA")
    assert black.startswith("50@1: 1 of 2 pictures are black")


def test_more_pictures_than_anybody_looks_at_are_refused_before_they_are_planned(tmp_path):
    with pytest.raises(InputError, match=r"100,800 pictures \(2 cells, 504 prompts, 100 seeds\)"):
        plan(tmp_path, [BASE, CELL], ["a"] * 504, range(100), SAMPLING, {})
