"""Minimum cyclic seam (graph cut) through a cost map."""

import torch


def minimum_cyclic_cut(difference: torch.Tensor) -> torch.Tensor:
    """The minimum cyclic seam through a cost map (H, W): per row the number of pixels left of it, 1 .. W - 1.

    Cyclic: the last row continues in the first. Cutting between two neighbouring pixels costs the sum of their values,
    in both directions, so that the seam follows a joint sideways as far as it likes. Among the cuts that part each row
    once this is the minimum cut of the pixel graph (Kwatra et al., "Graphcut textures", 2003). Found as a shortest
    path, in two passes: where a path through two copies of the map crosses its middle, then the best loop through
    there.
    """
    within, across = difference[:, :-1] + difference[:, 1:], difference + difference.roll(1, 0)
    start = within.new_zeros(within.shape[1])
    through = _path(torch.cat([within, within]), torch.cat([across, across]), start)[within.shape[0]]
    start = torch.full_like(start, torch.inf)
    start[through] = 0
    loop = _path(torch.cat([within, within[:1]]), torch.cat([across, across[:1]]), start, end=int(through))
    return loop[:-1] + 1


def _path(within: torch.Tensor, across: torch.Tensor, start: torch.Tensor, end: int | None = None) -> torch.Tensor:
    """The column per row of the cheapest path from the first row to the last.

    within (H, P): cost of crossing a row at each of the P places between its pixels. across (H, P + 1): cost per pixel
    passed when the path moves sideways between two rows. start (P,): cost of each place to begin at.
    """
    total, origins = start + within[0], []
    steps = across[:, 1:-1].cumsum(1)
    for row, step in zip(within[1:], steps[1:], strict=True):
        height = torch.nn.functional.pad(step, (1, 0))  # what it costs to come here from the first place
        from_left, left = (total - height).cummin(0)
        from_right, right = (total + height).flip(0).cummin(0)
        from_left, from_right, right = from_left + height, from_right.flip(0) - height, len(row) - 1 - right.flip(0)
        origins.append(torch.where(from_left <= from_right, left, right))
        total = torch.minimum(from_left, from_right) + row
    place = int(total.argmin()) if end is None else end
    path = [place]
    for origin in reversed(origins):
        place = int(origin[place])
        path.append(place)
    return torch.tensor(path[::-1], device=within.device)
