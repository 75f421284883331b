"""How visible the seam of a tiled texture is, and whether a band along its edge differs from the inside.

For one axis, g(x) is the mean of |I[x] - I[x-1]| over the line x, and line 0 is where the image wraps.
A texture that tiles makes no stronger step there than somewhere inside, and its edge looks like its inside.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from .edge_bands import EdgeBand, edge_bands

SEAMLESS_Q = 1.05
DOUBTFUL_Q = 1.2
VISIBLE_R2 = 1.5
SEAMLESS_BAND = 0.9
DOUBTFUL_BAND = 1.1
MOVED_SEAM = 1.4  # repairs of real textures make their strongest line up to 1.33 times as strong
EDGE = 8  # lines next to the wrap that the interior leaves out: a blended seam must not count as texture
LEAST_SIDE = 3 * EDGE  # pixels of an axis that can be measured
FLAT = 1e-6  # values that differ by less are one value
VALUES = 2**17  # measured at once: as many as a processor's cache holds

INSIDE = slice(EDGE, -EDGE + 1)

NOTHING, SEAMLESS, DOUBTFUL, SEAM = VERDICTS = ("nothing to measure", "seamless", "doubtful", "seam")  # best to worst
FIGURES = f"Figures (seamless: Q to {SEAMLESS_Q:g}, band to {SEAMLESS_BAND:g}; R and R2 rise with a joint on the edge):"
EDGES = {"x": "left–right", "y": "top–bottom"}  # what a person sees of an axis


@dataclass(frozen=True)
class SeamStatistics:
    """Four ratios of the wrap line to the lines inside, 1 or less where nothing shows; and the strip along the edge.

    r: against the mean step inside. q: against the strongest step inside.
    r2, q2: the same for the second difference, the step less the mean of its two neighbouring steps.
    band: the strip along the edge that differs most from the strips inside. spread: the image's largest value less its
    smallest; NaN or infinite where one of them is.
    """

    r: float
    q: float
    r2: float
    q2: float
    band: EdgeBand = EdgeBand()
    spread: float = 1.0

    @property
    def line_verdict(self) -> str:
        """The verdict on the wrap line alone.

        A line shows if it steps more than any line inside, or bends more than the mean (r2) and more than any (q2).
        r2 alone would condemn a wall with a joint on its edge.
        """
        return _judged(max(self.q, self.q2 if self.r2 > VISIBLE_R2 else 0), SEAMLESS_Q, DOUBTFUL_Q)

    @property
    def band_verdict(self) -> str:
        """The verdict on the strips along the edge alone."""
        return _judged(self.band.excess, SEAMLESS_BAND, DOUBTFUL_BAND)

    @property
    def verdict(self) -> str:
        """ "seamless", "doubtful" or "seam"; "nothing to measure" for an image of one value or with NaN in it."""
        if not FLAT <= self.spread < math.inf:  # NaN is neither
            return NOTHING
        return max(self.line_verdict, self.band_verdict, key=VERDICTS.index)

    @property
    def tiles(self) -> bool:
        """Whether copies side by side show nothing: it is seamless, or of one value."""
        return self.spread < FLAT or self.verdict == SEAMLESS

    @property
    def figures(self) -> str:
        """The numbers behind the verdict, for whoever asks: "Q 0.45, R 0.98, R2 0.83, Q2 0.52, band 0.10"."""
        band = f"band {self.band.excess:.2f}" + (f" ({self.band.width} px)" if self.band.width else "")
        return f"Q {self.q:.2f}, R {self.r:.2f}, R2 {self.r2:.2f}, Q2 {self.q2:.2f}, {band}"


def seam_statistics(image: torch.Tensor, axis: str) -> SeamStatistics:
    """Seam statistics of (B, C, H, W) along `axis`: "x" for the left-right wrap, "y" for the top-bottom one.

    The axis needs at least LEAST_SIDE pixels; raises ValueError below that.
    """
    return seam_statistics_each(image.flatten(0, 1)[None], axis)[0]


def seam_statistics_each(images: torch.Tensor, axis: str) -> list[SeamStatistics]:
    """Those of each of N images of P planes, (N, P, H, W), as of `seam_statistics`."""
    steps, bends = _line_steps(images, axis)
    figures = [
        values.tolist()
        for lines in (steps, bends)
        for values in (lines[:, 0], lines[:, INSIDE].mean(1), lines[:, INSIDE].amax(1))
    ]
    spreads = (images.amax((1, 2, 3)) - images.amin((1, 2, 3))).tolist()
    return [
        SeamStatistics(
            r=_ratio(step, mean_step),
            q=_ratio(step, largest_step),
            r2=_ratio(bend, mean_bend),
            q2=_ratio(bend, largest_bend),
            band=band,
            spread=spread,
        )
        for step, mean_step, largest_step, bend, mean_bend, largest_bend, band, spread in zip(
            *figures, edge_bands(images, axis), spreads, strict=True
        )
    ]


def edge_words(seams: Mapping[str, SeamStatistics], moved: Mapping[str, float] | None = None) -> str:
    """The seams of an image by axis in plain words: "left–right: seamless · top–bottom: seamless".

    moved is the `moved_seam` of each axis, where the image is a repaired one.
    """
    ratios = moved or {}
    return " · ".join(f"{EDGES[axis]}: {_words(seam, ratios.get(axis, 0.0))}" for axis, seam in seams.items())


def moved_seam(before: torch.Tensor, after: torch.Tensor, axis: str) -> float:
    """The strongest step inside (B, C, H, W) after a repair over that before it: above MOVED_SEAM it only moved."""
    return _ratio(*(float(line_steps(image, axis)[0][INSIDE].max()) for image in (after, before)))


def line_steps(image: torch.Tensor, axis: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Of every line of (B, C, H, W) along `axis`: the mean step to the line before it, and the mean bend.

    The bend is the step less the mean of its two neighbouring steps. Line 0 is the wrap line. The axis needs at least
    LEAST_SIDE pixels; raises ValueError below that.
    """
    steps, bends = _line_steps(image.flatten(0, 1)[None], axis)
    return steps[0], bends[0]


