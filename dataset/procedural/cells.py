"""Voronoi cells on the torus: where the sites lie, which one a pixel belongs to and how far its border is."""

from dataclasses import dataclass

import torch

from .torus import Torus, shortest_way

_BLOCKS = 32  # per side; a pixel looks only among the sites nearest to its block
_NEIGHBOURS = 8


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
    ids, near_u, near_v = _candidates(sites)
    block_u, block_v = u * _BLOCKS, v * _BLOCKS
    block = (block_v.floor().long() % _BLOCKS) * _BLOCKS + block_u.floor().long() % _BLOCKS
    # From the pixel to each candidate, (K, H, W), measured from the middle of the block: no distance needs wrapping.
    to_u = near_u[:, block] - (block_u - block_u.floor() - 0.5) / _BLOCKS
    to_v = near_v[:, block] - (block_v - block_v.floor() - 0.5) / _BLOCKS
    squared = to_u.square().add_(to_v.square())
    own_squared, own = squared.min(0, keepdim=True)
    own_u, own_v = to_u.gather(0, own), to_v.gather(0, own)
    # In place: these are the largest arrays of a render, and allocating them takes longer than the arithmetic.
    between = to_u.sub_(own_u).square_().add_(to_v.sub_(own_v).square_()).sqrt_().clamp_(min=1e-6)
    bisector = squared.sub_(own_squared).div_(between.mul_(2)).scatter_(0, own, 9.0)
    own_id = ids.view(-1)[own.squeeze(0) * _BLOCKS**2 + block]
    return Cells(own_id, -torch.cat([own_u, own_v]), _smooth_minimum(bisector, rounding))


def _smooth_minimum(distances: torch.Tensor, radius: float) -> torch.Tensor:
    if radius == 0:
        return distances.amin(0)
    return -radius * torch.logsumexp(-distances / radius, 0)


def _candidates(sites: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """For each block the sites nearest to its middle, (K, blocks²), and the ways from the middle to them."""
    centres = (torch.arange(_BLOCKS) + 0.5) / _BLOCKS
    du = shortest_way(sites[:, 0] - centres[:, None]).repeat(_BLOCKS, 1)  # (blocks², N)
    dv = shortest_way(sites[:, 1] - centres[:, None]).repeat_interleave(_BLOCKS, 0)
    nearest = (du.square() + dv.square()).topk(min(_NEIGHBOURS, len(sites)), largest=False).indices
    return nearest.T.contiguous(), du.gather(1, nearest).T.contiguous(), dv.gather(1, nearest).T.contiguous()


def _relaxed(sites: torch.Tensor, grid: int = 64) -> torch.Tensor:
    centres = (torch.arange(grid) + 0.5) / grid
    u, v = centres.repeat(grid), centres.repeat_interleave(grid)
    own = (shortest_way(u[:, None] - sites[:, 0]).square() + shortest_way(v[:, None] - sites[:, 1]).square()).argmin(-1)
    from_own = shortest_way(torch.stack([u, v], -1) - sites[own])
    total = torch.zeros_like(sites).index_add(0, own, from_own)
    count = torch.bincount(own, minlength=len(sites)).clamp(min=1)
    return (sites + total / count[:, None]) % 1
