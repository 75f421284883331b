import pytest
from tilewright.common.errors import InputError
from tilewright.evaluation.cells import BASE, Cell, find_cell, match_loras, named, parse_strengths, step_of

LISTED = [
    "bricks.safetensors",
    "bricks-step00000050.safetensors",
    "bricks-step00001000.safetensors",
    "bricks-step00000600.safetensors",
    "bricks_old.safetensors",
    "sub\\plaster-000004.safetensors",
    "sub\\plaster-000010.safetensors",
    "sub\\plaster.safetensors",
]


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("0 0.4 0.7 1", [0, 0.4, 0.7, 1]),
        ("0-1 [5]", [0, 0.25, 0.5, 0.75, 1]),
        ("0-1[3], 1.2", [0, 0.5, 1, 1.2]),
        ("1,1;0.5", [1, 0.5]),
        ("0,1", [0, 1]),
        ("0,1,2", [0, 1, 2]),
        ("0,1,2,3", [0, 1, 2, 3]),
        ("0,1 2", [0, 1, 2]),
        ("0, 4", [0, 4]),
        ("-1 .5", [-1, 0.5]),
        ("-0.5-0.5 [3]", [-0.5, 0, 0.5]),
        ("0 -0.5", [0, -0.5]),
        ("0，0.4、0．7；1", [0, 0.4, 0.7, 1]),
        ("０－１ [３]", [0, 0.5, 1]),
    ],
)
def test_strengths_are_numbers_and_ranges(text, weights):
    assert parse_strengths(text) == weights


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "a",
        "0 0.4x",
        "0-1",
        "0-1 [1]",
        "0-1 [100000]",
        "1e9 1",
        "1e-1",
        "nan",
        "inf",
        "-200",
        "500",
        "0,4 1",
        "0,75",
        "0,05",
        "0,1 0,2",
        "0,4,0,7",
        "1,1",
    ],
)
def test_other_strengths_are_told(text):
    with pytest.raises(InputError, match="strengths"):
        parse_strengths(text)


def test_a_run_gives_its_checkpoints_in_order_and_its_last_file_after_them():
    assert match_loras("bricks", LISTED) == [LISTED[1], LISTED[3], LISTED[2], LISTED[0]]
    assert match_loras("sub/plaster", LISTED) == LISTED[5:]


def test_a_file_and_a_pattern_and_none_twice():
    assert match_loras("bricks.safetensors\nbricks*\n", LISTED)[0] == "bricks.safetensors"
    assert len(match_loras("bricks.safetensors\nbricks*", LISTED)) == 5
    assert match_loras("sub/plaster-*", LISTED) == LISTED[5:7]


def test_brackets_and_letters_of_any_script_are_part_of_a_name():
    listed = ["砖墙 [v2] (a).safetensors", "砖墙 [v2] (a)-step00000050.safetensors", "砖墙 v.safetensors"]
    assert match_loras("砖墙 [v2]*", listed) == [listed[1], listed[0]]
    assert match_loras("砖墙 [v2] (a)", listed) == [listed[1], listed[0]]


def test_an_unknown_name_is_told_with_the_nearest():
    with pytest.raises(InputError, match="no LoRA of that name(.|\n)*bricks.safetensors"):
        match_loras("brikcs", LISTED)
    with pytest.raises(InputError, match="there is no LoRA in any"):
        match_loras("bricks", [])
    with pytest.raises(InputError, match="loras is empty"):
        match_loras(" \n", LISTED)


def test_the_step_comes_from_the_file_or_its_name():
    assert step_of("bricks.safetensors", {"ss_steps": "1200"}) == 1200
    assert step_of("bricks-step00000050.safetensors", {}) == 50
    assert step_of("bricks.safetensors", {"ss_steps": "many"}) is None


def test_a_choice_names_a_cell_by_step_or_file():
    cells = [Cell("", 0.0), Cell("sub/a.safetensors", 0.4, 50), Cell("sub/a.safetensors", 1.0, 50), Cell("b.pt", 1.0)]
    assert find_cell("50@1", cells) is cells[2]
    assert find_cell(" a.safetensors @ 0.40", cells) is cells[1]
    assert find_cell("b@1.0", cells) is cells[3]
    for unknown in ("50", "60@1", "50@0.5", "50@x"):
        with pytest.raises(InputError, match="50@0.4, 50@1, b@1"):
            find_cell(unknown, cells)


def test_files_of_one_name_in_two_folders_are_told_apart():
    cells = [Cell("a/wall.safetensors", 1.0), Cell("b/wall.safetensors", 1.0)]
    assert [str(cell) for cell in cells] == ["a/wall@1", "b/wall@1"]
    assert find_cell("b/wall@1", cells) is cells[1]
    assert find_cell("a\\wall.safetensors@1", cells) is cells[0]
    with pytest.raises(InputError, match="more than one cell(.|\n)*a/wall.safetensors@1, b/wall.safetensors@1"):
        find_cell("wall@1", cells)


def test_checkpoints_of_two_runs_at_one_step_are_named_by_their_files_and_found_again():
    cells = [BASE, Cell("a/run-500.safetensors", 1.0, 500), Cell("b\\run.safetensors", 1.0, 500),
             Cell("b\\run.safetensors", 0.5, 500)]  # fmt: skip
    names = [named(cell, cells) for cell in cells]
    assert names == ["no LoRA", "a/run-500.safetensors@1", "b\\run.safetensors@1", "500@0.5"]
    assert [find_cell(name, cells) for name in names[1:]] == cells[1:]
    with pytest.raises(InputError, match="no such cell(.|\n)*a/run-500.safetensors@1, (.|\n)*, 500@0.5"):
        find_cell("600@1", cells)
