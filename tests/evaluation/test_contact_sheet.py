"""Where pictures and words stand on a contact sheet."""

import math

import pytest
import torch
from PIL import Image
from tilewright.evaluation import sheet as drawing
from tilewright.evaluation import sheet_layout
from tilewright.evaluation.cells import BASE, Cell
from tilewright.evaluation.lettering import cut, label_font
from tilewright.evaluation.sheet import (
    ALERT,
    CHOSEN,
    PAPER,
    paste_picture,
    thumbnails,
    to_image,
)
from tilewright.evaluation.sheet_layout import BETWEEN_CELLS, LINE, NUMBER

CELL = Cell("bricks-step00000050.safetensors", 1.0, 50)
SIZE = 32


def contact_sheet(*args, **options):
    """(1, H, W, 3) in 0..1."""
    return to_image(drawing.contact_sheet(*args, **options))


def level(color):
    return [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]


def painted(cell):
    """Two prompts of one seed: red and green without LoRA, blue and white with it."""
    colors = torch.tensor([[1.0, 0, 0], [0, 1, 0]] if cell.is_base else [[0, 0, 1.0], [1, 1, 1]])
    return [color[:, None, None].expand(3, 16, 16) for color in colors]


def test_a_sheet_has_rows_of_files_columns_of_weights_and_lines_of_prompts():
    sheet = contact_sheet([BASE, CELL], painted, ["a wall", "a floor"], 1, SIZE)
    left, top = 24 + int(label_font(15).getlength("50")), LINE + 16 + NUMBER
    second_line, second_column = top + SIZE + 2 + NUMBER, left + SIZE + BETWEEN_CELLS
    places = {(top, left): [1, 0, 0], (second_line, left): [0, 1, 0], (top, second_column): [0, 0, 1]}
    for (y, x), color in places.items():
        block = sheet[0, y : y + SIZE, x : x + SIZE]
        assert torch.equal(block, torch.tensor(color).float().expand(SIZE, SIZE, 3))
        assert sheet[0, y, x - 1].tolist() == pytest.approx(level(PAPER))
    assert sheet.shape[1:3] == (LINE + 16 + 2 * (NUMBER + SIZE) + 2 + BETWEEN_CELLS + LINE, 480)


def test_several_prompts_are_numbered_above_their_pictures_and_in_the_list_below():
    def drawn(*prompts):
        return contact_sheet([BASE, CELL], lambda cell: painted(cell)[: len(prompts)], prompts, 1, SIZE)[0]

    one, two = drawn("a wall"), drawn("a wall", "a floor")
    paper = torch.tensor(level(PAPER))
    above = slice(LINE + 16, LINE + 16 + NUMBER), slice(40, 40 + SIZE)
    assert not torch.isclose(two[above], paper).all()
    assert torch.equal(one[LINE + 16, 24 + int(label_font(15).getlength("50"))], torch.tensor([1.0, 0, 0]))
    listed = [sheet[-LINE:] for sheet in (two, drawn("a wall", "a door"))]
    assert not torch.equal(*listed), "both prompts stand in one line"


def test_two_runs_at_the_same_step_have_rows_named_by_their_files():
    def drawn(*loras):
        return contact_sheet([Cell(lora, 1.0, 50) for lora in loras], lambda cell: painted(CELL), ["a wall"], 1, SIZE)

    assert not torch.equal(drawn("a.pt", "b.pt"), drawn("a.pt", "c.pt"))
    assert torch.equal(drawn("a.pt"), drawn("c.pt"))


def test_a_note_strikes_its_cell_out():
    plain = contact_sheet([BASE, CELL], painted, ["a wall"], 1, SIZE, notes={})
    struck = contact_sheet([BASE, CELL], painted, ["a wall"], 1, SIZE, notes={CELL: "copies"})
    x = 24 + int(label_font(15).getlength("50")) + SIZE + BETWEEN_CELLS
    middle = LINE + 16 + SIZE // 2, x + SIZE // 2
    assert plain[0][middle].tolist() == [0, 0, 1]
    assert struck[0][middle].tolist() == pytest.approx(level(ALERT))


def test_the_chosen_cell_has_a_green_frame():
    framed = contact_sheet([BASE, CELL], painted, ["a wall"], 1, SIZE, chosen=CELL)
    x = 24 + int(label_font(15).getlength("50")) + SIZE + BETWEEN_CELLS
    assert framed[0, LINE + 16 + SIZE // 2, x - 3].tolist() == pytest.approx(level(CHOSEN))
    assert framed[0, LINE + 16 + SIZE // 2, x].tolist() == [0, 0, 1]


def test_files_of_one_name_have_a_row_each():
    cells = [Cell("a/wall.pt", 1.0), Cell("b/wall.pt", 1.0)]
    one, two = (contact_sheet(cells[:count], painted, ["a wall"], 1, SIZE).shape[1] for count in (1, 2))
    assert two - one == SIZE + BETWEEN_CELLS


def test_more_prompts_than_find_room_are_counted(monkeypatch):
    monkeypatch.setattr(sheet_layout, "MOST_PIXELS", 1_000_000)
    prompts = [f"prompt {number}" for number in range(600)]
    cells = [BASE, *(Cell(f"{number}.pt", 1.0, number) for number in range(1, 3))]
    sheet = contact_sheet(cells, lambda cell: painted(cell) * 300, prompts, 1, SIZE)
    assert sheet[..., 0].numel() <= 1_000_000
    last_line = sheet[0, -sheet_layout.LINE :] - torch.tensor(level(PAPER))
    assert last_line.abs().max() > 0.2, "says how many are left out"


def test_words_are_drawn_in_a_font_that_has_their_letters():
    assert label_font(13, "wall") is label_font(13)
    wider = label_font(13, "стена")  # Cyrillic: of the fonts that are looked for, most machines have one
    assert wider.getlength("стена") > 0
    assert label_font(13, "\U0010fffe") is label_font(13), "no font has it, so Pillow's own draws its box"


def test_thumbnails_keep_their_shape_tile_and_show_no_numbers_as_black():
    picture = torch.full((3, 20, 40), math.nan)
    picture[:, :, 20:] = 1
    (small,) = thumbnails([picture], 8)
    assert small.shape == (3, 4, 8)
    assert small[:, :, 0].max() == 0 and small[:, :, -1].min() == pytest.approx(1)
    (tiled,) = thumbnails([picture], 16, tiled=True)
    assert tiled.shape == (3, 8, 16)
    assert tiled[0, 1, [1, 6, 9, 14]].tolist() == pytest.approx([0, 1, 0, 1])


def test_a_picture_is_pasted_where_it_is_told_rounded_and_within_range():
    page = Image.new("RGB", (8, 6), "#ffffff")
    paste_picture(page, torch.tensor([-1.0, 0.5, 2.0])[:, None, None].expand(3, 2, 3), (4, 1))
    image = to_image(page)
    assert image.shape == (1, 6, 8, 3) and image.dtype == torch.float32
    assert torch.equal(image[0, 1:3, 4:7], torch.tensor([0, 128 / 255, 1]).expand(2, 3, 3))
    assert image.sum() == 6 * 8 * 3 - 2 * 3 * 3 + image[0, 1:3, 4:7].sum()


def test_text_is_cut_to_the_width_it_has():
    width = label_font(13).getlength("a long text")
    assert cut("a long text", width, 13) == "a long text"
    short = cut("a long text", width - 1, 13)
    assert short.endswith("…") and label_font(13).getlength(short) <= width - 1
    assert label_font(26).getlength("a long text") == pytest.approx(2 * width, rel=0.05)
