"""Places for the nodes of a graph, so that every link runs to the right and none behind a node it does not belong to.

Layered drawing as by Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures"
(1981): columns by the longest path, and in each the nodes by the barycentres of their sources.

Plain numbers, in the pixels of the editor's canvas: x to the right, y down.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

Size = tuple[float, float]
Place = tuple[float, float]
Places = dict[str, Place]
Output = tuple[str, int]  # a node, and which of its outputs
Feeding = Mapping[str, Sequence[Output]]  # what feeds each node

GAP_X, GAP_Y = 150.0, 50.0  # links curve within the first, up to 1300 px up or down
TITLE = 36.0  # above a node's place, the taller of both renderers
LANE = 26.0  # between links that run above a column
TURN = 60.0  # from a column's side to where a link turns up to its lane, or down from it
DEARER = 0.97  # what a lane takes off the worth of a layout


@dataclass(frozen=True)
class Route:
    """The links of one output that run above a column or more: where they rise to, and where they turn down to whom."""

    output: Output
    start: Place
    ends: Sequence[tuple[Place, Sequence[str]]]


@dataclass(frozen=True)
class Layout:
    """Where each node stands, how wide it is drawn, and the links that run above others."""

    places: Places
    widths: dict[str, float]
    routes: list[Route]


def layered(
    feeding: Feeding, sizes: Mapping[str, Size], fixed: Collection[str] = (), view: Size = (1600.0, 1000.0)
) -> Layout:
    """Columns of nodes as wide as their widest, each right of all that feed it; links over a column run above it.

    feeding lists what feeds a node by its name, in the order in which nodes of a column should stand; sizes are widths
    and heights without the title; those in `fixed` keep their width. A source that is no key of `feeding` is ignored.
    What feeds nothing moves on to the next column where that makes the whole larger in a `view` it is fitted into.
    Raises `ValueError` for a circle.
    """
    columns = _columns(feeding)
    heights = {_height(column, sizes) for column in columns} | {500.0 + 100 * step for step in range(30)}
    laid_out = [
        _placed(_evened(columns, feeding, sizes, tallest), feeding, sizes, fixed) for tallest in sorted(heights)
    ]

    def worth(layout: Layout) -> float:
        scale = min(a / b for a, b in zip(view, extent(layout.places, sizes, layout.widths), strict=True))
        return scale * DEARER ** len(layout.routes)

    return max(laid_out, key=worth)


def extent(places: Places, sizes: Mapping[str, Size], widths: Mapping[str, float]) -> Size:
    """The width and height of all nodes at their places, titles included."""
    right = max(x + widths[name] for name, (x, _) in places.items())
    bottom = max(y + sizes[name][1] for name, (_, y) in places.items())
    return right, bottom


def _placed(columns: list[list[str]], feeding: Feeding, sizes: Mapping[str, Size], fixed: Collection[str]) -> Layout:
    columns = _untangled(columns, feeding)
    widest = [max(sizes[name][0] for name in column) for column in columns]
    lefts = [sum(widest[:index]) + GAP_X * index for index in range(len(columns))]
    lanes = _lanes(columns, feeding)
    places: Places = {}
    widths: dict[str, float] = {}
    for index, column in enumerate(columns):
        y = max((LANE * (lane.level + 1) for lane in lanes if lane.column < index < max(lane.ends)), default=0.0)
        for name in column:
            widths[name] = sizes[name][0] if name in fixed else widest[index]
            indent = 0.0 if feeding[name] else widest[index] - widths[name]
            places[name] = (lefts[index] + indent, y + TITLE)
            y += sizes[name][1] + TITLE + GAP_Y
    return Layout(places, widths, [lane.route(lefts, widest) for lane in lanes])


@dataclass(frozen=True)
class _Lane:
    """Links of one output above columns: the output's column, the columns they lead to and to whom, how far down."""

    output: Output
    column: int
    ends: Mapping[int, Sequence[str]]
    level: int

    def route(self, lefts: Sequence[float], widths: Sequence[float]) -> Route:
        y = LANE * (self.level + 0.5)
        start = (lefts[self.column] + widths[self.column] + TURN, y)
        return Route(self.output, start, [((lefts[index] - TURN, y), names) for index, names in self.ends.items()])


