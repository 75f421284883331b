"""Where the names of points in a plot stand so that they cover neither each other nor a point."""

from collections.abc import Sequence

Point = tuple[float, float]
Box = tuple[float, float, float, float]  # left, top, right, bottom

MARK_RADIUS = 5
GAP = 8  # from a point to its name


def label_places(points: Sequence[Point], sizes: Sequence[Point], others: Sequence[Point], frame: Box) -> list[Point]:
    """The upper left corner of each point's name, whose (width, height) are in `sizes`, all in pixels.

    Beside, above or below its point, where it covers least of the names before it and of all points, `others` too,
    and sticks out of `frame` least; the first of these where several are equal.
    """
    marks = [
        (x - MARK_RADIUS, y - MARK_RADIUS, x + MARK_RADIUS, y + MARK_RADIUS)
        for x, y in dict.fromkeys([*points, *others])
    ]
    taken, places = list(marks), []
    for (x, y), (width, height) in zip(points, sizes, strict=True):
        middle, beside, above, below = -width / 2, (GAP, -GAP - width), -GAP - height, GAP
        ways = [(across, -height / 2) for across in beside]
        ways += [(across, down) for down in (below, above) for across in (middle, *beside)]
        corners = [(x + across, y + down) for across, down in ways]
        boxes = [(left, top, left + width, top + height) for left, top in corners]
        costs = [sum(_common(box, other) for other in taken) + (width * height - _common(box, frame)) for box in boxes]
        best = costs.index(min(costs))
        places.append(corners[best])
        taken.append(boxes[best])
    return places


def _common(one: Box, other: Box) -> float:
    """The area that two boxes share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return width * height if width > 0 and height > 0 else 0.0
