"""The contact sheet: a row for each file, a column for each weight, labels outside the pictures."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from .cells import Cell

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

PAPER, INK, FAINT, ALERT = "#14161a", "#e8e6e1", "#8b8f98", "#d9705e"
GAP, BETWEEN_CELLS, LINE = 2, 14, 22
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
) -> torch.Tensor:
    """(1, H, W, 3) in 0..1: in each cell a line for each prompt and in it the seeds, all pictures there are.

    tiled shows every picture 2 x 2 in the same place. notes stand below a cell, in red, and strike it out.
    """
    from PIL import Image, ImageDraw

    rows, columns = _axes(cells)
    size = _thumbnail(thumbnail, len(rows) * len(prompts), len(columns) * seeds)
    font = label_font(15)
    width, height = seeds * (size + GAP) - GAP, len(prompts) * (size + GAP) - GAP
    left = 24 + max(int(font.getlength(row)) for row in rows)
    below = LINE if notes else 0
    legend = [f"line {number}: {prompt}" for number, prompt in enumerate(prompts, 1)]
    page = (
        max(left + len(columns) * (width + BETWEEN_CELLS), 480),
        LINE + 16 + len(rows) * (height + below + BETWEEN_CELLS) + LINE * len(legend),
    )
    sheet = Image.new("RGB", page, PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, column in enumerate(columns):
        draw.text((left + number * (width + BETWEEN_CELLS) + width / 2, LINE / 2 + 4), column, INK, font, "mm")
    for cell in cells:
        x = left + columns.index(_column(cell)) * (width + BETWEEN_CELLS)
        y = LINE + 16 + (0 if cell.is_base else rows.index(cell.row)) * (height + below + BETWEEN_CELLS)
        _paste(sheet, pictures(cell), (x, y), size, seeds, tiled)
        if notes and notes.get(cell):
            _strike_out(draw, (x, y, x + width, y + height), notes[cell])
    for number, row in enumerate(rows):
        middle = LINE + 16 + number * (height + below + BETWEEN_CELLS) + height / 2
        draw.text((left - 12, middle), row, INK, font, "rm")
    for number, line in enumerate(legend):
        draw.text((12, page[1] - LINE * (len(legend) - number)), cut(line, page[0] - 24, 13), FAINT, label_font(13))
    return to_image(sheet)


def thumbnails(pictures: Sequence[torch.Tensor], size: int, tiled: bool = False) -> list[torch.Tensor]:
    """(3, h, w) each, h and w at most `size`, from (3, H, W); NaN or infinite values are black."""
    return [_shrunk(picture.tile(1, 2, 2) if tiled else picture, size) for picture in pictures]


def to_image(sheet: "Image") -> torch.Tensor:
    """(1, H, W, 3) of a picture of Pillow's."""
    import numpy as np

    return torch.from_numpy(np.array(sheet, dtype=np.float32) / 255).unsqueeze(0)


def cut(text: str, width: float, size: int) -> str:
    """`text` as far as it fits into `width` pixels."""
    font = label_font(size)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def paste_picture(sheet: "Image", picture: torch.Tensor, place: tuple[int, int]) -> None:
    """Put (3, H, W) in 0..1 on a picture of Pillow's."""
    from PIL import Image

    pixels = (picture.clamp(0, 1) * 255).round().byte().movedim(0, -1).contiguous()
    sheet.paste(Image.fromarray(pixels.numpy()), place)


def _axes(cells: Sequence[Cell]) -> tuple[list[str], list[str]]:
    """Labels of rows and columns; the model without LoRA has a column of its own, in the first row."""
    rows = list(dict.fromkeys(cell.row for cell in cells if not cell.is_base))
    columns = list(dict.fromkeys(_column(cell) for cell in cells))
    return rows or [""], columns


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
    draw.text((left, bottom + 4), cut(note, right - left, 13), ALERT, label_font(13))


def label_font(size: int) -> "FreeTypeFont | ImageFont":
    from PIL import ImageFont

    return ImageFont.load_default(size)
