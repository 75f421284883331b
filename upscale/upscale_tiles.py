"""Any image network that enlarges by a whole factor, run tile by tile with the surroundings it looks at."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..common.axes import Axes
from .tiles import Span, Tile, read, tiles

Network = Callable[[torch.Tensor], torch.Tensor]  # (1, C, h, w) -> (1, C, scale * h, scale * w)

TOLERANCE = 1e-5
LARGEST_HALO = 64
_PROBE = 160


@dataclass(frozen=True)
class Halo:
    """Pixels around a tile that the network is to see, and the largest error that an edge beyond them still makes."""

    pixels: int
    error: float


def measure_halo(network: Network, image: torch.Tensor, scale: int) -> Halo:
    """How far from an edge the result of `network` differs by more than `TOLERANCE`, tried on a piece of `image`.

    The receptive field of a deep network is far larger than what matters. So one piece of (B, C, H, W), the one with
    the most detail at the place of the cut, is run whole and cut off at one side, and the halo is the distance from the
    cut at which both agree.
    """
    piece, cut = _most_detailed(image, _PROBE // 2, _PROBE), _PROBE - 2 * LARGEST_HALO
    whole, part = network(piece)[..., cut * scale :], network(piece[..., cut:])
    difference = (whole - part).abs().amax((0, 1, 2)).view(-1, scale).amax(1)
    beyond = difference[: 2 * LARGEST_HALO].flip(0).cummax(0).values.flip(0)  # the largest from there on
    within = (beyond[: LARGEST_HALO + 1] <= TOLERANCE).nonzero()
    pixels = int(within[0]) if len(within) else LARGEST_HALO
    return Halo(-(-pixels // 8) * 8, float(beyond[pixels]))


def _most_detailed(image: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """(1, C, height, width) of (B, C, H, W), read around the edges, whose first LARGEST_HALO columns differ most."""
    steps = (image - image.roll(1, -1)).abs().mean(1, keepdim=True)
    size = [min(side, most) for side, most in zip(image.shape[-2:], (height, LARGEST_HALO), strict=True)]
    detail = torch.nn.functional.avg_pool2d(steps.float(), size, 1)
    number, place = divmod(int(detail.argmax()), detail[0].numel())
    top, left = divmod(place, detail.shape[-1])
    piece = Tile(Span(top, top + height), Span(left, left + width))
    return read(image[number], piece, Axes(True, True)).unsqueeze(0)


def upscale_tiles(
    network: Network,
    image: torch.Tensor,
    scale: int,
    tile_size: int,
    halo: int,
    axes: Axes,
    on_tile: Callable[[], None],
) -> torch.Tensor:
    """What `network` makes of the whole of (B, C, H, W), from tiles of `tile_size` pixels and a halo around them.

    Along `axes` the halo reads around the edge, elsewhere it ends there. on_tile is called after every tile.
    """
    height, width = image.shape[-2:]
    result = image.new_empty(*image.shape[:2], height * scale, width * scale)
    for single, target in zip(image, result, strict=True):
        for tile in tiles(height, width, tile_size):
            window = Tile(_with_halo(tile.rows, halo, height, axes.y), _with_halo(tile.columns, halo, width, axes.x))
            enlarged = network(read(single, window, axes).unsqueeze(0))[0]
            inner = enlarged[:, _within(tile.rows, window.rows, scale), _within(tile.columns, window.columns, scale)]
            target[:, _scaled(tile.rows, scale), _scaled(tile.columns, scale)] = inner
            on_tile()
    return result


def _with_halo(span: Span, halo: int, size: int, wraps: bool) -> Span:
    if wraps:
        return Span(span.start - halo, span.stop + halo)
    return Span(max(span.start - halo, 0), min(span.stop + halo, size))


def _within(span: Span, window: Span, scale: int) -> slice:
    return slice((span.start - window.start) * scale, (span.stop - window.start) * scale)


def _scaled(span: Span, scale: int) -> slice:
    return slice(span.start * scale, span.stop * scale)
