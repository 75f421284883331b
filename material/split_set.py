"""The maps of a sampled material set, brought to what each is: unit normals, one height, grey data."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ..common.axes import Axes
from ..common.errors import InputError
from ..common.map_kinds import COLOR_MAPS
from .fused_height import fused_height, integrable_normals
from .height_from_normal import height_from_normals
from .normals import decode_normals, encode_normals, length_error, unit
from .surface_size import SurfaceSize
from .validation import FOLLOWS, agreement

FLAT = 1e-4  # pixels of relief below which a surface is flat


@dataclass(frozen=True)
class SplitSet:
    """maps by kind, (G, C, H, W) of G materials; surface says how deep and wide they are; report is lines."""

    maps: dict[str, torch.Tensor]
    surface: SurfaceSize
    report: list[str]


def split_set(images: torch.Tensor, kinds: Sequence[str], method: str, axes: Axes, size: SurfaceSize) -> SplitSet:
    """The maps `kinds` of images (G M, 3, H, W) in 0..1 that come material by material; normals are OpenGL.

    size: the width, and the depth where no normals tell it. `method` is the one of `derivatives.METHODS` that normals
    are made with. Raises `InputError` for a number of images that is no whole number of materials.
    """
    if len(images) % len(kinds):
        raise InputError(
            f"There are {len(images)} images, but a material has {len(kinds)} maps: {', '.join(kinds)}. Connect the "
            "maps output of Material Set Model, and all images that the VAE decoded."
        )
    rows = images.unflatten(0, (-1, len(kinds)))
    maps = {kind: _as_kind(kind, rows[:, place]) for place, kind in enumerate(kinds)}
    if "normal" not in maps:
        lines = ["There are no normals in the set: the height is as it was painted."] if "height" in maps else []
        return SplitSet(maps, size, lines)
    return _with_one_surface(maps, method, axes, size)


def _as_kind(kind: str, pixels: torch.Tensor) -> torch.Tensor:
    """Colours and normals have three channels, all else is the mean of them, which has less noise than one."""
    three = kind in COLOR_MAPS or kind == "normal"
    return (pixels[:, :3] if three else pixels[:, :3].mean(1, keepdim=True)).clamp(0, 1)


def _with_one_surface(maps: dict[str, torch.Tensor], method: str, axes: Axes, size: SurfaceSize) -> SplitSet:
    painted = decode_normals(maps["normal"])
    off, normals = length_error(painted), encode_normals(unit(painted))
    width = normals.shape[-1]
    if "height" in maps:
        fused = fused_height(normals, maps["height"], method, axes)
        height = fused.height
        notes = [
            f"Material {number}: {_agreement(used, correlation, rise * size.size_cm / width)}"
            for number, (used, correlation, rise) in enumerate(
                zip(fused.used.tolist(), fused.correlation.tolist(), fused.scale.tolist(), strict=True), 1
            )
        ]
    else:
        relief = height_from_normals(normals, "OpenGL", method, axes)
        height, notes = relief.height * relief.range.view(-1, 1, 1, 1), ["The height was integrated from the normals."]
    surface_normals = integrable_normals(normals, method, axes)
    lowest = height.amin((-1, -2), keepdim=True)
    span = float((height.amax((-1, -2), keepdim=True) - lowest).amax())  # one for all, so that one depth holds for all
    depth = span * size.size_cm / width
    one = (height - lowest) / span if span >= FLAT else torch.full_like(height, 0.5)
    after = agreement(one, surface_normals, "OpenGL", max(span, FLAT))
    report = [
        *notes,
        f"After fusion the slopes of height and normals correlate by {after.correlation:.2f}.",
        f"The height spans {depth:.4g} cm on {size.size_cm:.4g} cm. Painted normals were off unit length by {off:.2g}.",
    ]
    return SplitSet({**maps, "normal": surface_normals, "height": one}, SurfaceSize(depth, size.size_cm), report)


def _agreement(used: bool, correlation: float, rise_cm: float) -> str:
    figures = f"(correlation of slopes {correlation:.2f})"
    if used:
        return (
            f"normals and height show one surface {figures}; by the normals the painted height spans {rise_cm:.4g} cm."
        )
    judged = "run against each other" if correlation <= -FOLLOWS else "do not show one surface"
    return f"normals and height {judged} {figures}; the height is that of the normals alone."
