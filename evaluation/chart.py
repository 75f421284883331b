"""The picture of a scored grid: a table with intervals as bars, style against prompt following, and the verdict."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from .cells import named
from .label_places import Point, label_places
from .lettering import cut, label_font
from .score_grid import Result
from .scores import CellScores, Score
from .sheet import ALERT, CHOSEN, FAINT, INK, PAPER, to_image
from .sheet_layout import LINE
from .words import rounded, verdict

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

GRID, MARK = "#2a2e35", "#8aa5c2"
LABEL, COLUMN, ROOM = 150, 170, 24  # widths in pixels: of the cells' names, of a score, and around everything
PLOT = 420
BESIDE = 40  # between the plot and the words
LEAST_WORDS = 520
MOST_ROWS = 60


def score_chart(result: Result) -> torch.Tensor:
    """(1, H, W, 3) in 0..1: every cell with its scores, refused ones in red with the reason, the chosen one green, and
    in words which was chosen and why."""
    from PIL import Image, ImageDraw

    shown = _shown(result)
    columns = _columns([result.base, *result.cells])
    plot = ROOM + 60
    words = plot + PLOT + BESIDE
    width = max(2 * ROOM + LABEL + (len(columns) + 3) * COLUMN, words + LEAST_WORDS + ROOM)
    lines = [line for sentence in verdict(result) for line in _wrapped(sentence, width - words - ROOM)]
    height = 2 * ROOM + LINE * (len(shown) + 3) + max(PLOT, LINE * len(lines)) + 2 * LINE
    page = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(page)
    top = _table(draw, result, shown, columns) + 2 * LINE
    _plot(draw, result, plot, top)
    for number, line in enumerate(lines):
        color = CHOSEN if not number else INK
        draw.text((words, top + number * LINE), line, color, label_font(15, line))
    return to_image(page)


def _wrapped(text: str, width: int) -> list[str]:
    """`text` in lines that are at most so many pixels wide; a word that is longer than that is cut."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if label_font(15, longer).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(cut(word, width, 15))
    return [line for line in lines if line]


def _shown(result: Result) -> list[int]:
    """Numbers of cells, -1 for the model without LoRA; of a large grid those that rank best."""
    numbers = list(range(-1, len(result.cells)))
    if len(numbers) <= MOST_ROWS:
        return numbers
    ranked = sorted(numbers[1:], key=lambda n: (n in result.choice.refused, -result.cells[n].value.value))
    return [-1, *sorted(ranked[: MOST_ROWS - 1])]


def _columns(cells: Sequence[CellScores]) -> list[str]:
    """Names of the scores that at least one cell has."""
    own = [
        name
        for name in ("style", "following", "copied", "diversity", "seamless")
        if any(_score(c, name) for c in cells)
    ]
    return own + list(dict.fromkeys(name for scores in cells for name in scores.others))


def _score(scores: CellScores, name: str) -> Score | None:
    return scores.others.get(name) or getattr(scores, name, None)


def _table(draw: "ImageDraw", result: Result, shown: Sequence[int], columns: Sequence[str]) -> int:
    """Draws it and gives the y below it."""
    cells = [result.base if number < 0 else result.cells[number] for number in shown]
    y = ROOM
    for number, name in enumerate([*columns, "best in"]):
        draw.text((ROOM + LABEL + number * COLUMN, y), name, FAINT, label_font(14))
    edges = [_range([score for scores in cells if (score := _score(scores, name))]) for name in columns]
    for number, scores in zip(shown, cells, strict=True):
        y += LINE
        chosen, refused = scores.cell == result.chosen, result.choice.refused.get(number)
        color = CHOSEN if chosen else ALERT if refused else INK
        name = cut(named(scores.cell, result.grid.cells), LABEL - 10, 14)
        draw.text((ROOM, y), name, color, label_font(14, name))
        for place, name in enumerate(columns):
            _bar(draw, _score(scores, name), edges[place], (ROOM + LABEL + place * COLUMN, y), color)
        x = ROOM + LABEL + len(columns) * COLUMN
        if refused:
            draw.text((x, y), cut(refused, 3 * COLUMN - 20, 13), ALERT, label_font(13))
        elif number >= 0:
            text = f"{float(result.choice.chances[number]):.0%}" + (" chosen" if chosen else "")
            draw.text((x, y), text, color, label_font(14))
    return y + LINE


