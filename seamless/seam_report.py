"""The seams of a batch of images: in plain words, as figures, and as a picture with a strip of heat."""

from dataclasses import dataclass

import torch

from ..common.errors import InputError
from ..common.seams import (
    DOUBTFUL,
    EDGE,
    MOVED_SEAM,
    NOTHING,
    SEAM,
    SEAMLESS,
    VERDICTS,
    SeamStatistics,
    line_steps,
    moved_seam,
    seam_statistics,
)

EDGES = {"x": "left–right", "y": "top–bottom"}
STRIP_HEIGHT = 24
COLORS = {NOTHING: (0.5, 0.5, 0.5), SEAMLESS: (0.2, 0.7, 0.3), DOUBTFUL: (0.95, 0.75, 0.1), SEAM: (0.9, 0.2, 0.15)}


@dataclass(frozen=True)
class SeamReport:
    """The seams of every image of a batch along both axes; moved: how much stronger its strongest line inside got."""

    x: tuple[SeamStatistics, ...]
    y: tuple[SeamStatistics, ...]
    moved: tuple[tuple[float, float], ...] = ()

    @property
    def worst_x(self) -> float:
        """The largest Q of the batch at the left-right wrap."""
        return max(seam.q for seam in self.x)

    @property
    def worst_y(self) -> float:
        """The largest Q of the batch at the top-bottom wrap."""
        return max(seam.q for seam in self.y)

    @property
    def verdict(self) -> str:
        """The worst verdict of the batch: one of `VERDICTS`; "seam" also where one only moved inside."""
        if any(ratio > MOVED_SEAM for pair in self.moved for ratio in pair):
            return SEAM
        return max((seam.verdict for seam in (*self.x, *self.y)), key=VERDICTS.index)

    @property
    def badges(self) -> str:
        """One line per image, in plain words: "left–right: seamless · top–bottom: seamless"."""
        return "\n".join(
            _numbered(number, len(self.x), " · ".join(f"{EDGES[axis]}: {words}" for axis, words in edges))
            for number, edges in enumerate(self._edges())
        )

    def __str__(self) -> str:
        figures = []
        for number, seams in enumerate(zip(self.x, self.y, strict=True)):
            ratios = self.moved[number] if self.moved else (None, None)
            for edge, seam, ratio in zip(EDGES.values(), seams, ratios, strict=True):
                figures.append(_numbered(number, len(self.x), f"{edge}: {_figures(seam, ratio)}"))
        return "\n".join([self.badges, "Figures, 1 or less where nothing shows:", *figures])

    def _edges(self) -> list[list[tuple[str, str]]]:
        """For every image: axis and words of its two edges."""
        moved = self.moved or ((0.0, 0.0),) * len(self.x)
        return [
            [(axis, _words(seam, ratio)) for axis, seam, ratio in zip(EDGES, seams, ratios, strict=True)]
            for seams, ratios in zip(zip(self.x, self.y, strict=True), moved, strict=True)
        ]


def measure_seams(image: torch.Tensor, before: torch.Tensor | None = None) -> SeamReport:
    """Measure each image of (B, C, H, W) by itself; `before` is what it was before a repair.

    Raises `InputError` for images too small to have an interior.
    """
    _check(image, before)
    singles = image.split(1)
    moved = () if before is None else tuple(_moved(*pair) for pair in zip(before.split(1), singles, strict=True))
    return SeamReport(
        tuple(seam_statistics(single, "x") for single in singles),
        tuple(seam_statistics(single, "y") for single in singles),
        moved,
    )


