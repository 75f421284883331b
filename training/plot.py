"""The loss chart of a run."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from .measure import loss_transfer

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

Points = Sequence[tuple[int, float]]
"""(steps made, loss)"""

WIDTH, HEIGHT = 960, 540
LEFT, RIGHT, TOP, BOTTOM, BETWEEN = 84, 24, 84, 56, 52
OVERSAMPLING = 2  # PIL draws lines without antialiasing

PAPER, INK, FAINT, GRID = "#14161a", "#e8e6e1", "#8b8f98", "#2a2e35"
RAW, SMOOTH, FIXED, VALIDATION = "#35414f", "#8aa5c2", "#f0a35e", "#6fc3a5"


def smoothed(losses: Sequence[float], span: int | None = None) -> list[float]:
    """Exponential moving average over about `span` steps (a tenth of the run), without the bias of its start."""
    span = span or max(1, len(losses) // 10)
    keep = 1 - 1 / span
    average, weight, result = 0.0, 0.0, []
    for loss in losses:
        average = keep * average + (1 - keep) * loss
        weight = keep * weight + (1 - keep)
        result.append(average / weight)
    return result


def plot_losses(losses: Sequence[float], title: str, validation: Points = (), fixed: Points = ()) -> torch.Tensor:
    """A chart of `losses`, one a step, with their smoothed curve, as (1, H, W, 3) in 0..1.

    validation and fixed are what was measured after so many steps on held-out images, and on training images with
    noise that stays the same. They have a panel and a scale of their own above the losses of the steps, which tell
    mostly what timesteps each step met. Without any loss the chart is empty.
    """
    import numpy as np
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (WIDTH * OVERSAMPLING, HEIGHT * OVERSAMPLING), PAPER)
    draw = ImageDraw.Draw(image)
    _text(draw, (LEFT, 28), title, INK, 18, "lm")
    if losses:
        measured = {"fixed noise": (fixed, FIXED), "validation": (validation, VALIDATION)}
        _panels(draw, losses, {name: line for name, line in measured.items() if line[0]})
    small = image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.asarray(small, dtype=np.float32) / 255).unsqueeze(0)


@dataclass(frozen=True)
class _Panel:
    """A rectangle of the picture between two heights, with what its edges mean."""

    top: float
    bottom: float
    steps: int
    low: float
    high: float

    def place(self, step: int, loss: float) -> tuple[float, float]:
        within = min(max(loss, self.low), self.high)
        y = self.top + (self.bottom - self.top) * (self.high - within) / (self.high - self.low)
        return LEFT + (WIDTH - LEFT - RIGHT) * step / self.steps, y


def _panels(draw: "ImageDraw", losses: Sequence[float], measured: dict[str, tuple[Points, str]]) -> None:
    bottom = HEIGHT - BOTTOM
    middle = TOP + 0.62 * (bottom - TOP) if measured else TOP - BETWEEN
    course = smoothed(losses)
    below = _Panel(middle + BETWEEN, bottom, len(losses), *_range(losses, course))
    _axes(draw, below)
    _line(draw, below, list(enumerate(losses, 1)), RAW, 1)
    _line(draw, below, list(enumerate(course, 1)), SMOOTH, 2)
    _legend(draw, below, [(f"each step, smoothed {course[-1]:.4f}", SMOOTH)])
    if measured:
        values = [loss for points, _ in measured.values() for _, loss in points]
        above = _Panel(TOP, middle, len(losses), *_range(values, values))
        _axes(draw, above)
        for points, color in measured.values():
            _line(draw, above, points, color, 3)
        _legend(draw, above, _measured_words(measured))


def _measured_words(measured: dict[str, tuple[Points, str]]) -> list[tuple[str, str]]:
    """What was measured last, with its colour, and how much of what was won holds for held-out images."""
    words = [(_change(name, points), color) for name, (points, color) in measured.items()]
    validation, fixed = (measured.get(name, ((), ""))[0] for name in ("validation", "fixed noise"))
    share = loss_transfer(validation, fixed)
    return words if share is None else [*words, (f"loss transfer {share:.2f}", INK)]


def _change(name: str, points: Points) -> str:
    first, last = points[0][1], points[-1][1]
    change = f" ({(last / first - 1) * 100:+.1f} %)" if len(points) > 1 and first else ""
    return f"{name} {last:.4f}{change}"


def _range(values: Sequence[float], course: Sequence[float]) -> tuple[float, float]:
    """From just below the lowest value, but not below zero, to where all but the wildest hundredth of them fit."""
    ordered = sorted(values)
    high = max(max(course), ordered[math.ceil(0.99 * len(ordered)) - 1])
    room = 0.08 * (high - ordered[0]) or 0.1 * high or 1.0
    return max(0.0, ordered[0] - room), high + room


def _axes(draw: "ImageDraw", panel: _Panel) -> None:
    for value in _ticks(panel.low, panel.high, 5):
        _, y = panel.place(0, value)
        _stroke(draw, [(LEFT, y), (WIDTH - RIGHT, y)], GRID, 1)
        _text(draw, (LEFT - 10, y), f"{value:.4g}", FAINT, 14, "rm")
    for step in _ticks(0, max(panel.steps, 2), 8):
        if step == int(step) <= panel.steps:
            x, _ = panel.place(int(step), panel.low)
            _text(draw, (x, panel.bottom + 16), str(int(step)), FAINT, 14, "mm")
    _stroke(draw, [(LEFT, panel.bottom), (WIDTH - RIGHT, panel.bottom)], FAINT, 1)
    _text(draw, (12, panel.top - 18), "loss", FAINT, 14, "lm")
    _text(draw, ((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16), "step", FAINT, 14, "mm")


def _legend(draw: "ImageDraw", panel: _Panel, entries: Sequence[tuple[str, str]]) -> None:
    right = float(WIDTH - RIGHT)
    for text, color in entries:
        _text(draw, (right, panel.top - 18), text, color, 15, "rm")
        right -= draw.textlength(text, font=_font(15)) / OVERSAMPLING + 28


def _ticks(low: float, high: float, count: int) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) between low and high, about `count` of them."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    gap = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return [gap * i for i in range(math.ceil(low / gap), math.floor(high / gap) + 1)]


def _line(draw: "ImageDraw", panel: _Panel, points: Points, color: str, width: int) -> None:
    made = [panel.place(step, loss) for step, loss in points if step <= panel.steps]  # the rest was not saved
    if len(made) == 1:
        made = [(LEFT, made[0][1]), (WIDTH - RIGHT, made[0][1])]
    _stroke(draw, made, color, width)


def _stroke(draw: "ImageDraw", points: list[tuple[float, float]], color: str, width: int) -> None:
    scaled = [(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in points]
    draw.line(scaled, fill=color, width=width * OVERSAMPLING, joint="curve")


def _text(draw: "ImageDraw", at: tuple[float, float], text: str, color: str, size: int, anchor: str) -> None:
    draw.text((at[0] * OVERSAMPLING, at[1] * OVERSAMPLING), text, fill=color, font=_font(size), anchor=anchor)


def _font(size: int) -> "FreeTypeFont | ImageFont":
    from PIL import ImageFont

    return ImageFont.load_default(size * OVERSAMPLING)
