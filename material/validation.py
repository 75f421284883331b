"""Validation of a material: seams, invalid normals, and maps that contradict each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from ..common.axes import Axes
from ..common.conventions import CLEAR, detect_convention, slopes
from ..common.seams import EDGES, FIGURES, LEAST_SIDE, SeamStatistics, edge_words, seam_statistics
from .derivatives import height_gradient
from .normal_encodings import OVERHANG, overhang
from .normals import decode_normals, length_error, slope_scale

LENGTH = 0.02  # by how much the length of normals may differ from 1, on average: 8 bits differ by 0.003
FOLLOWS = 0.5  # correlation of slopes from which on a normal map shows the height map
BOTH = Axes(True, True)

MapSeams = Mapping[str, tuple[SeamStatistics, SeamStatistics]]
"""The seams of a material's maps along x and y, by name."""


@dataclass(frozen=True)
class Agreement:
    """How the slopes of a normal map follow those of a height map.

    correlation is 1 where both show the same shapes, -1 where one is inverted. factor is how many times as steep the
    normals are.
    """

    correlation: float
    factor: float


def seams_of_maps(maps: Mapping[str, torch.Tensor]) -> list[MapSeams]:
    """The seams of each material of a batch of maps, (B, C, H, W) by name; maps too small to tell are left out."""
    large = {name: pixels for name, pixels in maps.items() if min(pixels.shape[-2:]) >= LEAST_SIDE}
    return [
        {
            name: (seam_statistics(pixels[index : index + 1], "x"), seam_statistics(pixels[index : index + 1], "y"))
            for name, pixels in large.items()
        }
        for index in range(len(next(iter(maps.values()))))
    ]


def validate(
    maps: Mapping[str, torch.Tensor], seams: Sequence[MapSeams], convention: str, height_cm: float, size_cm: float
) -> list[str]:
    """One line for every check of each material of a batch of maps, (B, C, H, W) by name, whose seams are `seams`:
    seams of all, normals, and normals against height."""
    lines = []
    for index, measured in enumerate(seams):
        single = {name: pixels[index : index + 1] for name, pixels in maps.items()}
        found = [*seam_lines(measured), *_surface_lines(single, convention, height_cm, size_cm)]
        lines += [f"material {index + 1}, {line}" for line in found] if len(seams) > 1 else found
    return lines


def _surface_lines(maps: Mapping[str, torch.Tensor], convention: str, height_cm: float, size_cm: float) -> list[str]:
    if "normal" not in maps or maps["normal"].shape[1] < 3:
        return []
    normals = maps["normal"][:, :3]
    lines = normal_lines(normals, convention)
    if "height" in maps and maps["height"].shape[-2:] == normals.shape[-2:]:
        scale = slope_scale(height_cm, size_cm, normals.shape[-1])
        lines.append(agreement_line(agreement(maps["height"][:, :1], normals, convention, scale)))
    return lines


def seam_lines(seams: MapSeams) -> list[str]:
    """What the edges of a material's maps are like, those of the same kind in one line."""
    alike: dict[str, list[str]] = {}
    for name, edges in seams.items():
        alike.setdefault(edge_words(dict(zip(EDGES, edges, strict=True))), []).append(name)
    return [f"{', '.join(names)}, {words}" for words, names in alike.items()]


def seam_figures(seams: Sequence[MapSeams]) -> list[str]:
    """The figures behind the `seam_lines` of each material of a batch, with a heading; [] where none was measured."""
    lines = [
        f"{f'material {number}, ' if len(seams) > 1 else ''}{name}, {edge}: {seam.figures}"
        for number, measured in enumerate(seams, 1)
        for name, edges in measured.items()
        for edge, seam in zip(EDGES.values(), edges, strict=True)
    ]
    return [FIGURES, *lines] if lines else []


def normal_lines(normals: torch.Tensor, convention: str) -> list[str]:
    """Whether normals have unit length and the convention they are said to have."""
    off, inwards = length_error(decode_normals(normals)), overhang(normals)
    if inwards > OVERHANG:
        return [f"normal: {inwards:.0%} of its pixels point into the surface. It is no tangent-space normal map."]
    if off > LENGTH:
        length = f"normal: its length is off by {off:.3f} on average. It was scaled or blended as a picture."
    else:
        length = f"normal: unit length (off by {off:.1g} on average)."
    detected, factor = detect_convention(normals)
    if factor < CLEAR:
        direction = f"normal: given as {convention}; its pixels do not tell."
    elif detected == convention:
        direction = f"normal: {convention}, as its pixels say ({factor:.1f} times as clearly as the other)."
    else:
        direction = f"normal: given as {convention}, but its pixels say {detected} ({factor:.1f} times as clearly)."
    return [length, direction]


def agreement(height: torch.Tensor, normals: torch.Tensor, convention: str, scale: float) -> Agreement:
    """Compare the slopes of a height map (B, 1, H, W), `scale` for a rise of 1 per pixel, with those of its normals."""
    expected = scale * torch.stack(height_gradient(height, "scharr", BOTH))
    found = torch.stack(slopes(normals, convention)).clamp(-10, 10)  # a few walls must not outvote the rest
    both, of_height, of_normals = (expected * found).sum(), expected.square().sum(), found.square().sum()
    if of_height == 0 or of_normals == 0:
        return Agreement(0.0, 0.0)
    return Agreement(float(both / (of_height * of_normals).sqrt()), float(both / of_height))


def agreement_line(found: Agreement) -> str:
    """An agreement in words."""
    figures = f"(correlation of slopes {found.correlation:.2f}, {abs(found.factor):.2g} times as steep)"
    if found.correlation >= FOLLOWS:
        return f"normal and height show the same surface {figures}."
    if found.correlation <= -FOLLOWS:
        return f"normal and height are opposite {figures}: one of them is inverted."
    return f"normal and height show different surfaces {figures}."
