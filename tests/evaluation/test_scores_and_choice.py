"""Painted grids whose best cell is known: who wins, who must not, and what the numbers are."""

from dataclasses import replace

import pytest
import torch
from tiles import render
from tilewright.evaluation.cells import BASE, Cell
from tilewright.evaluation.choice import choose, refusal
from tilewright.evaluation.copies import turns
from tilewright.evaluation.pictures import measure
from tilewright.evaluation.scores import Layout, Renders, Score, Scorer

pytestmark = pytest.mark.slow

MATERIALS, SEEDS = 4, 3
PROMPTS = [f"material {m}" for m in range(MATERIALS)]
TRAINING = [render(m, s) for m in range(MATERIALS) for s in range(4)]
HELD_OUT = [(m, render(m, s)) for m in range(MATERIALS) for s in (10, 11)]


def grey_noise(m, seed):
    return torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(seed)) * 0.3 + 0.35


def painted(paint):
    """Measured pictures of all prompts and seeds, by `paint(material, seed)`."""
    return measure(paint(m, s) for m in range(MATERIALS) for s in range(SEEDS))


def rolled_training(m, s):
    picture = TRAINING[4 * m + s]
    return turns(picture.roll((7 * s + 3, 11 * m + 5), (-2, -1)))[:, (m + s) % 8]


BASE_PICTURES = painted(lambda m, s: grey_noise(m, 50 + 3 * m + s))
GENERATORS = {
    "new renders": lambda m, s: render(m, 100 + s),
    "half way": lambda m, s: (render(m, 100 + s) + grey_noise(m, 10 + s)) / 2,
    "rolled and turned training renders": rolled_training,
    "always the same material": lambda m, s: render(0, 200 + 3 * m + s),
    "one picture a prompt": lambda m, s: render(m, 300),
    "black": lambda m, s: torch.zeros(3, 64, 64),
    "one colour": lambda m, s: torch.full((3, 64, 64), 0.4),
    "no numbers": lambda m, s: render(m, s + 100).where(torch.tensor(s > 0), torch.nan),
}


@pytest.fixture(scope="module")
def scorer():
    renders = Renders(
        measure(TRAINING), measure(picture for _, picture in HELD_OUT), [PROMPTS[m] for m, _ in HELD_OUT], True
    )
    return Scorer(renders, BASE_PICTURES, Layout(PROMPTS, SEEDS))


@pytest.fixture(scope="module")
def scored(scorer):
    base = scorer.score(BASE, BASE_PICTURES)
    cells = {
        name: scorer.score(Cell(f"{name}.safetensors", 1.0, 100 * number), painted(paint))
        for number, (name, paint) in enumerate(GENERATORS.items(), 1)
    }
    return base, cells


def chosen_among(scored, scorer, names):
    base, cells = scored
    given = [cells[name] for name in names]
    choice = choose(given, base, scorer.calibration, scorer.set_diversity)
    return choice, dict(zip(names, range(len(names)), strict=True))


def test_without_lora_style_is_0_and_noise_follows_no_prompt(scored):
    base, _ = scored
    assert base.style.value == 0
    assert base.value.value == 0
    assert abs(base.following.value) < 0.25


def test_new_renders_of_the_materials_have_style_and_following_near_1(scored):
    cell = scored[1]["new renders"]
    assert cell.style.value == pytest.approx(1, abs=0.1)
    assert cell.following.value > 0.9


def test_new_renders_win_and_all_that_is_degenerate_is_refused(scored, scorer):
    choice, numbers = chosen_among(scored, scorer, list(GENERATORS))
    assert choice.chosen == choice.best == numbers["new renders"]
    assert choice.chances[choice.best] > 0.9
    assert {name for name, number in numbers.items() if number in choice.refused} == {
        "rolled and turned training renders",
        "one picture a prompt",
        "black",
        "one colour",
        "no numbers",
    }


def test_copies_are_refused_although_they_look_best(scored, scorer):
    base, cells = scored
    copies = cells["rolled and turned training renders"]
    assert copies.copied.value == 1
    assert "training renders" in refusal(copies, base, scorer.calibration, scorer.set_diversity)


def test_painting_the_held_out_renders_themselves_wins(scored, scorer):
    base, cells = scored
    pictures = [HELD_OUT[2 * m + s % 2][1].roll(5 * s, -1) for m in range(MATERIALS) for s in range(SEEDS)]
    ideal = scorer.score(Cell("ideal.safetensors", 1.0, 50), measure(pictures))
    # Its third seed repeats the first, so the gate of diversity is not asked here.
    choice = choose([cells["half way"], replace(ideal, diversity=None)], base, scorer.calibration, scorer.set_diversity)
    assert choice.chosen == 1


