"""The cheapest way to cut a strip of pixels in two: a minimum cut of its graph."""

import torch


def least_cut(difference: torch.Tensor) -> torch.Tensor:
    """How many pixels of each row of (H, W) lie left of the cut of least cost that closes on itself, 1 .. W - 1.

    To part two neighbouring pixels costs the sum of their differences. Of all cuts that leave every row in two pieces,
    this is the minimum cut of the graph of pixels (Kwatra et al., "Graphcut textures", 2003): it follows a joint
    sideways as far as it likes. Found as a shortest path, in two passes: the best place half-way down a path through
    two copies, then the best loop through it.
    """
    within, across = difference[:, :-1] + difference[:, 1:], difference + difference.roll(1, 0)
    start = within.new_zeros(within.shape[1])
    through = _path(torch.cat([within, within]), torch.cat([across, across]), start)[within.shape[0]]
    start = torch.full_like(start, torch.inf)
    start[through] = 0
    loop = _path(torch.cat([within, within[:1]]), torch.cat([across, across[:1]]), start, end=int(through))
    return loop[:-1] + 1


def _path(within: torch.Tensor, across: torch.Tensor, start: torch.Tensor, end: int | None = None) -> torch.Tensor:
    """The place per row of the cheapest path down: `within` a row the price of a place, `across` that of moving there.

    within (H, P) has a place between any two of the pixels of across (H, P + 1).
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
