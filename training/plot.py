"""The picture of a run: its loss over the steps."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

WIDTH, HEIGHT = 960, 540
LEFT, RIGHT, TOP, BOTTOM = 84, 24, 56, 56
OVERSAMPLING = 2  # PIL draws lines without antialiasing

PAPER, INK, FAINT, GRID = "#14161a", "#e8e6e1", "#8b8f98", "#2a2e35"
RAW, SMOOTH, MEASURED = "#4a5d73", "#f0a35e", "#6fc3a5"


def smoothed(losses: Sequence[float], span: int | None = None) -> list[float]:
    """Exponential moving average over about `span` steps (a twentieth of the run), without the bias of its start."""
    span = span or max(1, len(losses) // 20)
    keep = 1 - 1 / span
    average, weight, result = 0.0, 0.0, []
    for loss in losses:
        average = keep * average + (1 - keep) * loss
        weight = keep * weight + (1 - keep)
        result.append(average / weight)
    return result


def plot_losses(losses: Sequence[float], title: str, validation: Sequence[tuple[int, float]] = ()) -> torch.Tensor:
    """A line chart of `losses`, one a step, with their smoothed course, as (1, H, W, 3) in 0..1.

    validation has pairs of step and loss. Without any loss the chart is empty.
    """
    import numpy as np
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (WIDTH * OVERSAMPLING, HEIGHT * OVERSAMPLING), PAPER)
    draw = ImageDraw.Draw(image)
    _text(draw, (LEFT, TOP / 2), title, INK, 18, "lm")
    if losses:
        _course(draw, losses, validation)
    small = image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.asarray(small, dtype=np.float32) / 255).unsqueeze(0)


def _course(draw: "ImageDraw", losses: Sequence[float], validation: Sequence[tuple[int, float]]) -> None:
    course = smoothed(losses)
    measured = [(step, loss) for step, loss in validation if step <= len(losses)]
    low, high = _value_range([*losses, *(loss for _, loss in measured)], course)
    _axes(draw, len(losses), low, high)
    _line(draw, losses, low, high, RAW, 1)
    _line(draw, course, low, high, SMOOTH, 3)
    ending = f"{course[-1]:.4f} after {len(losses)} steps"
    _text(draw, (WIDTH - RIGHT, TOP / 2), ending, SMOOTH, 16, "rm")
    if measured:
        points = [(_x(step - 1 if step else 0, len(losses)), _y(min(loss, high), low, high)) for step, loss in measured]
        _stroke(draw, points, MEASURED, 3)
        _text(draw, (WIDTH - RIGHT - 230, TOP / 2), f"validation {measured[-1][1]:.4f}", MEASURED, 16, "rm")


def _value_range(losses: Sequence[float], course: Sequence[float]) -> tuple[float, float]:
    """From zero or just below the lowest value, to where all but the wildest hundredth of the losses fit."""
    ordered = sorted(losses)
    high = max(max(course), ordered[math.ceil(0.99 * len(ordered)) - 1])
    low = ordered[0]
    room = 0.05 * (high - low) or 0.1 * high or 1.0
    return max(0.0, low - room), high + room


def _axes(draw: "ImageDraw", steps: int, low: float, high: float) -> None:
    for value in _ticks(low, high, 6):
        y = _y(value, low, high)
        _stroke(draw, [(LEFT, y), (WIDTH - RIGHT, y)], GRID, 1)
        _text(draw, (LEFT - 10, y), f"{value:.3g}", FAINT, 14, "rm")
    for step in _ticks(1, max(steps, 2), 8):
        if step == int(step) <= steps:
            _text(draw, (_x(int(step) - 1, steps), HEIGHT - BOTTOM + 16), str(int(step)), FAINT, 14, "mm")
    _stroke(draw, [(LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, HEIGHT - BOTTOM)], FAINT, 1)
    _text(draw, ((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16), "step", FAINT, 14, "mm")
    _text(draw, (12, TOP - 8), "loss", FAINT, 14, "lm")


def _ticks(low: float, high: float, count: int) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) between low and high, about `count` of them."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    gap = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return [gap * i for i in range(math.ceil(low / gap), math.floor(high / gap) + 1)]


def _line(draw: "ImageDraw", values: Sequence[float], low: float, high: float, color: str, width: int) -> None:
    points = [(_x(i, len(values)), _y(min(value, high), low, high)) for i, value in enumerate(values)]
    if len(points) == 1:
        points = [(LEFT, points[0][1]), (WIDTH - RIGHT, points[0][1])]
    _stroke(draw, points, color, width)


def _x(index: int, count: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * index / max(1, count - 1)


def _y(value: float, low: float, high: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)


def _stroke(draw: "ImageDraw", points: list[tuple[float, float]], color: str, width: int) -> None:
    scaled = [(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in points]
    draw.line(scaled, fill=color, width=width * OVERSAMPLING, joint="curve")


def _text(draw: "ImageDraw", at: tuple[float, float], text: str, color: str, size: int, anchor: str) -> None:
    from PIL import ImageFont

    font = ImageFont.load_default(size * OVERSAMPLING)
    draw.text((at[0] * OVERSAMPLING, at[1] * OVERSAMPLING), text, fill=color, font=font, anchor=anchor)
