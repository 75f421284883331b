"""The contact sheet: a row for each file, a column for each weight, labels outside the pictures."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from .cells import Cell
from .lettering import cut, label_font
from .sheet_layout import LABEL, MARGIN, NOTE, SheetLayout, Words, sheet_layout

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

PAPER, INK, FAINT, ALERT, CHOSEN = "#14161a", "#e8e6e1", "#8b8f98", "#d9705e", "#6fc3a5"


def contact_sheet(
    cells: Sequence[Cell],
    pictures: Callable[[Cell], Sequence[torch.Tensor]],
    prompts: Sequence[str],
    seeds: int,
    thumbnail: int = 128,
    tiled: bool = False,
    notes: Mapping[Cell, str] | None = None,
    chosen: Cell | None = None,
) -> "Image":
    """In each cell every prompt with its seeds, in as many columns as suit a screen.

    tiled shows every picture 2 x 2 in the same place. notes stand below a cell, in red, and strike it out; the chosen
    one has a green frame. Prompts for which even the smallest thumbnails find no room are counted at the end.
    """
    from PIL import Image, ImageDraw

    rows, columns = _axes(cells)
    words = Words(_widest(rows.values(), LABEL), _widest(columns, LABEL), _widest(_listed(prompts), NOTE))
    layout = sheet_layout(len(rows), len(columns), len(prompts), seeds, words, thumbnail, bool(notes))
    sheet = Image.new("RGB", (layout.width, layout.height), PAPER)
    draw = ImageDraw.Draw(sheet)
    _label_axes(draw, layout, list(rows.values()), columns)
    _list_prompts(draw, layout, prompts)
    places = {name: number for number, name in enumerate(rows)}
    for cell in cells:
        place = layout.cell_place(columns.index(_column(cell)), 0 if cell.is_base else places[cell.lora])
        _paste(sheet, pictures(cell), place, layout, tiled)
        _number_prompts(draw, layout, place)
        if notes and notes.get(cell):
            _strike_out(draw, layout, place, notes[cell])
        if cell == chosen:
            _frame(draw, layout, place)
    return sheet


def thumbnails(pictures: Sequence[torch.Tensor], size: int, tiled: bool = False) -> list[torch.Tensor]:
    """(3, h, w) each, h and w at most `size`, from (3, H, W); NaN or infinite values are black."""
    return [_shrunk(picture.tile(1, 2, 2) if tiled else picture, size) for picture in pictures]


def to_image(sheet: "Image") -> torch.Tensor:
    """(1, H, W, 3) of a picture of Pillow's."""
    import numpy as np

    return torch.from_numpy(np.array(sheet)).float().div_(255).unsqueeze(0)


def paste_picture(sheet: "Image", picture: torch.Tensor, place: tuple[int, int]) -> None:
    """Put (3, H, W) in 0..1 on a picture of Pillow's."""
    from PIL import Image

    pixels = (picture.clamp(0, 1) * 255).round().byte().movedim(0, -1).contiguous()
    sheet.paste(Image.fromarray(pixels.numpy()), place)


def _axes(cells: Sequence[Cell]) -> tuple[dict[str, str], list[str]]:
    """Labels of rows by their files, and labels of columns; the model without LoRA has a column of its own."""
    rows = {cell.lora: cell.row for cell in cells if not cell.is_base}
    alike = Counter(rows.values())
    rows = {lora: row if alike[row] == 1 else lora for lora, row in rows.items()}
    columns = list(dict.fromkeys(_column(cell) for cell in cells))
    return rows or {"": ""}, columns


def _column(cell: Cell) -> str:
    return cell.row if cell.is_base else f"{cell.strength:g}"


def _widest(words: Iterable[str], size: int) -> float:
    return max((float(label_font(size, word).getlength(word)) for word in words), default=0.0)


def _listed(prompts: Sequence[str]) -> list[str]:
    """As they stand below the pictures: with the number that stands above theirs, if there are several."""
    return [f"{number}: {prompt}" for number, prompt in enumerate(prompts, 1)] if len(prompts) > 1 else list(prompts)


def _label_axes(draw: "ImageDraw", layout: SheetLayout, rows: Sequence[str], columns: Sequence[str]) -> None:
    (left, top), (width, height) = layout.corner, layout.cell
    for number, column in enumerate(columns):
        middle = layout.cell_place(number, 0)[0] + width / 2
        draw.text((middle, top / 2 - 4), column, INK, label_font(layout.column_letters, column), "mm")
    for number, row in enumerate(rows):
        middle = layout.cell_place(0, number)[1] + height / 2
        draw.text((left - MARGIN / 2, middle), row, INK, label_font(layout.row_letters, row), "rm")


def _list_prompts(draw: "ImageDraw", layout: SheetLayout, prompts: Sequence[str]) -> None:
    size, shown = layout.note_letters, layout.shown
    for number, line in enumerate(_listed(prompts)[: shown.prompts]):
        left, top, width = layout.prompt_place(number)
        draw.text((left, top), cut(line, width, size), FAINT, label_font(size, line))
    if shown.left_out:
        place = MARGIN / 2, layout.height - layout.line_height
        words = f"{shown.left_out} more prompts are painted, and find no room here."
        draw.text(place, words, FAINT, label_font(size))


def _number_prompts(draw: "ImageDraw", layout: SheetLayout, place: tuple[int, int]) -> None:
    if layout.number_height:
        for prompt in range(layout.shown.prompts):
            x, y = layout.block_place(prompt)
            draw.text((place[0] + x, place[1] + y), str(prompt + 1), FAINT, label_font(NOTE))


def _paste(
    sheet: "Image", pictures: Sequence[torch.Tensor], place: tuple[int, int], layout: SheetLayout, tiled: bool
) -> None:
    shown = pictures[: layout.shown.prompts * layout.shown.seeds]
    for number, picture in enumerate(thumbnails(shown, layout.thumbnail, tiled)):
        x, y = layout.picture_place(number)
        paste_picture(sheet, picture, (place[0] + x, place[1] + y))


def _shrunk(picture: torch.Tensor, size: int) -> torch.Tensor:
    height, width = picture.shape[-2:]
    scale = size / max(height, width)
    target = max(1, round(height * scale)), max(1, round(width * scale))
    clean = picture.nan_to_num(0, 0, 0)[None]
    return F.interpolate(clean, target, mode="bilinear", antialias=True, align_corners=False)[0].clamp(0, 1)


def _strike_out(draw: "ImageDraw", layout: SheetLayout, place: tuple[int, int], note: str) -> None:
    (left, top), (width, height) = place, layout.cell
    draw.line((left, top, left + width, top + height), ALERT, layout.scaled(2))
    size = max(NOTE, min(layout.note_letters, int(NOTE * width / _widest([note], NOTE))))
    draw.text((left, top + height + 4), cut(note, width, size), ALERT, label_font(size, note))


def _frame(draw: "ImageDraw", layout: SheetLayout, place: tuple[int, int]) -> None:
    (left, top), (width, height), apart = place, layout.cell, layout.scaled(4)
    box = left - apart, top - apart, left + width + apart - 1, top + height + apart - 1
    draw.rectangle(box, outline=CHOSEN, width=layout.scaled(3))