def _line_steps(images: torch.Tensor, axis: str) -> tuple[torch.Tensor, torch.Tensor]:
    """(N, lines) each, of images (N, P, H, W)."""
    along, across = (-1, -2) if axis == "x" else (-2, -1)
    size = images.shape[along]
    if size < LEAST_SIDE:
        raise ValueError(f"seams are measured on at least {LEAST_SIDE} pixels, not {size}")
    steps, bends = (images.new_zeros(len(images), size, dtype=torch.float64) for _ in range(2))
    for some in images.split(max(VALUES // max(images[:, :1].numel(), 1), 1), 1):
        for part in some.split(max(VALUES // size, 8), across):
            part = part.double()
            step = part - part.roll(1, along)
            steps += step.abs().sum((1, across))
            bends += (step - (step.roll(1, along) + step.roll(-1, along)) / 2).abs().sum((1, across))
    lines = images.shape[1] * images.shape[across]
    return steps / lines, bends / lines


def _words(seam: SeamStatistics, moved: float) -> str:
    """What a person has to know of an edge."""
    if seam.verdict == NOTHING:
        return "nothing to measure, one flat value"
    found = {
        DOUBTFUL: ["a line may show"] * (seam.line_verdict == DOUBTFUL)
        + [f"the edge may be {seam.band.kind}"] * (seam.band_verdict == DOUBTFUL),
        SEAM: (
            ["a line shows"] * (seam.line_verdict == SEAM)
            or [f"the edge is {seam.band.kind}"] * (seam.band_verdict == SEAM)
        )
        + ["the line only moved inside"] * (moved > MOVED_SEAM),
    }
    for verdict in (SEAM, DOUBTFUL):
        if found[verdict]:
            return f"{verdict}, {' and '.join(found[verdict])}"
    return SEAMLESS


def _judged(value: float, seamless: float, doubtful: float) -> str:
    if value > doubtful:
        return SEAM
    return DOUBTFUL if value > seamless else SEAMLESS


def _ratio(wrap_line: float, inside: float) -> float:
    if wrap_line < 1e-9:  # a flat image has no seam, and no interior to compare it with
        return 0.0
    return wrap_line / inside if inside > 0 else math.inf
