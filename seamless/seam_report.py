"""The seams of a batch of images: in plain words, as figures, and as a picture with a strip of heat."""

from dataclasses import dataclass

import torch

from ..common.errors import InputError
from ..common.seams import (
    DOUBTFUL,
    EDGE,
    EDGES,
    FIGURES,
    LEAST_SIDE,
    MOVED_SEAM,
    NOTHING,
    SEAM,
    SEAMLESS,
    VERDICTS,
    SeamStatistics,
    edge_words,
    line_steps,
    moved_seam,
    seam_statistics,
)

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
        axes = [dict(zip(EDGES, seams, strict=True)) for seams in zip(self.x, self.y, strict=True)]
        moved = [dict(zip(EDGES, ratios, strict=True)) for ratios in self.moved] or [dict[str, float]()] * len(axes)
        lines = [edge_words(*one) for one in zip(axes, moved, strict=True)]
        return "\n".join(_numbered(number, len(lines), line) for number, line in enumerate(lines))

    def __str__(self) -> str:
        figures = []
        for number, seams in enumerate(zip(self.x, self.y, strict=True)):
            ratios = self.moved[number] if self.moved else (None, None)
            for edge, seam, ratio in zip(EDGES.values(), seams, ratios, strict=True):
                figures.append(_numbered(number, len(self.x), f"{edge}: {_figures(seam, ratio)}"))
        return "\n".join([self.badges, FIGURES, *figures])


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


def _figures(seam: SeamStatistics, moved: float | None) -> str:
    if moved is None:
        return seam.figures
    place = "moved inside" if moved > MOVED_SEAM else "not moved"
    return f"{seam.figures}; {place} (strongest line inside {moved:.2f} times the one before)"


def _numbered(number: int, of: int, line: str) -> str:
    return f"image {number + 1}, {line}" if of > 1 else line


def _check(image: torch.Tensor, before: torch.Tensor | None) -> None:
    height, width = image.shape[-2:]
    if min(height, width) < LEAST_SIDE:
        raise InputError(
            f"The image is {width} x {height} pixels. Seams are compared with the inside of the texture, "
            f"which takes at least {LEAST_SIDE} pixels on each side. Connect a larger image."
        )
    if before is not None and before.shape != image.shape:
        raise InputError(
            f"The image before is {before.shape[3]} x {before.shape[2]} pixels ({before.shape[0]} of them), the image "
            f"{width} x {height} ({image.shape[0]}). Connect the same texture before and after its repair."
        )
