"""A denoiser that gets the latent rolled, by another offset at every step.

What a network does at fixed places (its borders, its patch grid) then falls on other pixels each time.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from ..common.axes import Axes

Controls = Mapping[str, list[torch.Tensor | None]]


def step_offset(step: int, height: int, width: int, axes: Axes, unit: int = 1) -> tuple[int, int]:
    """The roll (rows, columns) at `step`, spread evenly over the latent along `axes`, in multiples of `unit` cells."""
    golden, silver = 0.6180339887, 0.7548776662  # Kronecker sequences: successive shifts lie far apart
    rows = int(step * silver % 1 * height) // unit * unit if axes.y else 0
    columns = int(step * golden % 1 * width) // unit * unit if axes.x else 0
    return rows, columns


def denoise_rolled(
    denoise: Callable[[torch.Tensor, Controls | None], torch.Tensor],
    latent: torch.Tensor,
    control: Controls | None,
    step: int,
    axes: Axes,
) -> torch.Tensor:
    """denoise(latent, control) of (B, C, H, W) rolled by the offset of `step`; the result is rolled back.

    The residuals of a ControlNet in `control`, smaller than the latent by whole factors, are rolled with it.
    """
    height, width = latent.shape[-2:]
    unit = max((width // part.shape[-1] for part in _parts(control)), default=1)
    rows, columns = step_offset(step, height, width, axes, unit)
    result = denoise(_rolled(latent, rows, columns), _rolled_control(control, rows, columns, width))
    return _rolled(result, -rows, -columns)


def _rolled(values: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    return values.roll((rows, columns), (-2, -1))


def _parts(control: Controls | None) -> list[torch.Tensor]:
    return [part for parts in (control or {}).values() for part in parts if part is not None]


def _rolled_control(control: Controls | None, rows: int, columns: int, width: int) -> Any:
    if control is None:
        return None

    def rolled(part: torch.Tensor | None) -> torch.Tensor | None:
        if part is None:
            return None
        ratio = width // part.shape[-1]
        return _rolled(part, rows // ratio, columns // ratio)

    return {name: [rolled(part) for part in parts] for name, parts in control.items()}