def _range(scores: Sequence[Score]) -> tuple[float, float]:
    ends = [end for score in scores for end in (score.value, *score.interval) if end == end]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    return (low, high) if high > low else (low - 1, high + 1)  # equal ones stand in the middle


def _bar(
    draw: "ImageDraw", score: Score | None, edges: tuple[float, float], place: tuple[int, int], color: str
) -> None:
    """The number, and beside it its interval as a line with the value as a dot."""
    if score is None:
        return
    x, y = place
    draw.text((x, y), rounded(score.value), color, label_font(14))
    left, right = x + 48, x + COLUMN - 20
    low, high = score.interval if score.interval[0] == score.interval[0] else (score.value, score.value)
    ends = [left + (right - left) * (end - edges[0]) / (edges[1] - edges[0]) for end in (low, score.value, high)]
    draw.line((left, y + 9, right, y + 9), GRID, 1)
    draw.line((ends[0], y + 9, ends[2], y + 9), color, 2)
    draw.ellipse((ends[1] - 3, y + 6, ends[1] + 3, y + 12), color)


def _plot(draw: "ImageDraw", result: Result, left: int, top: int) -> None:
    """Style across, prompt following upwards; the front joins the cells that no other beats in both."""
    cells = [result.base, *result.cells]
    places = [(_value(scores.style), _value(scores.following)) for scores in cells]
    across, up = (_widened([place[axis] for place in places]) for axis in (0, 1))

    def at(place: tuple[float, float]) -> tuple[float, float]:
        x = left + PLOT * (place[0] - across[0]) / (across[1] - across[0])
        return x, top + PLOT * (up[1] - place[1]) / (up[1] - up[0])

    draw.rectangle((left, top, left + PLOT, top + PLOT), outline=GRID)
    draw.text((left + PLOT / 2, top + PLOT + 6), "style", FAINT, label_font(14), "ma")
    for axis, (low, high) in enumerate((across, up)):
        for end in (low, high):
            place = at((end, up[0])) if axis == 0 else at((across[0], end))
            anchor = ("la" if end == low else "ra") if axis == 0 else ("rs" if end == low else "rt")
            draw.text((place[0] - 6 * axis, place[1] + 6 * (1 - axis)), rounded(end), FAINT, label_font(13), anchor)
    draw.text((left, top - 20), "prompt following, upwards", FAINT, label_font(14))
    front = sorted(at(places[number + 1]) for number in result.choice.front)
    if len(front) > 1:
        draw.line(front, MARK, 2)
    named_cells = []
    for number, (scores, place) in enumerate(zip(cells, places, strict=True), -1):
        x, y = at(place)
        refused = number in result.choice.refused
        color = CHOSEN if scores.cell == result.chosen else ALERT if refused else MARK
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), None if refused else color, color)
        if number in (-1, result.choice.best) or number in result.choice.front or scores.cell == result.chosen:
            named_cells.append((named(scores.cell, result.grid.cells), (x, y), color))
    _names(draw, named_cells, [at(place) for place in places], (left, top, left + PLOT, top + PLOT))
    note = "The line joins the cells that no other beats in both. Hollow red ones are refused."
    draw.text((left, top + PLOT + 26), note, FAINT, label_font(13))


def _names(
    draw: "ImageDraw", given: Sequence[tuple[str, Point, str]], marks: Sequence[Point], frame: tuple[int, int, int, int]
) -> None:
    """The names of the cells at their points, each in its color; the chosen one's place is found first."""
    given = sorted(given, key=lambda one: one[2] != CHOSEN)
    fonts = [label_font(13, name) for name, _, _ in given]
    sizes = [(font.getlength(name), 16.0) for font, (name, _, _) in zip(fonts, given, strict=True)]
    places = label_places([point for _, point, _ in given], sizes, marks, frame)
    for (name, _, color), font, place in zip(given, fonts, places, strict=True):
        draw.text(place, name, color, font)


def _value(score: Score | None) -> float:
    return score.value if score else 0.0


def _widened(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = 0.1 * (high - low) or 0.5
    return low - room, high + room
