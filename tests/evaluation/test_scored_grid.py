"""A grid on disk scored from end to end, in numbers, as a picture, as a table and as a record."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiles import render
from tilewright.common.errors import InputError
from tilewright.common.texture_dataset import Sample
from tilewright.evaluation.cells import BASE, Cell
from tilewright.evaluation.chart import CHOSEN, score_chart
from tilewright.evaluation.grid import LoraGrid, Sampling, plan, write_pictures
from tilewright.evaluation.renders import ReadRenders
from tilewright.evaluation.score_grid import score_grid
from tilewright.evaluation.sheet import ALERT
from tilewright.evaluation.words import is_ranked, report, rounded, scores_record, table_csv, verdict

pytestmark = pytest.mark.slow

MATERIALS, SEEDS = 3, (1, 2)
PROMPTS = tuple(f"material {m}" for m in range(MATERIALS))
GOOD, BLANK = Cell("good.safetensors", 1.0, 50), Cell("blank.safetensors", 1.0, 600)
OTHER = Cell("other.safetensors", 1.0, 700)
SAMPLING = Sampling(1, 1.0, "euler", "normal", 64, 64)


def renders(seeds):
    kept = [(m, seed) for m in range(MATERIALS) for seed in seeds]
    samples = [Sample(Path(f"{m}_{seed}.png"), "basecolor", (64, 64), PROMPTS[m]) for m, seed in kept]
    return ReadRenders([render(m, seed) for m, seed in kept], samples, [])


def painted(cell, prompt, seed):
    if cell == GOOD:
        return render(prompt, 100 + seed)
    if cell == BLANK:
        return torch.zeros(3, 64, 64)
    return torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(10 * prompt + seed)) * 0.3 + 0.35


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    folder, cells = tmp_path_factory.mktemp("grid"), (BASE, GOOD, BLANK)
    tasks = plan(folder, cells, PROMPTS, SEEDS, SAMPLING, {"": "m", GOOD.lora: "g", BLANK.lora: "b"})
    write_pictures(tasks, [painted(t.cell, t.prompt, t.seed) for t in tasks], PROMPTS, SAMPLING)
    files = {cell: tuple(task.file for task in tasks if task.cell == cell) for cell in cells}
    return LoraGrid("run", folder, cells, PROMPTS, SEEDS, SAMPLING, files)


@pytest.fixture(scope="module")
def one_step(grid):
    """The same pictures, of two runs' checkpoints at step 50."""
    blank = replace(BLANK, step=50)
    return replace(grid, cells=(BASE, GOOD, blank), files={**grid.files, blank: grid.files[BLANK]})


@pytest.fixture(scope="module")
def result(grid):
    def brightness(pictures, prompts):
        return {"brightness": torch.stack([picture.mean() for picture in pictures])}

    return score_grid(grid, renders(range(2)), renders((10, 11)), brightness)


def test_new_renders_are_chosen_and_blank_pictures_refused(result):
    assert result.chosen == GOOD and result.is_held_out and not result.by_hand
    assert result.choice.refused == {1: "6 of 6 pictures show nothing"}
    assert result.base.style.value == 0 and result.cells[0].style.value == pytest.approx(1, abs=0.15)
    assert result.cells[1].others["brightness"].value == 0


def test_the_persons_word_stands_and_pictures_are_counted(grid):
    told = []
    chosen = score_grid(
        grid, renders(range(2)), None, by_hand=BLANK, progress=lambda done, total: told.append((done, total))
    )
    assert chosen.chosen == BLANK and chosen.by_hand and not chosen.is_held_out
    assert told == [(n, 24) for n in range(1, 25)]


def test_a_grid_without_pictures_is_told(grid):
    empty = LoraGrid("run", grid.folder, grid.cells, (), SEEDS, SAMPLING, {})
    with pytest.raises(InputError, match="The grid has no pictures"):
        score_grid(empty, renders(range(2)), None)


def test_a_grid_of_nothing_but_the_model_is_told(grid):
    with pytest.raises(InputError, match="weights other than 0"):
        score_grid(replace(grid, cells=(BASE,)), renders(range(2)), None)


