"""An existing image made tileable: near the wrap line it is replaced by itself shifted, along the best cut.

The shifted image is continuous where the original is not. It is shifted so that both agree best there, and between
the two runs the cut of least difference (Kwatra et al., "Graphcut textures", 2003). "cut" leaves it at that: every
value is one of the original's. "poisson" spreads what difference is left along the cut, by solving for the image that
has the gradients of both (Perez, Gangnet and Blake, "Poisson image editing", 2003), screened so that colours stay, on
the torus by FFT; the values stay within 0..1, or within the original's where those go further.
"""

import torch

from ..common.axes import Axes
from ..common.errors import InputError
from ..material.normals import decode_normals, encode_normals, length_error, unit
from .graph_cut import minimum_cyclic_cut

METHODS = POISSON, CUT = ["poisson", "cut"]
UNIT_LENGTH = 0.02  # how far from 1 the normals of a map may be on average, to be taken for normals
MARGIN = 4  # pixels beside the wrap line that always come from the shifted image
LEAST_WIDTH = 16  # of the blended strip, in pixels


def repair(
    pictures: torch.Tensor, others: torch.Tensor, axes: Axes, width: int, method: str
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Make each of `pictures` (B, C, H, W) tile by itself, and `others` (N, C, H, W) along the cuts of the first.

    Normal maps keep their unit length. Returns both, and the masks (B, H, W) of what was replaced.
    Raises `InputError` for sizes that do not fit.
    """
    _check(pictures, others, axes, width)
    first, *rest = pictures.split(1)
    (image, cut_alike), mask = make_seamless(first, [first, others], axes, width, method)
    tiled, masks = [image], [mask]
    for picture in rest:
        (image,), mask = make_seamless(picture, [picture], axes, width, method)
        tiled.append(image)
        masks.append(mask)
    result = torch.cat(tiled)
    if method == POISSON:
        result, cut_alike = _with_unit_normals(pictures, result), _with_unit_normals(others, cut_alike)
    return result, cut_alike, torch.stack(masks)


def make_seamless(
    guide: torch.Tensor, images: list[torch.Tensor], axes: Axes, width: int, method: str
) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Make every one of `images`, (B, C, H, W) in the size of `guide`, tile along `axes`, all with the same cuts.

    guide (1, C, H, W) decides where they run, within `width` pixels of the wrap lines. Returns the images, and the
    mask (H, W) of what came from elsewhere.
    """
    changed, done = torch.zeros(guide.shape[-2:], device=guide.device), False
    for wraps, dim in ((axes.x, -1), (axes.y, -2)):
        if wraps:
            shift, mask = replacement(_turned(guide, dim), width, sideways=done)
            shift, mask = (shift, mask) if dim == -1 else (shift[::-1], mask.T)
            guide, *images = (_replace(image, shift, mask, width, method) for image in (guide, *images))
            changed, done = torch.maximum(changed, mask), True
    return images, changed


def replacement(guide: torch.Tensor, width: int, sideways: bool) -> tuple[tuple[int, int], torch.Tensor]:
    """What makes (1, C, H, W) tile from left to right: the rows and columns to shift it by, and where to show that.

    That is (H, W): 1 at the left and right edge, as far as the best cuts. sideways: see `best_shift`.
    """
    shift = best_shift(guide, width, sideways)
    difference = (guide - guide.roll(shift, (-2, -1)))[0].double().square().sum(0)
    right = minimum_cyclic_cut(difference[:, MARGIN - 1 : width]) + MARGIN - 1
    left = minimum_cyclic_cut(difference.flip(-1)[:, MARGIN - 1 : width]) + MARGIN - 1
    column = torch.arange(guide.shape[-1], device=guide.device)
    return shift, ((column < right.unsqueeze(1)) | (column.flip(0) < left.unsqueeze(1))).to(guide.dtype)


def best_shift(guide: torch.Tensor, width: int, sideways: bool) -> tuple[int, int]:
    """The rows and columns to shift (1, C, H, W) by, for it to agree best with itself near its left and right edge.

    Least is the squared difference within `width` pixels of the edges. What was the wrap line comes to lie beyond them.
    sideways: rows may be shifted too, since they tile.
    """
    height, size = guide.shape[-2:]
    guide = guide.double()
    near = torch.zeros(size, dtype=torch.float64, device=guide.device)
    near[:width] = near[-width:] = 1
    energy = guide.square().sum((0, 1))
    there, here = _correlation(near.expand(height, size), energy), (near * energy).sum()
    agreement = torch.stack([_correlation(near * channel, channel) for channel in guide[0]]).sum(0)
    error = here + there - 2 * agreement
    column = torch.arange(width + MARGIN, size - width - MARGIN + 1, device=guide.device)
    error = error[: height if sideways else 1, column].clamp(min=1e-9 * float(here))
    # Half the size lies furthest from where the same is seen a second time: nearer, it has to fit better.
    row, place = divmod(int((error * (1 + (2 * column / size - 1).abs())).argmin()), len(column))
    return row, int(column[place])


def _correlation(weights: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """sum of weights[p] * values[p - shift] for every shift of (H, W), around the edges."""
    product: torch.Tensor = torch.fft.rfft2(weights) * torch.fft.rfft2(values).conj()
    correlation: torch.Tensor = torch.fft.irfft2(product, s=values.shape)
    return correlation


def _replace(image: torch.Tensor, shift: tuple[int, int], mask: torch.Tensor, width: int, method: str) -> torch.Tensor:
    shifted = image.roll(shift, (-2, -1))
    if method == CUT:
        return torch.where(mask > 0, shifted, image)
    return _merge_gradients(image, shifted, mask, width)


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
    solution: torch.Tensor = torch.fft.irfft2(
        spectrum / (screen + laplacian[:, : columns // 2 + 1]), s=(height, columns)
    )
    lowest, highest = min(float(image.amin()), 0.0), max(float(image.amax()), 1.0)
    return solution.to(image.dtype).clamp(lowest, highest)


def _with_unit_normals(before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
    """`after` (N, C, H, W), in which the maps that held normals of unit length before do so again."""
    if before.shape[1] != 3:
        return after
    maps = [
        encode_normals(unit(decode_normals(new))) if length_error(decode_normals(old)) < UNIT_LENGTH else new
        for old, new in zip(before.split(1), after.split(1), strict=True)
    ]
    return torch.cat(maps)


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
        most = shortest // 2 - 2 * MARGIN
        least = 4 * MARGIN + 2 * LEAST_WIDTH
        advice = f"Choose at most {most}" if most >= LEAST_WIDTH else f"Connect one of {least} pixels or more a side"
        raise InputError(
            f"The width is {width} pixels, too much for an image of {columns} x {height}: the middle must stay. "
            f"{advice}."
        )
