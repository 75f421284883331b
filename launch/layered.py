"""Places for the nodes of a graph, so that every link runs to the right and nothing lies over anything.

Plain numbers, in the pixels of the editor's canvas: x to the right, y down.
"""

from collections.abc import Mapping, Sequence

Size = tuple[float, float]
Links = Mapping[str, Sequence[str]]  # the nodes that feed a node
Places = dict[str, tuple[float, float]]

GAP_X, GAP_Y = 70.0, 50.0
TITLE = 36.0  # above a node's place, the taller of both renderers


def layered(feeding: Links, sizes: Mapping[str, Size], view: Size = (1600.0, 1000.0)) -> Places:
    """The place of each node: a column right of all that feed it, in the order of what it is linked with.

    feeding lists a node's sources by its name, in the order in which nodes of a column should stand; sizes are widths
    and heights without the title. A source that is no key of `feeding` is ignored. What feeds nothing moves on to the
    next column where that makes the whole larger in a `view` it is fitted into. Raises `ValueError` for a circle.
    """
    columns = _columns(feeding)
    heights = {_height(column, sizes) for column in columns} | {500.0 + 100 * step for step in range(30)}
    laid_out = [_placed(_evened(columns, feeding, sizes, tallest), feeding, sizes) for tallest in sorted(heights)]
    return max(laid_out, key=lambda places: min(a / b for a, b in zip(view, extent(places, sizes), strict=True)))


def _placed(columns: list[list[str]], feeding: Links, sizes: Mapping[str, Size]) -> Places:
    widths = [max(sizes[name][0] for name in column) for column in columns]
    places: Places = {}
    x = 0.0
    for column, width in zip(_untangled(columns, feeding), widths, strict=True):
        y = 0.0
        for name in column:
            places[name] = (x, y + TITLE)
            y += sizes[name][1] + TITLE + GAP_Y
        x += width + GAP_X
    return places


def extent(places: Places, sizes: Mapping[str, Size]) -> Size:
    """The width and height of all nodes at their places, titles included."""
    right = max(x + sizes[name][0] for name, (x, _) in places.items())
    bottom = max(y + sizes[name][1] for name, (_, y) in places.items())
    return right, bottom


def _columns(feeding: Links) -> list[list[str]]:
    """Names by depth. A node that nothing feeds stands just left of the first node that it feeds."""
    depth: dict[str, int] = {}
    waiting = dict(feeding)
    while waiting:
        ready = [name for name, sources in waiting.items() if all(source not in waiting for source in sources)]
        if not ready:
            raise ValueError(f"The nodes {sorted(waiting)} feed each other in a circle.")
        for name in ready:
            known = [depth[source] for source in waiting.pop(name) if source in depth]
            depth[name] = 1 + max(known, default=-1)
    for name in reversed(list(feeding)):  # what nothing feeds stands as near to its use as it can
        fed = [depth[other] for other, sources in feeding.items() if name in sources]
        if fed and not any(source in feeding for source in feeding[name]):
            depth[name] = min(fed) - 1
    return [[name for name in feeding if depth[name] == level] for level in sorted(set(depth.values()))]


def _evened(columns: list[list[str]], feeding: Links, sizes: Mapping[str, Size], tallest: float) -> list[list[str]]:
    """The columns, the last ends of one that is too high moved to the next."""
    feeds = {source for sources in feeding.values() for source in sources}
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


def _untangled(columns: list[list[str]], feeding: Links) -> list[list[str]]:
    """The columns, each in the order of the mean place of what feeds it, or keeping its own where nothing does."""
    rank: dict[str, float] = {}
    untangled = []
    for column in columns:
        wanted = {}
        for index, name in enumerate(column):
            sources = [rank[source] for source in feeding[name] if source in rank]
            wanted[name] = sum(sources) / len(sources) if sources else index / max(1, len(column))
        ordered = sorted(column, key=lambda name: wanted[name])
        rank |= {name: (index + 0.5) / len(ordered) for index, name in enumerate(ordered)}
        untangled.append(ordered)
    return untangled
