"""The contact sheet: a row for each file, a column for each weight, labels outside the pictures."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from .cells import Cell
from .lettering import cut, label_font

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

PAPER, INK, FAINT, ALERT, CHOSEN = "#14161a", "#e8e6e1", "#8b8f98", "#d9705e", "#6fc3a5"
GAP, BETWEEN_CELLS, LINE = 2, 14, 22
TOP = LINE + 16  # above the first row
LONGEST_SIDE = 12_000  # pixels of a sheet: thumbnails shrink before an editor fails to show it
LEAST_THUMBNAIL = 24


def contact_sheet(
    cells: Sequence[Cell],
    pictures: Callable[[Cell], Sequence[torch.Tensor]],
    prompts: Sequence[str],
    seeds: int,
    thumbnail: int = 128,
    tiled: bool = False,
    notes: Mapping[Cell, str] | None = None,
    chosen: Cell | None = None,
) -> torch.Tensor:
    """(1, H, W, 3) in 0..1: in each cell a line for each prompt and in it the seeds.

    tiled shows every picture 2 x 2 in the same place. notes stand below a cell, in red, and strike it out; the chosen
    one has a green frame. Prompts for which even the smallest thumbnails find no room are counted at the end.
    """
    from PIL import Image, ImageDraw

    rows, columns = _axes(cells)
    most = max(1, LONGEST_SIDE // (len(rows) * (LEAST_THUMBNAIL + GAP)))
    lines = _lines(prompts, most)
    prompts = prompts[:most]
    size = _thumbnail(thumbnail, len(rows) * len(prompts), len(columns) * seeds)
    width, height = seeds * (size + GAP) - GAP, len(prompts) * (size + GAP) - GAP
    left = 24 + max(int(label_font(15, row).getlength(row)) for row in rows.values())
    across, down = width + BETWEEN_CELLS, height + (LINE if notes else 0) + BETWEEN_CELLS
    page = max(left + len(columns) * across, 480), TOP + len(rows) * down + LINE * len(lines)
    sheet = Image.new("RGB", page, PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, column in enumerate(columns):
        draw.text((left + number * across + width / 2, LINE / 2 + 4), column, INK, label_font(15), "mm")
    places = {name: number for number, name in enumerate(rows)}
    for cell in cells:
        x, y = left + columns.index(_column(cell)) * across, TOP + (0 if cell.is_base else places[cell.lora]) * down
        _paste(sheet, pictures(cell)[: len(prompts) * seeds], (x, y), size, seeds, tiled)
        box = (x, y, x + width, y + height)
        if notes and notes.get(cell):
            _strike_out(draw, box, notes[cell])
        if cell == chosen:
            draw.rectangle((x - 4, y - 4, x + width + 3, y + height + 3), outline=CHOSEN, width=3)
    for number, row in enumerate(rows.values()):
        draw.text((left - 12, TOP + number * down + height / 2), row, INK, label_font(15, row), "rm")
    for number, line in enumerate(lines):
        place = 12, page[1] - LINE * (len(lines) - number)
        draw.text(place, cut(line, page[0] - 24, 13), FAINT, label_font(13, line))
    return to_image(sheet)


def _lines(prompts: Sequence[str], most: int) -> list[str]:
    """What stands below the pictures: which line is which prompt, and how many have none."""
    lines = [f"line {number}: {prompt}" for number, prompt in enumerate(prompts[:most], 1)]
    left_out = len(prompts) - most
    return lines if left_out <= 0 else [*lines, f"{left_out} more prompts are painted, and find no room here."]


def thumbnails(pictures: Sequence[torch.Tensor], size: int, tiled: bool = False) -> list[torch.Tensor]:
    """(3, h, w) each, h and w at most `size`, from (3, H, W); NaN or infinite values are black."""
    return [_shrunk(picture.tile(1, 2, 2) if tiled else picture, size) for picture in pictures]


def to_image(sheet: "Image") -> torch.Tensor:
    """(1, H, W, 3) of a picture of Pillow's."""
    import numpy as np

    return torch.from_numpy(np.array(sheet, dtype=np.float32) / 255).unsqueeze(0)


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


def _thumbnail(wanted: int, down: int, across: int) -> int:
    return max(LEAST_THUMBNAIL, min(wanted, LONGEST_SIDE // max(down, across, 1) - GAP))


def _paste(
    sheet: "Image",
    pictures: Sequence[torch.Tensor],
    place: tuple[int, int],
    size: int,
    seeds: int,
    tiled: bool,
) -> None:
    for number, picture in enumerate(thumbnails(pictures, size, tiled)):
        line, seed = divmod(number, seeds)
        paste_picture(sheet, picture, (place[0] + seed * (size + GAP), place[1] + line * (size + GAP)))


def _shrunk(picture: torch.Tensor, size: int) -> torch.Tensor:
    height, width = picture.shape[-2:]
    scale = size / max(height, width)
    target = max(1, round(height * scale)), max(1, round(width * scale))
    clean = picture.nan_to_num(0, 0, 0)[None]
    return F.interpolate(clean, target, mode="bilinear", antialias=True, align_corners=False)[0].clamp(0, 1)


def _strike_out(draw: "ImageDraw", box: tuple[int, int, int, int], note: str) -> None:
    left, top, right, bottom = box
    draw.line((left, top, right, bottom), ALERT, 2)
    draw.text((left, bottom + 4), cut(note, right - left, 13), ALERT, label_font(13, note))
