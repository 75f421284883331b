"""An existing image made tileable: near the wrap line it is replaced by itself shifted by half, along the best cut.

The shifted image is continuous where the original is not. Between the two runs the path of least difference (Efros and
Freeman, "Image quilting for texture synthesis and transfer", 2001), closed around the other axis. What difference is
left along the cut can be spread out by solving for the image that has the gradients of both (Perez, Gangnet and Blake,
"Poisson image editing", 2003), screened so that colours stay, on the torus by FFT.
"""

import torch

from ..common.axes import Axes, wrap_pad
from ..common.errors import InputError

METHODS = ["poisson", "cut"]
MARGIN = 4  # pixels beside the wrap line that always come from the shifted image


def repair(
    pictures: torch.Tensor, others: torch.Tensor, axes: Axes, width: int, method: str
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Make each of `pictures` (B, C, H, W) tile by itself, and `others` (N, C, H, W) along the cuts of the first.

    Returns both, and the masks (B, H, W) of what was replaced. Raises `InputError` for sizes that do not fit.
    """
    _check(pictures, others, axes, width)
    results = [make_seamless(picture, [picture], axes, width, method) for picture in pictures.split(1)]
    (cut_alike,), _ = make_seamless(pictures[:1], [others], axes, width, method)
    tiled = torch.cat([image for (image,), _ in results])
    return tiled, cut_alike, torch.stack([mask for _, mask in results])


def make_seamless(
    guide: torch.Tensor, images: list[torch.Tensor], axes: Axes, width: int, method: str
) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Make every one of `images`, (B, C, H, W) in the size of `guide`, tile along `axes`, all with the same cuts.

    guide (1, C, H, W) decides where they run, within `width` pixels of the wrap lines. Returns the images, and the
    mask (H, W) of what came from elsewhere.
    """
    changed = torch.zeros(guide.shape[-2:], device=guide.device)
    for wraps, dim in ((axes.x, -1), (axes.y, -2)):
        if wraps:
            mask = _turned(replacement_mask(_turned(guide, dim), width), dim)
            guide, *images = (_replace(image, mask, dim, width, method) for image in (guide, *images))
            changed = torch.maximum(changed, mask)
    return images, changed


def replacement_mask(guide: torch.Tensor, width: int) -> torch.Tensor:
    """(H, W): 1 at the left and right edge of (1, C, H, W), as far as the paths of least difference."""
    size = guide.shape[-1]
    difference = (guide - guide.roll(size // 2, -1))[0].square().sum(0)
    right = best_path(difference[:, MARGIN:width])
    left = best_path(difference.flip(-1)[:, MARGIN:width])
    column = torch.arange(size, device=guide.device)
    from_left = column < (right + MARGIN).unsqueeze(1)
    from_right = column.flip(0) < (left + MARGIN).unsqueeze(1)
    return (from_left | from_right).float()


def best_path(cost: torch.Tensor) -> torch.Tensor:
    """The column per row of the cheapest path down (H, W) that moves at most one column a row and closes on itself.

    Found in two passes: the best column half-way down a path through two copies, then the best loop through it.
    """
    start = torch.full((cost.shape[1],), 0.0, device=cost.device)
    through = _path(torch.cat([cost, cost]), start)[cost.shape[0]]
    start = torch.full_like(start, torch.inf)
    start[through] = 0.0
    closed = _path(torch.cat([cost, cost[:1]]), start, end=int(through))
    return closed[:-1]


def _path(cost: torch.Tensor, start: torch.Tensor, end: int | None = None) -> torch.Tensor:
    total, moves = start + cost[0], []
    for row in cost[1:]:
        around = torch.nn.functional.pad(total, (1, 1), value=torch.inf).unfold(0, 3, 1)
        best, move = around.min(-1)
        moves.append(move - 1)
        total = best + row
    column = int(total.argmin()) if end is None else end
    path = [column]
    for move in reversed(moves):
        column += int(move[column])
        path.append(column)
    return torch.tensor(path[::-1], device=cost.device)


def _replace(image: torch.Tensor, mask: torch.Tensor, dim: int, width: int, method: str) -> torch.Tensor:
    shifted = image.roll(image.shape[dim] // 2, dim)
    if method == "cut":
        soft = _softened(mask)
        return image + (shifted - image) * soft
    return _merge_gradients(image, shifted, mask, width)


def _softened(mask: torch.Tensor) -> torch.Tensor:
    """The mask averaged over 5 x 5 pixels, around the edges."""
    padded = wrap_pad(mask[None, None], 2, Axes(True, True))
    return torch.nn.functional.avg_pool2d(padded, 5, 1)[0, 0]


def _merge_gradients(image: torch.Tensor, shifted: torch.Tensor, mask: torch.Tensor, width: int) -> torch.Tensor:
    """The image nearest to the composite whose steps are those of its two sources, also across the cut."""
    composite = torch.lerp(image, shifted, mask)
    divergence = torch.zeros_like(composite)
    for dim in (-1, -2):
        # Between two pixels from different sources counts the mean of both steps.
        share = (mask + mask.roll(-1, dim)) / 2
        step = torch.lerp(_step(image, dim), _step(shifted, dim), share)
        divergence += step - step.roll(1, dim)
    screen = 1 / width**2
    height, columns = image.shape[-2:]
    spectrum = torch.fft.rfft2(screen * composite.double() - divergence.double())
    laplacian = (2 - 2 * _cosines(height, image.device)).unsqueeze(1) + 2 - 2 * _cosines(columns, image.device)
    solution = torch.fft.irfft2(spectrum / (screen + laplacian[:, : columns // 2 + 1]), s=(height, columns))
    return solution.to(image.dtype).clamp(0, 1)


def _step(image: torch.Tensor, dim: int) -> torch.Tensor:
    return image.roll(-1, dim) - image


def _cosines(size: int, device: torch.device) -> torch.Tensor:
    return torch.cos(2 * torch.pi * torch.arange(size, dtype=torch.float64, device=device) / size)


def _turned(values: torch.Tensor, dim: int) -> torch.Tensor:
    """With the axis `dim` last."""
    return values if dim == -1 else values.transpose(-1, -2)


def _check(pictures: torch.Tensor, others: torch.Tensor, axes: Axes, width: int) -> None:
    height, columns = pictures.shape[-2:]
    if others.shape[-2:] != pictures.shape[-2:]:
        raise InputError(
            f"The maps are {others.shape[-1]} x {others.shape[-2]} pixels, the image {columns} x {height}. "
            "Maps of one material have one size; resize them first."
        )
    shortest = min([columns] * axes.x + [height] * axes.y)
    if shortest < 4 * MARGIN + 2 * width:
        raise InputError(
            f"The width is {width} pixels, too much for an image of {columns} x {height}: the middle must stay. "
            f"Choose at most {max(shortest // 2 - 2 * MARGIN, 0)}."
        )
