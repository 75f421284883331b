"""How visible the line is where a texture meets its own copy.

For one axis, g(x) is the mean of |I[x] - I[x-1]| over the line x, and line 0 is where the image wraps.
A texture that tiles makes no stronger step there than somewhere inside.
"""

from dataclasses import dataclass

import torch

SEAMLESS_Q = 1.05
DOUBTFUL_Q = 1.2
VISIBLE_R2 = 1.5
MOVED_SEAM = 1.4  # repairs of real textures make their strongest line up to 1.33 times as strong
EDGE = 8  # lines next to the wrap that the interior leaves out: a blended seam must not count as texture

INSIDE = slice(EDGE, -EDGE + 1)


@dataclass(frozen=True)
class SeamStatistics:
    """Four ratios of the wrap line to the lines inside, 1 or less where nothing shows.

    r: against the mean step inside. q: against the strongest step inside.
    r2, q2: the same for the second difference, the step less the mean of its two neighbouring steps.
    """

    r: float
    q: float
    r2: float
    q2: float

    @property
    def verdict(self) -> str:
        """ "seamless", "doubtful" or "seam".

        A line shows if it steps more than any line inside, or bends more than the mean (r2) and more than any (q2).
        r2 alone would condemn a wall with a joint on its edge.
        """
        standing_out = max(self.q, self.q2 if self.r2 > VISIBLE_R2 else 0)
        if standing_out > DOUBTFUL_Q:
            return "seam"
        return "doubtful" if standing_out > SEAMLESS_Q else "seamless"


def seam_statistics(image: torch.Tensor, axis: str) -> SeamStatistics:
    """Seam statistics of (B, C, H, W) along `axis`: "x" for the left-right wrap, "y" for the top-bottom one.

    The axis needs at least 3 * EDGE pixels; raises ValueError below that.
    """
    g, b = line_steps(image, axis)
    inside_g, inside_b = g[INSIDE], b[INSIDE]
    return SeamStatistics(
        r=_ratio(g[0], inside_g.mean()),
        q=_ratio(g[0], inside_g.max()),
        r2=_ratio(b[0], inside_b.mean()),
        q2=_ratio(b[0], inside_b.max()),
    )


def moved_seam(before: torch.Tensor, after: torch.Tensor, axis: str) -> float:
    """The strongest step inside (B, C, H, W) after a repair over that before it: above MOVED_SEAM it only moved."""
    return _ratio(line_steps(after, axis)[0][INSIDE].max(), line_steps(before, axis)[0][INSIDE].max())


def line_steps(image: torch.Tensor, axis: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Of every line of (B, C, H, W) along `axis`: the mean step to the line before it, and the mean bend.

    The bend is the step less the mean of its two neighbouring steps. Line 0 is the wrap line. The axis needs at least
    3 * EDGE pixels; raises ValueError below that.
    """
    lines = image.double() if axis == "x" else image.double().transpose(-1, -2)
    if lines.shape[-1] < 3 * EDGE:
        raise ValueError(f"seams are measured on at least {3 * EDGE} pixels, not {lines.shape[-1]}")
    step = lines - lines.roll(1, -1)
    bend = step - (step.roll(1, -1) + step.roll(-1, -1)) / 2
    return step.abs().mean((0, 1, 2)), bend.abs().mean((0, 1, 2))


def _ratio(wrap_line: torch.Tensor, inside: torch.Tensor) -> float:
    if wrap_line < 1e-9:  # a flat image has no seam, and no interior to compare it with
        return 0.0
    return float(wrap_line / inside) if inside > 0 else float("inf")
