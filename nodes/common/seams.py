"""How visible the line is where a texture meets its own copy.

For one axis, g(x) is the mean of |I[x] - I[x-1]| over the line x, and line 0 is where the image wraps.
A texture that tiles makes no stronger step there than somewhere inside.
"""

from dataclasses import dataclass

import torch

SEAMLESS_Q = 1.05
DOUBTFUL_Q = 1.2
VISIBLE_R2 = 1.5
EDGE = 8  # lines next to the wrap that the interior leaves out: a blended seam must not count as texture


@dataclass(frozen=True)
class SeamStatistics:
    """Three ratios of the wrap line to the lines inside, 1 or less where nothing shows.

    r: against the mean step inside. q: against the strongest step inside.
    r2: the same as r for the second difference, the step less the mean of its two neighbouring steps.
    """

    r: float
    q: float
    r2: float

    @property
    def verdict(self) -> str:
        """ "seamless", "doubtful" or "seam"."""
        if self.q > DOUBTFUL_Q or self.r2 > VISIBLE_R2:
            return "seam"
        return "seamless" if self.q <= SEAMLESS_Q else "doubtful"


def seam_statistics(image: torch.Tensor, axis: str) -> SeamStatistics:
    """Seam statistics of (B, C, H, W) along `axis`: "x" for the left-right wrap, "y" for the top-bottom one.

    The axis needs at least 3 * EDGE pixels; raises ValueError below that.
    """
    lines = image.double() if axis == "x" else image.double().transpose(-1, -2)
    if lines.shape[-1] < 3 * EDGE:
        raise ValueError(f"seams are measured on at least {3 * EDGE} pixels, not {lines.shape[-1]}")
    step = lines - lines.roll(1, -1)
    bend = step - (step.roll(1, -1) + step.roll(-1, -1)) / 2
    g = step.abs().mean((0, 1, 2))
    b = bend.abs().mean((0, 1, 2))
    inside = slice(EDGE, -EDGE + 1)
    return SeamStatistics(_ratio(g[0], g[inside].mean()), _ratio(g[0], g[inside].max()), _ratio(b[0], b[inside].mean()))


def _ratio(wrap_line: torch.Tensor, inside: torch.Tensor) -> float:
    if wrap_line < 1e-9:  # a flat image has no seam, and no interior to compare it with
        return 0.0
    return float(wrap_line / inside) if inside > 0 else float("inf")
