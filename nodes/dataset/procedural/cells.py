"""Voronoi cells on the torus: where the sites lie, which one a pixel belongs to and how far its border is."""

from dataclasses import dataclass

import torch

from .torus import Torus, wrapped

_BLOCKS = 32  # per side; a pixel looks only among the sites nearest to its block
_NEIGHBOURS = 10


@dataclass(frozen=True)
class Cells:
    """ids (H, W): the site that a pixel belongs to. offset (2, H, W): from that site to the pixel. border (H, W):
    the distance to the nearest border, corners rounded off. All in tile coordinates."""

    ids: torch.Tensor
    offset: torch.Tensor
    border: torch.Tensor


def random_sites(torus: Torus, name: str, count: int, relaxations: int = 0) -> torch.Tensor:
    """(count, 2) sites; each relaxation (Lloyd) moves them to the middle of their cells, towards equal sizes."""
    sites = torch.from_numpy(torus.rng(name).random((count, 2))).float()
    for _ in range(relaxations):
        sites = _relaxed(sites)
    return sites


def voronoi(sites: torch.Tensor, u: torch.Tensor, v: torch.Tensor, rounding: float = 0.0) -> Cells:
    """The cells of `sites` (N, 2) seen at the tile coordinates (u, v), each (H, W).

    `rounding` is the radius, in tile coordinates, that corners are rounded off by: the border is then the smooth
    minimum of the distances to the bisectors with the neighbours (Inigo Quilez, "Voronoi borders").
    """
    point = torch.stack([u, v], -1)
    near = _candidates(sites)[_block(v), _block(u)]  # (H, W, K)
    to_site = wrapped(sites[near] - point[..., None, :])  # (H, W, K, 2)
    squared = to_site.square().sum(-1)
    own = squared.argmin(-1, keepdim=True)
    to_own = to_site.gather(-2, own[..., None].expand(*own.shape, 2))
    between = (to_site - to_own).square().sum(-1).sqrt()
    bisector = (squared - squared.gather(-1, own)) / (2 * between.clamp(min=1e-6))
    bisector = bisector.scatter(-1, own, 9.0)
    return Cells(
        near.gather(-1, own).squeeze(-1), -to_own.squeeze(-2).movedim(-1, 0), _smooth_minimum(bisector, rounding)
    )


def _smooth_minimum(distances: torch.Tensor, radius: float) -> torch.Tensor:
    if radius == 0:
        return distances.amin(-1)
    return -radius * torch.logsumexp(-distances / radius, -1)


def _block(coordinate: torch.Tensor) -> torch.Tensor:
    return (coordinate * _BLOCKS).floor().long() % _BLOCKS


def _candidates(sites: torch.Tensor) -> torch.Tensor:
    """(blocks, blocks, K) the sites nearest to the middle of each block."""
    centres = (torch.arange(_BLOCKS) + 0.5) / _BLOCKS
    du = wrapped(centres[:, None] - sites[:, 0]).square()
    dv = wrapped(centres[:, None] - sites[:, 1]).square()
    squared = dv[:, None] + du[None]
    return squared.topk(min(_NEIGHBOURS, len(sites)), largest=False).indices


def _relaxed(sites: torch.Tensor, grid: int = 64) -> torch.Tensor:
    centres = (torch.arange(grid) + 0.5) / grid
    u, v = centres.repeat(grid), centres.repeat_interleave(grid)
    own = (wrapped(u[:, None] - sites[:, 0]).square() + wrapped(v[:, None] - sites[:, 1]).square()).argmin(-1)
    from_own = wrapped(torch.stack([u, v], -1) - sites[own])
    total = torch.zeros_like(sites).index_add(0, own, from_own)
    count = torch.bincount(own, minlength=len(sites)).clamp(min=1)
    return (sites + total / count[:, None]) % 1
