"""docs/architecture.svg: the rooms of the pack on their floors, and every import between two rooms as an arrow.

Standard library only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from math import sqrt
from pathlib import Path
from statistics import median, quantiles

from .house import FLOORS, House
from .terminal import say

WIDTH, FLOOR_HEIGHT, MARGIN = 1180, 132, 24
ROOM_HEIGHT, GAP = 62, 18
LEAST_WIDTH = 116  # of a room, for its name and its figures
FLOOR_NAMES = (
    "foundation",
    "formulas",
    "stages: plain torch, numpy and files",
    "ComfyUI adapters",
    "commands and nodes",
)


@dataclass(frozen=True)
class Box:
    """A room on the drawing: its place in pixels, how many files and lines it has."""

    name: str
    x: float
    y: float
    width: float
    files: int
    lines: int

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


def draw_architecture(root: Path, picture: Path) -> None:
    """Write `picture` for the sources below `root`, and print their figures."""
    house = House(root)
    picture.write_text(_svg(house), encoding="utf-8")
    lengths = [one.lines for source in house.sources for one in house.functions(source)]
    lines = sum(_lines(source) for source in house.sources)
    say(f"{len(house.sources)} files, {lines} lines, {len(lengths)} functions: median {median(lengths):.0f} lines, ")
    say(f"p90 {quantiles(lengths, n=10)[-1]:.0f}, longest {max(lengths)}; {len(house.arrows())} arrows between rooms.")
    say(f"Drawn: {picture}")


def _lines(source: Path) -> int:
    return len(source.read_text(encoding="utf-8").splitlines())


def _boxes(house: House) -> Iterator[Box]:
    by_room: dict[str, list[Path]] = {}
    for source in house.sources:
        by_room.setdefault(house.room(source), []).append(source)
    floors = [[room for room in rooms if room in by_room] for rooms in FLOORS[:-1]]
    for height, rooms in enumerate(floors):
        sizes = [sum(map(_lines, by_room[room])) for room in rooms]
        room_for = WIDTH - 2 * MARGIN - GAP * (len(rooms) - 1)
        shares = [sqrt(size) for size in sizes]
        wide = min(1.0, 260 * len(rooms) / room_for) if len(rooms) < 3 else 1.0
        x = MARGIN + room_for * (1 - wide) * (0.18 if rooms == ["material"] else 0.5)  # beside the arrows that pass by
        y = MARGIN + (len(floors) - 1 - height) * FLOOR_HEIGHT + 26
        for room, size, share in zip(rooms, sizes, shares, strict=True):
            width = LEAST_WIDTH + (room_for * wide - LEAST_WIDTH * len(rooms)) * share / sum(shares)
            yield Box(room, x, y, width, len(by_room[room]), size)
            x += width + GAP


def _svg(house: House) -> str:
    boxes = {box.name: box for box in _boxes(house)}
    height = MARGIN * 2 + (len(FLOORS) - 1) * FLOOR_HEIGHT - 20
    bands = "".join(map(_band, range(len(FLOOR_NAMES))))
    labels = "".join(_label(name, level) for level, name in enumerate(reversed(FLOOR_NAMES)))
    arrows = sorted(house.arrows().items(), key=lambda item: item[1])
    paths = "".join(_arrow(boxes[a], boxes[b], count) for (a, b), count in arrows if a in boxes and b in boxes)
    rooms = "".join(map(_room, boxes.values()))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="system-ui, sans-serif">'
        '<defs><marker id="tip" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="6" markerHeight="6" orient="auto" '
        'markerUnits="userSpaceOnUse"><path d="M0 0 6 3 0 6z" fill="#5b6b7b"/></marker></defs>'
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>{bands}{paths}{labels}{rooms}</svg>\n'
    )


def _band(level: int) -> str:
    y = MARGIN + level * FLOOR_HEIGHT
    return f'<rect x="8" y="{y}" width="{WIDTH - 16}" height="{FLOOR_HEIGHT - 30}" rx="8" fill="{_ground(level)}"/>'


def _ground(level: int) -> str:
    return "#f4f6f8" if level % 2 else "#eceff3"


def _label(name: str, level: int) -> str:
    """Above the arrows, which its edge of the band's colour keeps off the letters."""
    y = MARGIN + level * FLOOR_HEIGHT + 17
    edge = f'stroke="{_ground(level)}" stroke-width="5" paint-order="stroke"'
    return f'<text x="{MARGIN}" y="{y}" font-size="12" fill="#566270" {edge}>{escape(name)}</text>'


def _arrow(start: Box, end: Box, count: int) -> str:
    x1, x2 = start.middle + (end.middle - start.middle) * 0.06, end.middle + (start.middle - end.middle) * 0.06
    y1, y2 = start.y + ROOM_HEIGHT, end.y
    if y1 > y2:  # sideways: below both
        y1 = y2 = start.y + ROOM_HEIGHT
        curve = f"C{x1} {y1 + 26} {x2} {y1 + 26} {x2} {y2 + 3}"
    else:
        bend = (y2 - y1) / 2
        curve = f"C{x1} {y1 + bend} {x2} {y2 - bend} {x2} {y2 - 2}"
    thick = min(5.0, 0.8 + sqrt(count) / 2)
    title = f"<title>{start.name} → {end.name}: {count} imports</title>"
    style = f'fill="none" stroke="#5b6b7b" stroke-width="{thick:.1f}" stroke-opacity=".45" marker-end="url(#tip)"'
    return f'<path d="M{x1} {y1}{curve}" {style}>{title}</path>'


def _room(box: Box) -> str:
    small = f"{box.files} files, {box.lines / 1000:.1f}k lines"
    text = f'x="{box.middle:.1f}" text-anchor="middle"'
    return (
        f'<rect x="{box.x:.1f}" y="{box.y}" width="{box.width:.1f}" height="{ROOM_HEIGHT}" rx="6" fill="#1f4e79"/>'
        f'<text {text} y="{box.y + 27}" font-size="16" fill="#fff">{box.name}/</text>'
        f'<text {text} y="{box.y + 47}" font-size="11" fill="#d6e4f0">{small}</text>'
    )
