"""Bands along the edge of a texture that differ from its inside: blurred, garbled, inpainted, crossfaded.

No line of such a band need stand out: a blurred one is smooth. So strips along the edge are compared with all strips of
the same width inside, by how much detail they have at several sizes, how fine it is, their mean colour, and their
contrast: a crossfade of two places is paler than either.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch

WIDTHS = (8, 16, 32, 64, 128)  # pixels of the strips that are compared
STRIPS = 8  # as many of a width must fit side by side: fewer do not tell what is usual inside
EDGE_SHARE = 6  # what lies nearer than this part of the size may belong to a band: it is not inside
SCALES = (1, 2, 4)  # pixels over which a detail is measured: powers of two
DETAIL_FLOOR = 0.1  # of the logarithm of detail: strips that differ by less all count as equal
COLOR_FLOOR = 0.15  # of the spread of the image's values
WEIGHTS = {"detail": 0.64, "grain": 1.24, "color": 0.64, "contrast": 0.83}  # so that few that tile alarm
BOTH_WEIGHT = 1.05  # of detail and contrast together, the lesser of which counts: a crossfade lowers both
MORE_STRIPS, MOST_STRIPS = 0.42, 128  # an excess counts by this power of their number: few tell badly what is usual
QUIET = 0.005  # of that spread: detail below it is no more than the steps of 8 bits
SOFTER, MORE_DETAILED = "softer than the inside", "more detailed than the inside"
ANOTHER_COLOR = "of another colour than the inside"
PALER, STARKER = "of less contrast than the inside", "of more contrast than the inside"
WORDS = {("color", above): ANOTHER_COLOR for above in (False, True)}
WORDS |= {("contrast", False): PALER, ("contrast", True): STARKER}
ROWS, PARTS = 256, 4  # measured in a part, and how many parts at most: more rows tell no more of a line
BLOCK, VALUES = 32, 2**13  # rows at once, which bounds the memory, or of narrow images as many as have so many pixels


@dataclass(frozen=True)
class EdgeBand:
    """The strip at an edge that stands out most.

    excess: how far outside the range of the strips inside it lies, in widths of that range, weighed by what differs
    and by how many strips there are: 0 where it is one of them.
    width: of the strip, in pixels. kind: how it differs, in words.
    """

    excess: float = 0.0
    width: int = 0
    kind: str = ""


def edge_bands(images: torch.Tensor, axis: str) -> list[EdgeBand]:
    """Of each of N images of P planes, (N, P, H, W), the strip that stands out most at the wrap line of `axis` ("x" or
    "y").

    Images with fewer than STRIPS * min(WIDTHS) pixels along the axis have too few strips to compare: excess 0.
    """
    lines = images if axis == "x" else images.transpose(-1, -2)
    size, spread = lines.shape[-1], images.std((1, 2, 3)).double()[:, None, None]
    detail, color, contrast = _line_features(lines)
    detail, contrast = detail + QUIET * spread, contrast + (QUIET * spread) ** 2
    logarithms, colors = detail.log(), _with_hues(color)
    found = [EdgeBand()] * len(images)
    for width in (width for width in WIDTHS if STRIPS * width <= size):
        seen = {
            "detail": _standing_out(_strip_means(logarithms, width), width, DETAIL_FLOOR),
            "grain": _standing_out(_grain(_strip_means(detail, width)), width, DETAIL_FLOOR),
            "color": _standing_out(_strip_means(colors, width), width, COLOR_FLOOR * spread),
            "contrast": _standing_out(_strip_means(contrast, width).log() / 2, width, DETAIL_FLOOR),
        }
        more_strips = (min(size / width, MOST_STRIPS) / STRIPS) ** MORE_STRIPS
        for number, known in enumerate(found):
            band = _band({name: each[number] for name, each in seen.items()}, width, more_strips)
            found[number] = band if band.excess > known.excess else known
    return found


def _band(seen: Mapping[str, tuple[float, bool]], width: int, weight: float) -> EdgeBand:
    """From what `_standing_out` says of the strips of one image, by what was measured."""
    weighted = {name: seen[name][0] * own for name, own in WEIGHTS.items()}
    weighted["both"] = min(seen["detail"][0], seen["contrast"][0]) * BOTH_WEIGHT
    name, most = max(weighted.items(), key=lambda one: one[1])
    if name in ("both", "contrast"):  # named by what shows most
        name = max("detail", "contrast", key=lambda one: seen[one][0])
    above = seen[name][1]
    return EdgeBand(most * weight, width, WORDS.get((name, above), MORE_DETAILED if above else SOFTER))


def _grain(detail: torch.Tensor) -> torch.Tensor:
    """How fine the detail (N, sizes, W) is, whatever its strength: each size against the next larger one."""
    return detail[:, :-2].log() - detail[:, 2:].log()


def _standing_out(strips: torch.Tensor, width: int, floor: float | torch.Tensor) -> list[tuple[float, bool]]:
    """Of the strips (N, features, lines) at the edge of each image the largest excess, and whether it lies above the
    rest.

    strips[..., x] is the mean of the lines around x; those at the edge are centred on it or end there.
    """
    size = strips.shape[-1]
    margin = max(width + width // 2, size // EDGE_SHARE)
    inside = strips[..., margin : size - margin + 1]
    lowest, highest = inside.amin(-1, keepdim=True), inside.amax(-1, keepdim=True)
    edge = strips[..., [0, width // 2, -width // 2]]
    beyond = torch.maximum(edge - highest, lowest - edge) / (highest - lowest + floor)
    most, number = beyond.flatten(1).max(1, keepdim=True)
    above = (edge > highest).flatten(1).gather(1, number)
    return list(zip(most.clamp(min=0).flatten().tolist(), above.flatten().tolist(), strict=True))


def _line_features(planes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Of every line x of (N, P, H, W), around the edges: detail (N, sizes, W), mean value (N, P, W), and contrast
    (N, 1, W), the mean square of how far its values lie from the mean of all.

    Detail is the mean difference of neighbouring squares of each of SCALES, across the line and along it. Of a tall
    image it is measured on parts, evenly spread.
    """
    count, channels, height, width = planes.shape
    detail = torch.zeros(count, 2 * len(SCALES), width, dtype=torch.float64, device=planes.device)
    rows, parts, block = min(ROWS, height), min(-(-height // ROWS), PARTS), max(BLOCK, VALUES // width)
    for top in (height * number // parts for number in range(parts)):
        for first in range(0, rows, block):
            taken = min(block, rows - first)
            part = _rows(planes, (top + first) % height, taken + 2 * SCALES[-1]).float().contiguous()
            for number, (scale, squares) in enumerate(_squares(part)):
                across = squares[..., :taken, :] - squares[..., :taken, :].roll(scale, -1)
                along = squares[..., scale : scale + taken, :] - squares[..., :taken, :]
                detail[:, 2 * number] += across.abs_().sum((1, 2))
                detail[:, 2 * number + 1] += along.abs_().sum((1, 2)).roll(scale // 2, -1)
    color, squares = (planes.new_zeros(count, channels, width, dtype=torch.float64) for _ in range(2))
    for strip in planes.split(block, 2):  # the mean of all in float64 would copy an 8K image to 1.6 GB
        color += strip.sum(2, dtype=torch.float64)
        squares += strip.square().sum(2, dtype=torch.float64)
    color, squares = color / height, squares / height
    mean = color.mean(2, keepdim=True)
    contrast = (squares - 2 * mean * color + mean * mean).clamp(min=0).mean(1, keepdim=True)
    return detail / (channels * rows * parts), color, contrast


def _rows(planes: torch.Tensor, top: int, count: int) -> torch.Tensor:
    """`count` rows of (N, P, H, W) from `top` on, around the edge. By slices: a gather would first copy all planes."""
    slices = [planes[..., top : top + count, :]]
    while (missing := count - sum(one.shape[-2] for one in slices)) > 0:
        slices.append(planes[..., :missing, :])
    return torch.cat(slices, -2) if len(slices) > 1 else slices[0]


def _with_hues(color: torch.Tensor) -> torch.Tensor:
    """(N, C, W) mean values with those of two channels less each other, where a tint shows that brightness hides."""
    return torch.cat([color, color[:, :-1] - color[:, 1:]], 1)


def _squares(part: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
    """Each of SCALES with the mean of the scale x scale pixels that begin at each of (..., H, W), which is
    (..., H - scale + 1, W); columns wrap. Each is made of four squares of the size before, half as large."""
    squares, side = part, 1
    for scale in SCALES:
        while side < scale:
            beside = squares + squares.roll(-side, -1)
            squares, side = (beside[:, :-side] + beside[:, side:]).mul_(0.25), 2 * side
        yield scale, squares


def _strip_means(features: torch.Tensor, width: int) -> torch.Tensor:
    """(N, features, W): the mean of the `width` lines around the border between x - 1 and x, around the edges."""
    padded = torch.cat([features, features[..., : width - 1]], -1)
    return torch.nn.functional.avg_pool1d(padded, width, 1).roll(width // 2, -1)