def heat_strips(image: torch.Tensor, report: SeamReport) -> torch.Tensor:
    """The first of (B, C, H, W), rolled by half so that its edges meet in the middle, with a strip above and beside it.

    The strips show the step at every column and row, white for one as strong as the strongest inside, and in the colour
    of its verdict the line where the edges meet and the band along it, if that differs from the inside.
    Returns (1, 3, H + STRIP_HEIGHT, W + STRIP_HEIGHT).
    """
    height, width = image.shape[-2:]
    picture = image[:1, :3] if image.shape[1] >= 3 else image[:1, :1].expand(-1, 3, -1, -1)
    result = picture.new_zeros(1, 3, height + STRIP_HEIGHT, width + STRIP_HEIGHT)
    result[..., STRIP_HEIGHT:, STRIP_HEIGHT:] = picture.roll((height // 2, width // 2), (2, 3)).clamp(0, 1)
    above, beside = seam_strips(image, report)
    result[0, :, :STRIP_HEIGHT, STRIP_HEIGHT:] = above
    result[0, :, STRIP_HEIGHT:, :STRIP_HEIGHT] = beside
    return result


def seam_strips(image: torch.Tensor, report: SeamReport, number: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Of image `number` of (B, C, H, W) the strips of `heat_strips`: (3, STRIP_HEIGHT, W) and (3, H, STRIP_HEIGHT).

    The line where the edges meet lies in their middle.
    """
    single = image[number : number + 1]
    above, beside = (_strip(line_steps(single, axis)[0], getattr(report, axis)[number]) for axis in EDGES)
    return above, beside.transpose(1, 2)


def _strip(steps: torch.Tensor, seam: SeamStatistics) -> torch.Tensor:
    """(3, STRIP_HEIGHT, N) for the N steps of an axis, the wrap line in the middle."""
    size = len(steps)
    strongest = steps[EDGE : -EDGE + 1].max().clamp(min=1e-9)
    shares = (steps / strongest).clamp(0, 1).float()
    strip = shares.roll(size // 2).expand(3, STRIP_HEIGHT, size).clone()
    _mark(strip, max(size // 256, 1), seam.verdict if seam.verdict == NOTHING else seam.line_verdict)
    if seam.verdict != NOTHING and seam.band_verdict != SEAMLESS:
        _mark(strip[:, STRIP_HEIGHT // 2 :], seam.band.width, seam.band_verdict)
    return strip


def _mark(strip: torch.Tensor, pixels: int, verdict: str) -> None:
    """Colour `pixels` on either side of the middle of (3, rows, N)."""
    middle = strip.shape[-1] // 2
    strip[..., middle - pixels : middle + pixels] = strip.new_tensor(COLORS[verdict]).view(3, 1, 1)


def _moved(before: torch.Tensor, after: torch.Tensor) -> tuple[float, float]:
    return moved_seam(before, after, "x"), moved_seam(before, after, "y")


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


def _figures(seam: SeamStatistics, moved: float | None) -> str:
    band = f", band {seam.band.excess:.2f}" + (f" ({seam.band.width} px)" if seam.band.width else "")
    if moved is None:
        inside = ""
    else:
        place = "moved inside" if moved > MOVED_SEAM else "not moved"
        inside = f"; {place} (strongest line inside {moved:.2f} times the one before)"
    return f"Q {seam.q:.2f}, R {seam.r:.2f}, R2 {seam.r2:.2f}, Q2 {seam.q2:.2f}{band}{inside}"


def _numbered(number: int, of: int, line: str) -> str:
    return f"image {number + 1}, {line}" if of > 1 else line


def _check(image: torch.Tensor, before: torch.Tensor | None) -> None:
    height, width = image.shape[-2:]
    if min(height, width) < 3 * EDGE:
        raise InputError(
            f"The image is {width} x {height} pixels. Seams are compared with the inside of the texture, "
            f"which takes at least {3 * EDGE} pixels on each side. Connect a larger image."
        )
    if before is not None and before.shape != image.shape:
        raise InputError(
            f"The image before is {before.shape[3]} x {before.shape[2]} pixels ({before.shape[0]} of them), the image "
            f"{width} x {height} ({image.shape[0]}). Connect the same texture before and after its repair."
        )