def _lanes(columns: list[list[str]], feeding: Feeding) -> list[_Lane]:
    """The links that run over columns, those of one output in one lane, as near to the top as there is room."""
    at = {name: index for index, column in enumerate(columns) for name in column}
    rows = {name: row for column in columns for row, name in enumerate(column)}
    far: dict[Output, dict[int, list[str]]] = {}
    for name, index in at.items():
        for output in dict.fromkeys(feeding[name]):
            if output[0] in at and index - at[output[0]] > 1:
                far.setdefault(output, {}).setdefault(index, []).append(name)
    lanes: list[_Lane] = []
    taken: list[int] = []  # up to which column, by level
    for output in sorted(far, key=lambda output: (at[output[0]], rows[output[0]], output[1])):
        level = next((level for level, end in enumerate(taken) if end <= at[output[0]]), len(taken))
        taken[level:level + 1] = [max(far[output])]  # fmt: skip
        lanes.append(_Lane(output, at[output[0]], far[output], level))
    return lanes


def _columns(feeding: Feeding) -> list[list[str]]:
    """Names by depth. A node that nothing feeds stands just left of the first node that it feeds."""
    feeds = {name: [source for source, _ in outputs] for name, outputs in feeding.items()}
    depth: dict[str, int] = {}
    waiting = dict(feeds)
    while waiting:
        ready = [name for name, sources in waiting.items() if all(source not in waiting for source in sources)]
        if not ready:
            raise ValueError(f"The nodes {sorted(waiting)} feed each other in a circle.")
        for name in ready:
            known = [depth[source] for source in waiting.pop(name) if source in depth]
            depth[name] = 1 + max(known, default=-1)
    for name in reversed(list(feeds)):  # what nothing feeds stands as near to its use as it can
        fed = [depth[other] for other, sources in feeds.items() if name in sources]
        if fed and not any(source in feeds for source in feeds[name]):
            depth[name] = min(fed) - 1
    return [[name for name in feeds if depth[name] == level] for level in sorted(set(depth.values()))]


def _evened(columns: list[list[str]], feeding: Feeding, sizes: Mapping[str, Size], tallest: float) -> list[list[str]]:
    """The columns, the last ends of one that is too high moved to the next."""
    feeds = {source for outputs in feeding.values() for source, _ in outputs}
    evened = [list(column) for column in columns]
    for index, column in enumerate(evened):  # grows while it is walked
        moved: list[str] = []
        while _height(column, sizes) > tallest and len(column) > 1:
            end = next((name for name in reversed(column) if name not in feeds and feeding[name]), None)
            if end is None:
                break
            column.remove(end)
            moved.insert(0, end)
        if moved and index + 1 == len(evened):
            evened.append([])
        if moved:
            evened[index + 1][:0] = moved
    return evened


def _height(column: Sequence[str], sizes: Mapping[str, Size]) -> float:
    return sum(sizes[name][1] + TITLE for name in column) + GAP_Y * (len(column) - 1)


def _untangled(columns: list[list[str]], feeding: Feeding) -> list[list[str]]:
    """The columns, each in the order of barycentres, the mean places of what feeds a node, or in its own.

    Of those in the same place, what feeds others comes first: its links have the shorter way up to their lanes.
    """
    feeds = {source for outputs in feeding.values() for source, _ in outputs}
    rank: dict[str, float] = {}
    untangled = []
    for column in columns:
        wanted = {}
        for index, name in enumerate(column):
            sources = [rank[source] for source, _ in feeding[name] if source in rank]
            wanted[name] = sum(sources) / len(sources) if sources else index / max(1, len(column))
        ordered = sorted(column, key=lambda name: (wanted[name], name not in feeds))
        rank |= {name: (index + 0.5) / len(ordered) for index, name in enumerate(ordered)}
        untangled.append(ordered)
    return untangled