def test_a_winner_that_collapses_on_fresh_seeds_gives_way(grid):
    def paint(cells, seeds):
        tasks = plan(grid.folder, cells, PROMPTS, seeds, SAMPLING, {"": "m", GOOD.lora: "g", OTHER.lora: "b"})
        pictures = [torch.zeros(3, 64, 64) if t.cell == GOOD else painted(GOOD, t.prompt, t.seed % 50) for t in tasks]
        write_pictures(tasks, pictures, PROMPTS, SAMPLING)
        files = {cell: tuple(task.file for task in tasks if task.cell == cell) for cell in cells}
        return replace(grid, cells=tuple(cells), seeds=tuple(seeds), files=files)

    two = replace(paint((BASE, OTHER), SEEDS), cells=(BASE, GOOD, OTHER), paint=paint)
    two = replace(two, files={**two.files, BASE: grid.files[BASE], GOOD: grid.files[GOOD]})
    result = score_grid(two, renders(range(2)), renders((10, 11)), fresh_seeds=2)
    assert result.choice.chosen == 0 and result.chosen == OTHER
    assert result.confirmed.overturned and result.confirmed.refused == "6 of 6 pictures show nothing"
    why = "Why: 50@1, which the rule had taken first, fails a gate on fresh seeds: 6 of 6 pictures show nothing."
    assert verdict(result)[1] == why and "it would be refused" not in report(result)
    better = replace(result, confirmed=replace(result.confirmed, refused=""))
    assert verdict(better)[1] == "Why: it did better on fresh seeds than 50@1, which the rule had taken first."
    by_hand = score_grid(two, renders(range(2)), renders((10, 11)), by_hand=GOOD, fresh_seeds=2)
    assert by_hand.chosen == GOOD and by_hand.confirmed.refused == "6 of 6 pictures show nothing"
    assert "it would be refused" in report(by_hand)


def test_the_verdict_says_which_and_why_and_what_to_do_otherwise(result):
    chosen, why, refused, *others = verdict(result)
    assert chosen == "Chosen: 50@1, which is good.safetensors at weight 1."
    assert why == "Why: it is the only cell that passes the gates."
    assert others[-1] == "Your eye says otherwise? Click a cell in the node, or write it into choice, such as 600@1."
    assert is_ranked(result)


def test_the_chart_shows_the_chosen_in_green_and_the_refused_in_red(result):
    chart = score_chart(result)
    assert chart.shape[0] == 1 and chart.shape[3] == 3 and 0 <= chart.min() and chart.max() <= 1

    def rows_in(color):
        level = torch.tensor([int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)])
        return ((chart[0, :120] - level).abs().amax(-1) < 0.01).any(1).nonzero().flatten()

    assert 68 <= rows_in(CHOSEN).min() and rows_in(CHOSEN).max() < 90  # the second row of the table
    assert 90 <= rows_in(ALERT).min() and rows_in(ALERT).max() < 112  # the third


def test_the_table_has_a_line_for_each_cell(result):
    rows = list(csv.DictReader(io.StringIO(table_csv(result))))
    assert [row["lora"] for row in rows] == ["", GOOD.lora, BLANK.lora]
    assert [row["chosen"] for row in rows] == ["", "yes", ""]
    assert [row["step"] for row in rows] == ["", "50", "600"]
    assert float(rows[1]["style"]) == pytest.approx(result.cells[0].style.value, abs=1e-6)
    assert float(rows[1]["style_low"]) < float(rows[1]["style"]) < float(rows[1]["style_high"])
    assert rows[2]["refused"] == "6 of 6 pictures show nothing" and rows[2]["best_in"] == "0.0000"
    assert rows[2]["brightness"] == "0.000000"


def test_a_number_that_is_rounded_to_0_has_no_sign():
    assert [rounded(number) for number in (-0.004, 0.004, -0.006, 1.005)] == ["0.00", "0.00", "-0.01", "1.00"]


def test_the_record_is_plain_json(result):
    record = json.loads(json.dumps(scores_record(result), allow_nan=False))
    assert (record["chosen"], record["held_out"], record["confirmed"]) == ("50@1", True, [])
    assert [cell["lora"] for cell in record["cells"]] == ["", GOOD.lora, BLANK.lora]
    assert record["cells"][1]["best_in"] == 1.0 and record["cells"][0]["best_in"] is None
    assert record["cells"][1]["seamless"][0] == result.cells[0].seamless.value
    assert record["rule"] == "50@1" and record["verdict"] == verdict(result)


def test_two_runs_at_one_step_are_told_apart_in_the_verdict_and_the_record(one_step):
    scored = score_grid(one_step, renders(range(2)), renders((10, 11)))
    record = scores_record(scored)
    assert record["chosen"] == record["rule"] == "good.safetensors@1"
    assert verdict(scored)[0] == "Chosen: good.safetensors@1, which is good.safetensors at weight 1."
    assert "Refused: blank.safetensors@1, each" in report(scored) and "50@1" not in report(scored)


def test_the_record_keeps_what_the_rule_would_have_chosen_beside_the_persons_word(grid):
    record = scores_record(score_grid(grid, renders(range(2)), renders((10, 11)), by_hand=BLANK))
    assert (record["chosen"], record["rule"]) == ("600@1", "50@1")


def test_pictures_too_small_to_tell_whether_they_tile_are_told(result):
    small = replace(result, grid=replace(result.grid, sampling=replace(SAMPLING, width=16)))
    told = "Whether pictures tile is unknown below 24 px a side"
    assert told in report(small) and told not in report(result)