def test_prompts_that_have_no_render_do_not_count_as_style():
    """Free prompts show what a LoRA made the model forget: a brick wall should not look like the renders."""
    renders = Renders(measure(TRAINING), measure(p for _, p in HELD_OUT), [PROMPTS[m] for m, _ in HELD_OUT], True)
    foreign = [grey_noise(0, 900 + s) for s in range(SEEDS)]
    wider = measure([*(grey_noise(m, 50 + 3 * m + s) for m in range(MATERIALS) for s in range(SEEDS)), *foreign])
    scorer = Scorer(renders, wider, Layout([*PROMPTS, "something else"], SEEDS))
    new = [render(m, 100 + s) for m in range(MATERIALS) for s in range(SEEDS)]
    kept, followed = (
        scorer.score(BASE, measure([*new, *others])) for others in (foreign, [render(0, 400 + s) for s in range(SEEDS)])
    )
    assert kept.style.value == followed.style.value > 0.9


def test_a_material_of_the_set_whatever_the_prompt_has_style_but_does_not_follow(scored):
    cell = scored[1]["always the same material"]
    assert cell.following.value < 0.5 * scored[1]["new renders"].following.value


def made_up(step, strength, value, noise=0.0, seed=0, **others):
    draws = value + noise * torch.randn(2000, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    score = Score(value, draws, 12)
    sure = Score(1.0, torch.ones(2000, dtype=torch.float64), 12)
    none = Score(0.0, torch.zeros(2000, dtype=torch.float64), 12)
    from tilewright.evaluation.scores import CellScores

    cell = Cell(f"run-step{step:08}.safetensors", strength, step)
    given = {"style": score, "following": none, "copied": none, "diversity": sure, "seamless": sure, "sound": sure}
    return CellScores(cell=cell, pictures=36, value=score, **{**given, **others})


def chosen(cells, scorer):
    base = made_up(0, 0.0, 0.0)
    return choose(cells, base, scorer.calibration, 1.0)


def test_among_cells_as_good_the_earliest_step_and_the_weight_nearest_1_is_taken(scorer):
    cells = [
        made_up(50, 1.0, 0.40, 0.05, 1),
        made_up(150, 0.4, 0.80, 0.05, 2),
        made_up(150, 0.9, 0.79, 0.05, 3),
        made_up(600, 1.0, 0.83, 0.05, 4),
        made_up(3000, 1.0, 0.81, 0.05, 5),
    ]
    choice = chosen(cells, scorer)
    assert choice.best == 3
    assert set(choice.as_good) == {1, 2, 3, 4}
    assert choice.chosen == 2
    assert 0 not in choice.not_worse


def test_a_best_cell_that_stands_out_is_taken_although_it_is_the_last(scorer):
    choice = chosen([made_up(50, 1.0, 0.4, 0.02, 1), made_up(3000, 1.0, 0.9, 0.02, 2)], scorer)
    assert choice.chosen == 1
    assert choice.chances[1] == 1


def test_equal_cells_win_about_equally_often(scorer):
    choice = chosen([made_up(50 * n, 1.0, 0.5, 0.1, n) for n in range(1, 5)], scorer)
    assert torch.allclose(choice.chances, torch.full((4,), 0.25), atol=0.05)


def test_no_cell_is_chosen_where_none_passes(scorer):
    sound = Score(0.5, torch.full((2000,), 0.5, dtype=torch.float64), 12)
    choice = chosen([made_up(50, 1.0, 0.4, sound=sound)], scorer)
    assert choice.chosen is None
    assert choice.refused == {0: "18 of 36 pictures show nothing"}


def test_the_front_holds_every_cell_that_is_best_for_some_weighing(scorer):
    def cell(style, following):
        scores = [Score(v, torch.full((2000,), v, dtype=torch.float64), 12) for v in (style, following)]
        return replace(made_up(50, 1.0, style + following), style=scores[0], following=scores[1])

    choice = chosen([cell(0.9, 0.1), cell(0.5, 0.5), cell(0.1, 0.9), cell(0.4, 0.4)], scorer)
    assert choice.front == (0, 1, 2)


def test_cells_that_no_longer_tile_are_refused_where_the_model_alone_did(scorer):
    half = Score(0.5, torch.full((2000,), 0.5, dtype=torch.float64), 12)
    assert "tile" in chosen([made_up(50, 1.0, 0.4, seamless=half)], scorer).refused[0]
