"""Material maps as they arrive at a node: checked, and reduced to the channels that they mean."""

from collections.abc import Mapping

import torch

from ..common.errors import InputError
from ..common.finite import check_finite, outside_note
from ..common.layout import to_bchw
from .normal_encodings import check_tangent_space, rebuild_normals

LUMINANCE = (0.2126, 0.7152, 0.0722)  # Rec. 709, on the values as they are encoded
SMALLEST = 3
UNITS = "100 for heights in metres, 0.1 for millimetres."


def read_map(image: torch.Tensor, what: str, repair: bool = False) -> tuple[torch.Tensor, list[str]]:
    """An IMAGE as float32 (B, C, H, W), checked to be at least 3 x 3 pixels and finite, and what was repaired.

    `what` names the input in messages. With `repair`, values that are not finite become the mean of the others of
    their image and channel; without, they raise `InputError` with their number.
    """
    pixels = to_bchw(image, what).float()
    if pixels.device.type == "mps":
        pixels = pixels.cpu()  # which has float64: slopes and spectra need it
    height, width = pixels.shape[-2:]
    if min(height, width) < SMALLEST:
        raise InputError(
            f"{what} is {width} x {height} pixels. A surface needs at least {SMALLEST} x {SMALLEST}; "
            "connect a larger image."
        )
    return check_finite(pixels, what, repair)


def read_height(image: torch.Tensor, repair: bool = False, what: str = "The height") -> tuple[torch.Tensor, list[str]]:
    """The IMAGE of a height input as float32 (B, 1, H, W), and what there is to say about it; see `read_map`."""
    pixels, notes = read_map(image, what, repair)
    heights, used = single_channel(pixels)
    notes += [f"{what} is a colour image: its {used} was used."] if used else []
    notes += alpha_note(pixels, what)
    beyond = outside_note(heights, what)
    return heights, [*notes, *(f"{sentence} A rise of 1 counts as height_cm: {UNITS}" for sentence in beyond)]


def read_normals(image: torch.Tensor, what: str, repair: bool = False) -> tuple[torch.Tensor, list[str]]:
    """A normal map as float32 (B, 3, H, W), and what was repaired and rebuilt; see `read_map` and `normals_of`."""
    pixels, repaired = read_map(image, what, repair)
    normals, notes = normals_of(pixels, what)
    return normals, [*repaired, *notes]


def normals_of(pixels: torch.Tensor, what: str) -> tuple[torch.Tensor, list[str]]:
    """The encoded normals (B, 3, H, W) of a map (B, C, H, W), however it keeps them, and what was done to it.

    Raises `InputError` for a single channel and for what is no tangent-space normal map.
    """
    if pixels.shape[1] < 2:
        raise InputError(f"{what} has {pixels.shape[1]} channel. A normal map has three; connect an RGB image.")
    normals, rebuilt = rebuild_normals(pixels, what)
    return normals, [*rebuilt, *check_tangent_space(normals, what)]


def single_channel(pixels: torch.Tensor) -> tuple[torch.Tensor, str]:
    """(B, C, H, W) -> (B, 1, H, W), and a note on what was used where that is a choice, "" where it is not.

    Grey images of three equal channels give that channel exactly, others their luminance. Alpha is ignored.
    """
    first = pixels[:, :1]
    if pixels.shape[1] < 3 or (torch.equal(first, pixels[:, 1:2]) and torch.equal(first, pixels[:, 2:3])):
        return first.contiguous(), ""
    return luminance(pixels), "luminance"


def alpha_note(pixels: torch.Tensor, what: str) -> list[str]:
    """A sentence on an alpha of (B, C, H, W) that a node leaves out, [] where there is none or all of it is opaque."""
    if pixels.shape[1] not in (2, 4) or bool((pixels[:, -1] >= 1).all()):
        return []
    return [f"{what} is see-through in places; its alpha was left out, and the colours under it count."]


def check_same_size(images: Mapping[str, torch.Tensor]) -> None:
    """Raise `InputError` where images, (B, C, H, W) by the name of their input, differ in size or number."""
    sizes = {name: f"{image.shape[3]} x {image.shape[2]} ({len(image)})" for name, image in images.items()}
    if len(set(sizes.values())) > 1:
        found = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise InputError(
            f"The maps differ in size (and number): {found}. Resize them to the same size (normals with Convert "
            "Normal) and make their batches equal."
        )


def luminance(pixels: torch.Tensor) -> torch.Tensor:
    """Rec. 709 luminance of the encoded values: (B, 3 or more, H, W) -> (B, 1, H, W)."""
    red, green, blue = LUMINANCE
    return red * pixels[:, 0:1] + green * pixels[:, 1:2] + blue * pixels[:, 2:3]
