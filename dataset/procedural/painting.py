"""The means of a painter: flat tones, brush strokes, lines that swell and thin, and chunks hewn into planes."""

from dataclasses import dataclass

import torch

from .cells import Cells, voronoi
from .color import DrawnPalette, over
from .parameters import Values
from .profiles import smoothstep
from .torus import Torus


@dataclass(frozen=True)
class Facets:
    """Chunks cut by planes. height (H, W) about 0..1, tone (H, W) of each plane -1..1, ridge (H, W) the distance to the
    nearest edge between two planes, in widths of a chunk."""

    height: torch.Tensor
    tone: torch.Tensor
    ridge: torch.Tensor


class Painting:
    """A picture in the making: height in cm, color (3, H, W) Oklab, roughness, and what is on top, (H, W) each."""

    def __init__(self, height: torch.Tensor, color: torch.Tensor, roughness: torch.Tensor) -> None:
        self.height, self.color, self.roughness = height, color, roughness
        self.parts: dict[str, torch.Tensor] = {}

    def lay(self, name: str, cover: torch.Tensor, height: torch.Tensor, color: torch.Tensor, roughness: float) -> None:
        self.height = torch.lerp(self.height, height, cover)
        self.color = over(self.color, color, cover)
        self.roughness = torch.lerp(self.roughness, torch.full_like(cover, roughness), cover)
        self.parts = {part: shown * (1 - cover) for part, shown in self.parts.items()}
        self.parts[name] = self.parts.get(name, torch.zeros_like(cover)) + cover


def toned(p: Values, colors: DrawnPalette, base: torch.Tensor, tone: torch.Tensor) -> torch.Tensor:
    """`base` (3, H, W) moved towards the palette's dark for tones below 0 and its light above: hues shift as well."""
    body, dark, light = colors.elements[:3]
    strength = p["planes"]
    color = base + (strength * smoothstep(-tone, 0.0, 1.6)) * (dark - body)[:, None, None]
    return color + (strength * smoothstep(tone, 0.0, 1.6)) * (light - body)[:, None, None]


def brushed(torus: Torus, p: Values, name: str, stretch: tuple[float, float]) -> torch.Tensor:
    """Strokes of a broad brush: a slow noise in a few flat steps, -1..1."""
    return stepped(torus.noise(name, 3, 26, 1.1, stretch), 3) * p["strokes"]


def stepped(field: torch.Tensor, steps: int, softness: float = 0.12) -> torch.Tensor:
    """`field`, variance 1, in flat steps with narrow ramps between them, about -1..1."""
    scaled = field * steps / 2
    whole = scaled.floor()
    return (whole + 0.5 + smoothstep(scaled - whole, 1 - softness, 1.0) - 0.5) * 2 / steps


def line_width(torus: Torus, name: str, low: float = 0.4) -> torch.Tensor:
    """How wide a painted line is from place to place: thick and thin, now and then lifted off."""
    return low + (1 - low) * smoothstep(torus.noise(name, 3, 20, 1.2), -1.2, 1.2)


def loose_cells(torus: Torus, p: Values, name: str, columns: int, rows: int, rounding: float) -> Cells:
    """Cells of a loose lattice, drawn by a free hand."""
    row, column = torch.arange(rows).repeat_interleave(columns), torch.arange(columns).repeat(rows)
    jitter = 0.3 * torus.table(f"{name} jitter", 2 * rows * columns, -1, 1).view(2, -1)
    sites = (
        torch.stack([(column + 0.5 * (row % 2) + 0.25 + jitter[0]) / columns, (row + 0.5 + jitter[1]) / rows], -1) % 1
    )
    bend = [0.05 / columns * torus.noise(f"{name} bend {axis}", 2, 5 * columns, 1.7) for axis in "uv"]
    return voronoi(sites, torus.u + bend[0], torus.v + bend[1], rounding / columns)


def hewn(torus: Torus, name: str, cells: Cells, count: int, across: float, planes: int, steep: float) -> Facets:
    """Every cell is a chunk hewn by `planes` cuts; the lowest cut at a place is what one sees of it."""
    x, y = cells.offset * across
    sink, right, down = torus.normal_table(f"{name} cuts", 3 * planes * count).view(3, planes, count)
    tilt = torch.hypot(right, down).clamp(min=0.4)
    right, down = right / tilt, down / tilt  # all cuts are as steep, and face every way
    heights = torch.stack(
        [
            0.75 + 0.1 * sink[k][cells.ids] - steep * (right[k][cells.ids] * x + down[k][cells.ids] * y).clamp(min=-0.6)
            for k in range(planes)
        ]
    )
    lowest, plane = heights.topk(2, dim=0, largest=False)
    tone = torus.table(f"{name} tones", planes * count, -1.5, 1.5).view(planes, count)
    return Facets(lowest[0], tone[plane[0], cells.ids], (lowest[1] - lowest[0]) / (2 * steep))
