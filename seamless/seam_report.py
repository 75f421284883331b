"""The seams of a batch of images, as numbers, in words and as a strip of heat."""

from dataclasses import dataclass

import torch

from ..common.errors import InputError
from ..common.seams import DOUBTFUL_Q, EDGE, MOVED_SEAM, SeamStatistics, line_steps, moved_seam, seam_statistics

AXES = {"x": "x (left-right)", "y": "y (top-bottom)"}
VERDICTS = ["seamless", "doubtful", "seam"]  # from good to bad
STRIP_HEIGHT = 24


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
        """The worst verdict of the batch: "seamless", "doubtful" or "seam"."""
        if any(ratio > MOVED_SEAM for pair in self.moved for ratio in pair):
            return "seam"
        return max((seam.verdict for seam in (*self.x, *self.y)), key=VERDICTS.index)

    def __str__(self) -> str:
        lines = []
        for number, seams in enumerate(zip(self.x, self.y, strict=True)):
            image = f"image {number + 1}, " if len(self.x) > 1 else ""
            lines += [f"{image}{axis}: {_words(seam)}" for axis, seam in zip(AXES.values(), seams, strict=True)]
            for axis, ratio in zip(AXES.values(), self.moved[number] if self.moved else (), strict=False):
                place = "moved inside" if ratio > MOVED_SEAM else "not moved"
                lines.append(f"{image}{axis}: {place} (strongest line {ratio:.2f} times the one before)")
        return "\n".join(lines)


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


def heat_strips(image: torch.Tensor) -> torch.Tensor:
    """The first of (B, C, H, W) with the step of every column above it and of every row beside it, in colour.

    From black over red to white as the step rises to 1.2 times the strongest inside; the texture is rolled by half, so
    that the wrap lines meet in the middle. Returns (1, 3, H + STRIP_HEIGHT, W + STRIP_HEIGHT).
    """
    height, width = image.shape[-2:]
    picture = image[:1, :3].expand(-1, 3, -1, -1).roll((height // 2, width // 2), (2, 3))
    columns = _heat(line_steps(image[:1], "x")[0]).roll(width // 2, -1)
    rows = _heat(line_steps(image[:1], "y")[0]).roll(height // 2, -1)
    result = picture.new_zeros(1, 3, height + STRIP_HEIGHT, width + STRIP_HEIGHT)
    result[..., STRIP_HEIGHT:, STRIP_HEIGHT:] = picture
    result[..., :STRIP_HEIGHT, STRIP_HEIGHT:] = columns.unsqueeze(1)
    result[..., STRIP_HEIGHT:, :STRIP_HEIGHT] = rows.unsqueeze(2)
    return result


def _heat(steps: torch.Tensor) -> torch.Tensor:
    """(3, N) colours of N steps."""
    strongest = steps[EDGE : -EDGE + 1].max().clamp(min=1e-9)
    share = (steps / (strongest * DOUBTFUL_Q)).clamp(0, 1).float()
    return torch.stack([(share * 3 - channel).clamp(0, 1) for channel in range(3)])


def _moved(before: torch.Tensor, after: torch.Tensor) -> tuple[float, float]:
    return moved_seam(before, after, "x"), moved_seam(before, after, "y")


def _words(seam: SeamStatistics) -> str:
    return f"{seam.verdict} (Q {seam.q:.2f}, R {seam.r:.2f}, R2 {seam.r2:.2f}, Q2 {seam.q2:.2f})"


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
