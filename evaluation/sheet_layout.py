"""Where everything stands on a contact sheet.

The pictures of a cell lie in as many columns as make the whole sheet about as wide as a screen, and words grow with it:
whoever sees it in a node sees it many times smaller.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

PROPORTION = 4 / 3  # of width to height: between a node's and a screen's
LONGEST_SIDE = 12_000  # pixels of a sheet: thumbnails shrink before an editor fails to show it
MOST_PIXELS = 48_000_000  # half a gigabyte as an IMAGE; image libraries warn of more than 89 million
LEAST_THUMBNAIL = 24
LEAST_WIDTH = 480
GAP, BETWEEN_PROMPTS, BETWEEN_CELLS, LINE, NUMBER = 2, 8, 14, 22, 16
LABEL, NOTE, MARGIN = 15, 13, 24  # sizes of letters, and the room beside words
FULL_SIZE = 900  # of a sheet of so many pixels words and gaps have these sizes, of one twice as wide twice these, as
# long as a label is no higher than a quarter of a cell


@dataclass(frozen=True)
class Words:
    """How wide the widest of each are: labels of rows and of columns in letters of `LABEL` px, prompts in `NOTE` px."""

    row: float
    column: float
    prompt: float


@dataclass(frozen=True)
class Shown:
    """How many of everything there are on a sheet, and whether notes stand below its cells."""

    rows: int
    columns: int
    prompts: int
    seeds: int
    notes: bool = False
    left_out: int = 0  # prompts that find no room


@dataclass(frozen=True)
class SheetLayout:
    """A sheet on which every cell has `beside` prompts in a line, and each prompt its seeds in `lines` lines.

    Pictures are at most `thumbnail` px wide and high. All places and sizes are in pixels.
    """

    shown: Shown
    words: Words
    thumbnail: int
    beside: int = 1
    lines: int = 1

    @property
    def seeds_in_line(self) -> int:
        return -(-self.shown.seeds // self.lines)

    @property
    def number_height(self) -> int:
        """Of the line above a prompt's pictures that says which prompt it is; of a single one nothing need be said."""
        return NUMBER if self.shown.prompts > 1 else 0

    @property
    def block(self) -> tuple[int, int]:
        """Width and height of one prompt's pictures, with its number."""
        each = self.thumbnail + GAP
        return self.seeds_in_line * each - GAP, self.number_height + self.lines * each - GAP

    @cached_property
    def cell(self) -> tuple[int, int]:
        (width, height), down = self.block, -(-self.shown.prompts // self.beside)
        return self.beside * (width + BETWEEN_PROMPTS) - BETWEEN_PROMPTS, down * (height + GAP) - GAP

    @cached_property
    def scale(self) -> float:
        (width, height), shown = self.cell, self.shown
        wanted = max(shown.columns * width, shown.rows * height * PROPORTION) / FULL_SIZE
        return max(1.0, min(wanted, min(width, height) / (4 * LABEL)))

    def scaled(self, pixels: float) -> int:
        return round(pixels * self.scale)

    @cached_property
    def row_letters(self) -> int:
        """Size of the letters of rows' labels, which take at most a fifth of the pictures' width if they are large."""
        room = self.shown.columns * self.cell[0] / 5
        return max(LABEL, min(self.scaled(LABEL), int(LABEL * room / max(self.words.row, 1))))

    @cached_property
    def column_letters(self) -> int:
        """Size of the letters of columns' labels, which are no wider than a cell if they can be read so."""
        return max(NOTE, min(self.scaled(LABEL), int(LABEL * self.cell[0] / max(self.words.column, 1))))

    @property
    def note_letters(self) -> int:
        return self.scaled(NOTE)

    @property
    def line_height(self) -> int:
        return self.scaled(LINE)

    @cached_property
    def corner(self) -> tuple[int, int]:
        """Where the first cell begins."""
        return MARGIN + int(self.words.row * self.row_letters / LABEL), self.line_height + self.scaled(16)

    @cached_property
    def stride(self) -> tuple[int, int]:
        """From one cell to the next."""
        between = self.scaled(BETWEEN_CELLS)
        return self.cell[0] + between, self.cell[1] + between + (self.line_height if self.shown.notes else 0)

    @cached_property
    def width(self) -> int:
        return max(self.corner[0] + self.shown.columns * self.stride[0], LEAST_WIDTH)

    @cached_property
    def prompt_columns(self) -> int:
        """In how many columns the list of prompts stands below the pictures."""
        each = self.words.prompt * self.note_letters / NOTE + MARGIN
        return max(1, min(int((self.width - MARGIN) / each), self.shown.prompts))

    @property
    def prompt_lines(self) -> int:
        return -(-self.shown.prompts // self.prompt_columns) + (self.shown.left_out > 0)

    @cached_property
    def height(self) -> int:
        return self.corner[1] + self.shown.rows * self.stride[1] + self.line_height * self.prompt_lines

    @property
    def fits(self) -> bool:
        return max(self.width, self.height) <= LONGEST_SIDE and self.width * self.height <= MOST_PIXELS

    def cell_place(self, column: int, row: int) -> tuple[int, int]:
        return self.corner[0] + column * self.stride[0], self.corner[1] + row * self.stride[1]

    def block_place(self, prompt: int) -> tuple[int, int]:
        """Where in a cell a prompt's number and pictures begin."""
        (width, height), (down, across) = self.block, divmod(prompt, self.beside)
        return across * (width + BETWEEN_PROMPTS), down * (height + GAP)

    def picture_place(self, number: int) -> tuple[int, int]:
        """Where in a cell a picture stands; prompts outer, seeds inner."""
        prompt, seed = divmod(number, self.shown.seeds)
        (x, y), (down, across) = self.block_place(prompt), divmod(seed, self.seeds_in_line)
        each = self.thumbnail + GAP
        return x + across * each, y + self.number_height + down * each

    def prompt_place(self, number: int) -> tuple[int, int, int]:
        """Left, top and width of a line of the list of prompts, which runs down column by column."""
        down = -(-self.shown.prompts // self.prompt_columns)
        column, line = divmod(number, down)
        width = (self.width - MARGIN) // self.prompt_columns
        top = self.height - self.line_height * (self.prompt_lines - line)
        return MARGIN // 2 + column * width, top, width - (MARGIN if self.prompt_columns > 1 else 0)


def sheet_layout(
    rows: int, columns: int, prompts: int, seeds: int, words: Words, thumbnail: int, notes: bool
) -> SheetLayout:
    """The layout with the largest thumbnails up to `thumbnail`, and of these the one nearest to `PROPORTION`.

    Of more prompts than the smallest thumbnails leave room for, those that find none are counted in `shown.left_out`.
    """

    def of(number: int) -> SheetLayout | None:
        return _best(Shown(rows, columns, number, seeds, notes, prompts - number), words, thumbnail)

    some, most = 1, prompts
    if whole := of(prompts):
        return whole
    while some < most - 1:
        middle = (some + most) // 2
        some, most = (middle, most) if of(middle) else (some, middle)
    return of(some) or _narrowest(Shown(rows, columns, 1, seeds, notes, prompts - 1), words)


def _best(shown: Shown, words: Words, thumbnail: int) -> SheetLayout | None:
    fitting = [layout for ways in _ways(shown) if (layout := _largest(shown, words, thumbnail, *ways))]
    return min(fitting, key=lambda layout: (-layout.thumbnail, _apart(layout), layout.beside), default=None)


def _apart(layout: SheetLayout) -> float:
    return abs(math.log(layout.width / layout.height / PROPORTION))


def _ways(shown: Shown) -> Iterable[tuple[int, int]]:
    """(beside, lines): prompts one below the other with their seeds in several lines, or several prompts in a line."""
    for seeds_in_line in _fewest(shown.seeds):
        yield 1, -(-shown.seeds // seeds_in_line)
    for beside in _fewest(shown.prompts):
        if beside > 1:
            yield beside, 1


def _fewest(number: int) -> list[int]:
    """The fewest in a line for every count of lines that so many can make."""
    counts = sorted({-(-number // in_line) for in_line in range(1, number + 1)})
    return [-(-number // lines) for lines in counts]


def _largest(shown: Shown, words: Words, thumbnail: int, beside: int, lines: int) -> SheetLayout | None:
    """With the largest thumbnails with which the sheet is not too long; None if it is with the smallest."""

    def fitting(size: int) -> SheetLayout | None:
        layout = SheetLayout(shown, words, size, beside, lines)
        return layout if layout.fits else None

    if found := fitting(thumbnail):
        return found
    least, most = LEAST_THUMBNAIL, thumbnail
    found = fitting(least)
    while found and least < most - 1:
        middle = (least + most) // 2
        larger = fitting(middle)
        least, most, found = (middle, most, larger) if larger else (least, middle, found)
    return found


def _narrowest(shown: Shown, words: Words) -> SheetLayout:
    """For so many cells that no sheet holds them: too long it is, with the smallest thumbnails."""
    ways = [SheetLayout(shown, words, LEAST_THUMBNAIL, *way) for way in _ways(shown)]
    return min(ways, key=lambda layout: max(layout.width, layout.height))
