"""In how many columns the pictures of a cell lie, and where everything stands on a sheet."""

from itertools import product

import pytest
from tilewright.evaluation.sheet_layout import (
    BETWEEN_CELLS,
    BETWEEN_PROMPTS,
    GAP,
    LEAST_THUMBNAIL,
    LINE,
    LONGEST_SIDE,
    MOST_PIXELS,
    NUMBER,
    SheetLayout,
    Shown,
    Words,
    sheet_layout,
)

WORDS = Words(row=24, column=50, prompt=300)
SIDE = 128


def laid(rows, columns, prompts, seeds, thumbnail=SIDE, notes=False):
    return sheet_layout(rows, columns, prompts, seeds, WORDS, thumbnail, notes)


def boxes(layout):
    """Of every picture of a cell: left, top, right, bottom."""
    places = map(layout.picture_place, range(layout.shown.prompts * layout.shown.seeds))
    return [(x, y, x + layout.thumbnail, y + layout.thumbnail) for x, y in places]


def test_prompts_stand_beside_one_another_with_their_seeds_and_their_number_above():
    layout = SheetLayout(Shown(1, 1, 5, 2), WORDS, 100, beside=3)
    pair = 2 * 100 + GAP
    assert layout.block == (pair, NUMBER + 100)
    assert layout.cell == (3 * pair + 2 * BETWEEN_PROMPTS, 2 * (NUMBER + 100) + GAP)
    assert [layout.picture_place(number) for number in (0, 1, 2, 6)] == [
        (0, NUMBER),
        (100 + GAP, NUMBER),
        (pair + BETWEEN_PROMPTS, NUMBER),
        (0, NUMBER + 100 + GAP + NUMBER),
    ]
    assert layout.block_place(4) == (pair + BETWEEN_PROMPTS, NUMBER + 100 + GAP)


def test_the_seeds_of_a_single_prompt_wrap_and_it_needs_no_number():
    layout = laid(1, 1, 1, 12)
    assert (layout.seeds_in_line, layout.lines, layout.number_height) == (4, 3, 0)
    assert layout.picture_place(5) == (SIDE + GAP, SIDE + GAP)
    assert layout.cell == (4 * SIDE + 3 * GAP, 3 * SIDE + 2 * GAP)


def test_cells_stand_in_rows_and_columns_below_the_labels_at_the_size_of_a_small_sheet():
    layout = laid(2, 2, 1, 1)
    assert layout.scale == 1
    assert layout.cell_place(0, 0) == (24 + 24, LINE + 16)
    assert layout.cell_place(1, 1) == (48 + SIDE + BETWEEN_CELLS, LINE + 16 + SIDE + BETWEEN_CELLS)
    assert (layout.width, layout.height) == (480, LINE + 16 + 2 * (SIDE + BETWEEN_CELLS) + LINE)
    assert laid(2, 2, 1, 1, notes=True).stride[1] == SIDE + BETWEEN_CELLS + LINE


def test_twelve_pictures_of_a_cell_no_longer_make_a_strip():
    strip = SheetLayout(Shown(5, 4, 7, 2), WORDS, 96)
    layout = laid(5, 4, 7, 2, thumbnail=96)
    assert strip.width / strip.height < 0.3
    assert layout.beside == 3 and layout.thumbnail == 96
    assert layout.width / layout.height == pytest.approx(4 / 3, rel=0.2)


@pytest.mark.parametrize("rows, columns", [(1, 1), (2, 3), (4, 4), (6, 5)])
@pytest.mark.parametrize("prompts, seeds", [(1, 12), (2, 6), (4, 3), (6, 2), (12, 1)])
def test_sheets_of_twelve_pictures_a_cell_are_about_as_wide_as_a_screen(rows, columns, prompts, seeds):
    layout = laid(rows, columns, prompts, seeds)
    assert 0.9 < layout.width / layout.height < 2.35
    assert layout.thumbnail == SIDE


@pytest.mark.parametrize("prompts, seeds", [*product((1, 2, 4, 7), (1, 2, 5))])
def test_no_two_pictures_lie_on_each_other_nor_outside_their_cell(prompts, seeds):
    layout = laid(3, 3, prompts, seeds)
    places = boxes(layout)
    for number, (left, top, right, bottom) in enumerate(places):
        assert left >= 0 and top >= layout.number_height and right <= layout.cell[0] and bottom <= layout.cell[1]
        assert all(right <= x or x2 <= left or bottom <= y or y2 <= top for x, y, x2, y2 in places[:number])


def test_words_grow_with_the_sheet_so_that_they_can_be_read_in_a_node():
    layout = laid(6, 5, 6, 2)
    in_a_node = 520 / layout.width
    assert min(layout.row_letters, layout.column_letters, layout.line_height) * in_a_node > 7
    assert laid(1, 1, 1, 1).row_letters == 15
    long = sheet_layout(6, 5, 6, 2, Words(400, 50, 300), SIDE, False)
    assert 400 * long.row_letters / 15 <= 5 * long.cell[0] / 5 < 400 * layout.row_letters / 15


def test_the_list_of_prompts_has_columns_where_it_has_room():
    layout = laid(6, 5, 6, 2)
    (left, top, width), last = layout.prompt_place(0), layout.prompt_place(5)
    assert layout.prompt_columns > 1 and layout.prompt_lines < 6
    assert layout.prompt_place(layout.prompt_lines)[1] == top
    assert layout.prompt_place(layout.prompt_lines)[0] >= left + width
    assert last[0] + last[2] <= layout.width
    assert last[1] + layout.line_height <= layout.height
    assert laid(1, 1, 6, 2).prompt_columns == 1


def test_large_grids_have_smaller_thumbnails_and_leave_out_what_finds_no_room():
    large = laid(30, 20, 12, 3)
    assert LEAST_THUMBNAIL < large.thumbnail < SIDE and large.shown.left_out == 0
    assert large.width * large.height <= MOST_PIXELS < 1.2 * large.width * large.height
    too_large = laid(10, 5, 4000, 2)
    assert too_large.shown.left_out > 0 and too_large.shown.prompts + too_large.shown.left_out == 4000
    assert too_large.thumbnail >= LEAST_THUMBNAIL
    assert max(too_large.width, too_large.height) <= LONGEST_SIDE
    assert too_large.width * too_large.height <= MOST_PIXELS
    endless = laid(1000, 1, 3, 1)
    assert endless.shown.prompts == 1 and endless.thumbnail == LEAST_THUMBNAIL
