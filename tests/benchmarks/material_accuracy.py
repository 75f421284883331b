"""How far material maps lie from surfaces that are known on paper, beside what OpenCV and kornia make of them.

python run.py bench material_accuracy
"""

import math
import sys
from collections.abc import Callable
from pathlib import Path

import torch

CYCLES = (2, 8, 32, 64, 128)  # in 512 pixels
WALLS = [(5.0, 5), (5.0, 20), (20.0, 10), (20.0, 40)]  # height of a wall, distance to its foot
BOWLS = (30, 60, 80)  # half-angles in degrees
EDGE = 32  # pixels along the border of a cap, where what lies beyond is a guess


def degrees(found: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """The angles between vectors (B, 3, H, W) in float64, by their arc."""
    cross = torch.linalg.cross(found.double(), true, dim=1).norm(dim=1)
    return torch.rad2deg(torch.atan2(cross, (found * true).sum(1)))


def from_slopes(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    normals = torch.cat([-p, q, torch.ones_like(p)], dim=1)
    return normals / normals.norm(dim=1, keepdim=True)


def normals_by() -> dict[str, Callable[[torch.Tensor, float], torch.Tensor]]:
    """Every way from heights (B, 1, H, W) that wrap, and their scale, to OpenGL normals in -1..1."""
    import cv2
    import kornia
    from tilewright.common.axes import Axes
    from tilewright.material.derivatives import METHODS
    from tilewright.material.normals import decode_normals, normal_map

    def by_opencv(height: torch.Tensor, scale: float) -> torch.Tensor:
        padded = [cv2.copyMakeBorder(one[0].numpy(), 1, 1, 1, 1, cv2.BORDER_WRAP) for one in height]
        slopes = [[cv2.Scharr(one, -1, *way)[1:-1, 1:-1] for one in padded] for way in ((1, 0), (0, 1))]
        p, q = (torch.stack([torch.from_numpy(one) for one in slope])[:, None] for slope in slopes)
        return from_slopes(p * scale / 32, q * scale / 32)

    def by_kornia(height: torch.Tensor, scale: float) -> torch.Tensor:
        padded = torch.nn.functional.pad(height, (1, 1, 1, 1), mode="circular")
        p, q = kornia.filters.spatial_gradient(padded)[:, :, :, 1:-1, 1:-1].unbind(2)
        return from_slopes(p * scale, q * scale)

    def ours(method: str) -> Callable[[torch.Tensor, float], torch.Tensor]:
        return lambda height, scale: decode_normals(normal_map(height, scale, method, Axes(True, True), "OpenGL"))

    return {method: ours(method) for method in METHODS} | {"OpenCV, Scharr": by_opencv, "kornia, Sobel": by_kornia}


def waves(cycles: int) -> tuple[torch.Tensor, float, torch.Tensor]:
    """Sines of 45 degrees at their steepest in 16 phases: heights of 0..1, their scale, and the true normals."""
    offsets = torch.arange(16, dtype=torch.float64)[:, None, None, None] / 16
    phase = (2 * math.pi * cycles * (torch.arange(512) + offsets) / 512).expand(-1, 1, 8, -1)
    return 0.5 + 0.5 * torch.sin(phase), 512 / (math.pi * cycles), from_slopes(torch.cos(phase), 0 * phase)


def angular_errors() -> None:
    print("\nNormals: mean angular error in degrees, by waves in 512 px (45 degrees at the steepest)")
    print(f"{'':<16}" + "".join(f"{cycles:>10}" for cycles in CYCLES) + "  more in float32")
    for name, way in normals_by().items():
        row, worst = "", 0.0
        for cycles in CYCLES:
            height, scale, true = waves(cycles)
            exact = degrees(way(height, scale), true).mean()
            row += f"{exact:10.1e}"
            worst = max(worst, float(degrees(way(height.float(), scale), true).mean() - exact))
        print(f"{name:<16}{row}  {worst:.1e}")


def hills(size: int = 256) -> torch.Tensor:
    """Random hills (1, 1, size, size) of 0..1 that tile, in float32, smooth over 3 pixels."""
    from tilewright.common.axes import Axes
    from tilewright.material.filters import gaussian_blur

    noise = torch.rand(1, 1, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    smooth = gaussian_blur(noise, 3.0, Axes(True, True))
    return ((smooth - smooth.min()) / (smooth.max() - smooth.min())).float()


def there_and_back() -> None:
    """Normals to a height and to normals again, with the kernel's own response and with that of the true derivative."""
    from tilewright.common.axes import Axes
    from tilewright.material.derivatives import METHODS
    from tilewright.material.height_from_normal import height_from_normals
    from tilewright.material.normals import decode_normals, normal_map

    both = Axes(True, True)
    print("\nNormal to height to normal, float32: mean degrees by the kernel's response, and by the true one")
    for method in METHODS:
        image = normal_map(hills(), 20.0, method, both, "OpenGL")
        given, row = decode_normals(image).double(), ""
        for assumed in (method, "spectral"):
            relief = height_from_normals(image, "OpenGL", assumed, both)
            again = decode_normals(normal_map(relief.height, float(relief.range), method, both, "OpenGL"))
            row += f"{float(degrees(again, given).mean()):12.5f}"
        print(f"{method:<16}{row}")


def occlusion_errors() -> None:
    from tilewright.common.axes import Axes
    from tilewright.material.occlusion import horizon_occlusion

    axis = torch.arange(161.0) - 80
    squared = axis[None, :] ** 2 + axis[:, None] ** 2
    print("\nOcclusion: the largest difference from the closed form, by slices")
    for slices in (4, 8, 16, 32):
        walls, bowls = [], []
        for height, distance in WALLS:
            surface = torch.zeros(1, 1, 301, 100)
            surface[..., 60:] = height
            found = horizon_occlusion(surface, 150, slices, Axes(False, False)).visibility[0, 0, 150, 60 - distance]
            walls.append(abs(float(found) - (1 + distance / math.hypot(distance, height)) / 2))
        for angle in map(math.radians, BOWLS):
            radius = 60 / math.sin(angle)
            depth = torch.sqrt((radius**2 - squared).clamp(min=0))
            bowl = torch.where(squared < 60**2, -depth, -radius * math.cos(angle))[None, None]
            inside = horizon_occlusion(bowl, 200, slices, Axes(False, False)).visibility[0, 0][squared < 55**2]
            bowls.append(float((inside - (1 + math.cos(angle)) / 2).abs().max()))
        print(f"{slices:>4}  walls {max(walls):.4f}  bowls {max(bowls):.4f}")


def curvature_errors() -> None:
    from tilewright.common.axes import Axes
    from tilewright.material.curvature import mean_curvature
    from tilewright.material.filters import gaussian_blur

    radius, none = 20000.0, Axes(False, False)

    def error(height: torch.Tensor, rise: float, sigma: float) -> float:
        smooth = gaussian_blur(height, sigma, none, torch.float64)
        found = mean_curvature(smooth, rise, none, torch.float64)[..., EDGE:-EDGE, EDGE:-EDGE]
        return float((found * radius + 1).abs().max())

    print(f"\nCurvature of a sphere of {radius:g} px: largest relative error, by how far its cap reaches (w px)")
    print(f"{'w':>6}{'float64':>12}{'float32':>12}{'1e-7 w^2':>12}{'float32, smoothed by 4 px':>28}")
    for reach in (56, 112, 224, 448):
        side = reach / math.sqrt(2)
        axis = torch.linspace(-round(side), round(side), 2 * round(side) + 1, dtype=torch.float64)
        cap = torch.sqrt(radius**2 - axis[None, :] ** 2 - axis[:, None] ** 2)
        rise = float(cap.max() - cap.min())
        exact = ((cap - cap.min()) / rise)[None, None]
        height = exact.float()
        row = f"{error(exact, rise, 0):12.1e}{error(height, rise, 0):12.1e}{1e-7 * reach**2:12.1e}"
        print(f"{reach:>6}{row}{error(height, rise, 4):28.1e}")


def main() -> None:
    with torch.inference_mode():
        angular_errors()
        there_and_back()
        occlusion_errors()
        curvature_errors()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    import conftest  # noqa: F401  the pack as the package `tilewright`

    main()
