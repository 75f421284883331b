"""A spot of a texture cut out with its surroundings, across the border where need be, and put back after a repair."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from ..common.axes import Axes, wrap_pad
from ..common.errors import InputError
from ..common.resample import resize
from ..material.normals import decode_normals, encode_normals, unit
from .surroundings import in_colors_around, surroundings

GRID = 16  # pixels: autoencoders reduce by 8 and transformers take 2 x 2 of those
MARGIN = 8  # pixels: a cut shows at least so much around the spot
SPOT = 0.5  # a mask marks what is brighter
SHAPE = 0.05  # by how much a patch's ratio of width to height may differ from its region's


@dataclass(frozen=True)
class Region:
    """A rectangle of a texture of `texture` (height, width) pixels, which may run across its border.

    weight (height, width) is 1 where a patch replaces the texture, fading to 0 around it. patch is the (height, width)
    at which a model paints it. axes are those along which the region is the whole texture and closes on itself.
    """

    top: int
    left: int
    height: int
    width: int
    texture: tuple[int, int]
    patch: tuple[int, int]
    weight: torch.Tensor
    axes: Axes

    @property
    def enlargement(self) -> float:
        """How many pixels of a patch there are to one of the texture, along the longer side."""
        return max(self.patch) / max(self.height, self.width)

    @property
    def crosses_border(self) -> bool:
        """Whether a part of the region lies on the other side of the texture's border."""
        return self.top + self.height > self.texture[0] or self.left + self.width > self.texture[1]

    def places(self, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """The rows and the columns of the texture that the region's are."""
        rows = torch.arange(self.top, self.top + self.height, device=device) % self.texture[0]
        return rows, torch.arange(self.left, self.left + self.width, device=device) % self.texture[1]

    def placed_weight(self) -> torch.Tensor:
        """The weight in the texture's own size, (H, W)."""
        rows, columns = self.places(self.weight.device)
        placed = self.weight.new_zeros(self.texture)
        placed[rows[:, None], columns] = self.weight
        return placed


def find_region(mask: torch.Tensor, axes: Axes, size: int, context: float, grow: int, feather: int) -> Region:
    """The region around what a mask (H, W) marks, the shortest way round along `axes`.

    The spot is grown by `grow` pixels and faded out over `feather` more; `context` times its longer side of the texture
    goes along on every side; `size` is the longer side of the patch. Raises `InputError` for a mask that marks nothing.
    """
    weight = grown_weight(mask > SPOT, axes, grow, feather)
    if not weight.any():
        raise InputError(
            f"The mask marks nothing: its brightest value is {float(mask.max()):.2g}, and only what is above {SPOT:g} "
            "counts. Paint the spot white, in the mask editor or with a mask node."
        )
    rows, columns = occupied(weight.any(1), axes.y), occupied(weight.any(0), axes.x)
    longest = max(rows[1], columns[1])
    side = max(round(longest * (1 + 2 * context)), longest + 2 * MARGIN)
    top, height = _around(*rows, side, weight.shape[0], axes.y)
    left, width = _around(*columns, side, weight.shape[1], axes.x)
    whole = Axes(axes.x and width == weight.shape[1], axes.y and height == weight.shape[0])
    scale = size / max(height, width)
    patch = (_on_grid(height * scale), _on_grid(width * scale))
    region = Region(top, left, height, width, (weight.shape[0], weight.shape[1]), patch, weight, whole)
    return replace(region, weight=cut(weight, region))


def grown_weight(spot: torch.Tensor, axes: Axes, grow: int, feather: int) -> torch.Tensor:
    """(H, W) booleans -> float32, dilated by `grow` pixels and feathered: falling from 1 to 0 over `feather` more."""
    from scipy.ndimage import distance_transform_edt

    if not spot.any():
        return spot.float()
    reach = grow + feather + 1
    around = wrap_pad(spot.cpu().float(), reach, axes, "zeros")
    distance = torch.from_numpy(distance_transform_edt(around.numpy() == 0))[reach:-reach, reach:-reach]
    share = ((reach - distance) / (feather + 1)).clamp(0, 1)
    return (share * share * (3 - 2 * share)).float()


def occupied(line: torch.Tensor, wraps: bool) -> tuple[int, int]:
    """Start and length of the shortest stretch of (N,) booleans that holds all true ones; it may run over the end."""
    places = line.nonzero().flatten().tolist()
    if not wraps:
        return places[0], places[-1] - places[0] + 1
    size = len(line)
    gaps = [(after - before - 1) % size for before, after in zip(places, places[1:] + places[:1], strict=True)]
    widest = max(range(len(gaps)), key=gaps.__getitem__)
    return places[(widest + 1) % len(places)], size - gaps[widest] if len(places) > 1 else 1


def cut(image: torch.Tensor, region: Region) -> torch.Tensor:
    """The region of (..., H, W) in the texture's own pixels, (..., height, width). Raises `InputError` by size."""
    if tuple(image.shape[-2:]) != region.texture:
        raise InputError(
            f"The image is {image.shape[-1]} x {image.shape[-2]} pixels, the texture that the region was cut from "
            f"{region.texture[1]} x {region.texture[0]}. All maps of a texture must have one size; resize them first."
        )
    rows, columns = region.places(image.device)
    return image.index_select(-2, rows).index_select(-1, columns)


def crop(image: torch.Tensor, region: Region, fill: bool = False) -> torch.Tensor:
    """The region of (B, C, H, W) at the size of its patch, within the range of its values.

    `fill` lays the colours of the surroundings over the spot first, so that nothing of it leaks into an encoder's
    neighbourhoods.
    """
    piece = cut(image, region)
    if fill:
        sigma = float((region.weight > 0).sum()) ** 0.5 / 4  # half a spot's radius
        piece = torch.lerp(piece, surroundings(piece, region.weight, region.axes, sigma), region.weight.to(piece))
    return _resampled(piece, region.patch, region.axes)


def crop_weight(region: Region) -> torch.Tensor:
    """The weight at the size of the patch, (1, h, w)."""
    return _resampled(region.weight[None, None], region.patch, region.axes)[0]


def whole_region(mask: torch.Tensor, axes: Axes) -> Region:
    """All of a texture as a region, for a patch of the whole that replaces it where the mask (H, W) says, wholly where
    it is 1. Raises `InputError` for a mask of zeros."""
    weight = mask.clamp(0, 1)
    if not weight.any():
        raise InputError("The mask marks nothing: it is black. Paint white what the patch is to replace.")
    height, width = weight.shape
    return Region(0, 0, height, width, (height, width), (height, width), weight, axes)


def stitch(
    image: torch.Tensor,
    patch: torch.Tensor,
    region: Region,
    match_color: bool,
    normals: bool = False,
    colors_around: bool = False,
) -> torch.Tensor:
    """Put `patch` (B, C, h, w) back over its region of `image` (B, C, H, W); one image takes several patches.

    Where the region's weight is 0 every value stays, bit for bit. `match_color` first takes the mean difference of
    both around the spot out of the patch, channel by channel: what a model adds to all it decodes. `colors_around`
    gives the patch the slow changes of colour around the spot. `normals` says that both are normal maps, which keep
    unit length. Channels that the patch lacks (alpha) stay.
    Raises `InputError` for a patch of another shape or number.
    """
    _check_patch(image, patch, region)
    below = cut(image, region)
    channels, weight = patch.shape[1], region.weight.to(image)
    laid = _resampled(patch.to(image), (region.height, region.width), region.axes)
    outside = weight == 0
    if match_color and outside.any():
        difference = (below[:, :channels] - laid)[..., outside]
        laid = laid + difference.mean(-1)[..., None, None]
    if colors_around:
        colors = in_colors_around(laid[:, :3], below[:, : min(channels, 3)], weight, region.axes)
        laid = torch.cat([colors, laid[:, 3:]], 1)
    mixed = torch.lerp(below[:, :channels], laid, weight)
    mixed = torch.where(outside, below[:, :channels], encode_normals(unit(decode_normals(mixed))) if normals else mixed)
    result = image.expand(len(patch), -1, -1, -1).clone()
    rows, columns = region.places(image.device)
    result[:, :channels, rows[:, None], columns] = mixed
    return result


def _on_grid(length: float) -> int:
    return max(GRID, round(length / GRID) * GRID)


def _around(start: int, length: int, side: int, size: int, wraps: bool) -> tuple[int, int]:
    """Start and length of `side` pixels with a stretch in their middle, within the texture where it does not wrap."""
    side = min(side, size)
    first = start - (side - length) // 2
    return (first % size if wraps else min(max(first, 0), size - side)), side


def _resampled(image: torch.Tensor, size: Sequence[int], axes: Axes) -> torch.Tensor:
    lowest, highest = image.amin((-2, -1), keepdim=True), image.amax((-2, -1), keepdim=True)
    return resize(image, *size, axes).clamp(lowest, highest)  # a cubic filter overshoots at edges


def _check_patch(image: torch.Tensor, patch: torch.Tensor, region: Region) -> None:
    height, width = patch.shape[-2:]
    wanted = region.patch[1] / region.patch[0]
    if abs(width / height / wanted - 1) > SHAPE:
        raise InputError(
            f"The patch is {width} x {height} pixels, its region {region.patch[1]} x {region.patch[0]}. Connect what "
            "Crop Region gave, or with a mask the whole texture, painted anew and otherwise uncut."
        )
    if len(image) not in (1, len(patch)):
        raise InputError(
            f"There are {len(image)} images and {len(patch)} patches. Connect as many patches as images, or one image."
        )
    if patch.shape[1] > image.shape[1]:
        raise InputError(
            f"The patch has {patch.shape[1]} channels and the image {image.shape[1]}. Connect a grey patch, or the "
            "image as RGB."
        )
