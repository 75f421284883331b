"""Painted leaves that grow over a picture in clumps."""

import torch

from .cells import random_sites, voronoi
from .color import DrawnPalette, lighter, over
from .painting import Painting
from .parameters import Values
from .profiles import Petal, coverage, petal_distance, smoothstep
from .torus import Torus


def overgrow(torus: Torus, p: Values, colors: DrawnPalette, painting: Painting, size_cm: float) -> None:
    """Leaves in clumps, layer upon layer, the upper ones paler; each has a painted rim and a rib."""
    if p["growth"] < 0.15:
        return
    where = torus.noise("clumps", 1, 5, 1.3)
    below = _smoothed(painting.height)
    for layer, across in enumerate((22, 20, 18, 16)):
        count = across * across
        sites = random_sites(torus, f"leaves {layer}", count, relaxations=1)
        cells = voronoi(sites, torus.u, torus.v)
        column, row = (sites * torus.size).long().clamp(max=torus.size - 1).T
        limit = 1.7 - 1.7 * p["growth"] + 0.25 * layer
        grown = (where[row, column] + 0.25 * torus.normal_table(f"grown {layer}", count) > limit)[cells.ids]
        angle = torus.table(f"leaf angle {layer}", count, 0, 6.2832)[cells.ids]
        x, y = cells.offset * across
        along, aside = x * torch.cos(angle) + y * torch.sin(angle), y * torch.cos(angle) - x * torch.sin(angle)
        leaf = petal_distance(along, aside.abs(), Petal(-0.5, 0.5, 0.2, "round"))
        leaf = torch.where(grown, torch.minimum(leaf, cells.border * across), torch.tensor(-1.0))
        shade = 0.035 * torus.normal_table(f"leaf shade {layer}", count)[cells.ids] + 0.035 * (layer - 1.5)
        _leaf(p, colors, painting, leaf, aside, shade, below + 0.7 * layer, size_cm / across, size_cm * torus.pixel)


def _leaf(
    p: Values,
    colors: DrawnPalette,
    painting: Painting,
    leaf: torch.Tensor,
    aside: torch.Tensor,
    shade: torch.Tensor,
    below: torch.Tensor,
    width: float,
    pixel: float,
) -> None:
    """Lay one layer of leaves, each `width` cm long at most; aside is the way from its rib."""
    color = lighter(colors.elements[3][:, None, None].expand_as(painting.color), shade + 0.03 * (aside > 0))
    rim = 1 - smoothstep(leaf, 0.025, 0.05)
    color = lighter(color, 0.09 * p["edges"] * rim - 0.07 * (1 - smoothstep(aside.abs(), 0.008, 0.022)))
    painting.color = over(painting.color, colors.between, 0.45 * coverage((leaf + 0.05) * width, pixel))
    height = below + 1.5 + 2.2 * (leaf / 0.2).clamp(0, 1).sqrt() - 6 * aside.square() * width / 14
    painting.lay("leaves", coverage(leaf * width, pixel), height, color, 0.7)


def _smoothed(height: torch.Tensor, reach: float = 0.012) -> torch.Tensor:
    """(H, W) without what is finer than `reach` of the tile: leaves lie over steps, they don't follow them."""
    size = height.shape[-1]
    down, across = torch.fft.fftfreq(size, 1 / size), torch.fft.rfftfreq(size, 1 / size)
    frequency = down[:, None].square() + across.square()
    weights = torch.exp(-2 * (torch.pi * reach) ** 2 * frequency)
    return torch.fft.irfft2(torch.fft.rfft2(height) * weights, s=height.shape)
