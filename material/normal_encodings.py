"""The ways in which files keep normals, recognised by their pixels and turned into the one that the nodes expect.

Expected is what most tools write: red, green and blue are (x + 1) / 2, (y + 1) / 2 and (z + 1) / 2 of unit vectors that
point up. Engines drop what can be computed again (BC5 keeps red and green, DXT5nm keeps green and alpha), renderers
write -1..1 as it is, and a file that was read as a colour went through the sRGB curve.
"""

import torch

from ..common.errors import InputError
from ..common.srgb import linear_from_srgb, srgb_from_linear
from .normals import decode_normals, encode_normals, length_error

UNIT = 0.02  # of the mean length error: below, they are normals. 8 bits are off by 0.003
CONSTANT = 1.5 / 255  # range of a channel below which it holds nothing
OVERHANG = 0.25  # part of the pixels that point into the surface from which on this is no tangent space
TOO_LONG = 0.01  # part of the pixels whose x and y may be longer than 1 where z was dropped
SAMPLE = 2**18  # pixels that tell the encoding of a larger map


def rebuild_normals(pixels: torch.Tensor, what: str) -> tuple[torch.Tensor, list[str]]:
    """Encoded normals (B, 3, H, W) of a map (B, C, H, W) with C from 2 to 4, and a sentence where they were rebuilt.

    `what` names the map in that sentence. Pixels that are recognised as nothing come back as they are, without a
    fourth channel; `length_error` and `overhang` tell what they are worth.
    """
    if pixels.shape[1] == 2:
        return _with_z(pixels), [f"{what} has two channels: the third was rebuilt from them."]
    if pixels.shape[1] == 4 and is_dxt5nm(pixels):
        found = _with_z(torch.cat([pixels[:, 3:], pixels[:, 1:2]], dim=1))
        return found, [f"{what} keeps x in alpha and y in green (DXT5nm): z was rebuilt from them."]
    pixels = pixels[:, :3]
    sample = _sample(pixels)
    error = length_error(decode_normals(sample))
    if error < UNIT and float(pixels[:, 2].amin()) > 0.5 + CONSTANT:
        return pixels, []
    if _lacks_blue(pixels):
        return _with_z(pixels[:, :2]), [f"{what} has nothing in blue (BC5): it was rebuilt from red and green."]
    if error < 2 * UNIT:
        return pixels, []
    if float(sample.amin()) < -UNIT and length_error(sample) < UNIT:
        return encode_normals(pixels), [f"{what} is signed, -1 to 1: it was brought to 0..1."]
    for decoded, story in ((linear_from_srgb, "went through the sRGB curve"), (srgb_from_linear, "was made linear")):
        if length_error(decode_normals(decoded(sample))) < UNIT:
            return decoded(pixels), [f"{what} {story} as if it were a colour: that was undone."]
    return pixels, []


def check_tangent_space(normals: torch.Tensor, what: str) -> list[str]:
    """A sentence on encoded normals (B, 3, H, W) that are not of unit length, [] where they are.

    Raises `InputError` where they are no tangent-space normals at all: what the message says they may be.
    """
    if _is_grey(normals):
        raise InputError(f"{what} is grey. A normal map has a colour; for a height map take Height to Normal.")
    if _has_no_red(normals):
        raise InputError(
            f"{what} has nothing in red: it looks like a DXT5nm map, which keeps x in alpha. Load it with Load Map as "
            "kind 'normal', which rebuilds it from green and alpha."
        )
    inwards = overhang(normals)
    if inwards > OVERHANG:
        raise InputError(
            f"{what} points into the surface in {inwards:.0%} of its pixels, so it is not a tangent-space normal map. "
            "It may be a picture, or in object or world space: bake it in tangent space."
        )
    error = length_error(decode_normals(_sample(normals)))
    return [f"{what}: its length is off by {error:.2g} on average; it was normalised."] if error > 2 * UNIT else []


def overhang(normals: torch.Tensor) -> float:
    """The part of encoded normals (B, 3, H, W), 0 to 1, that points into the surface: none in tangent space."""
    return float((normals[:, 2] < 0.5 - CONSTANT).float().mean())


def is_dxt5nm(pixels: torch.Tensor) -> bool:
    """Whether a map (B, 4, H, W) keeps x in alpha and y in green, and nothing of its own in red."""
    alpha, green = pixels[:, 3:], pixels[:, 1:2]
    without_x = _is_grey(pixels) or _has_no_red(pixels)
    return without_x and not _is_constant(alpha) and _fits_in_circle(alpha, green)


def _with_z(xy: torch.Tensor) -> torch.Tensor:
    """(B, 2, H, W) encoded x and y with the z of unit vectors -> (B, 3, H, W)."""
    vectors = xy * 2 - 1
    z = (1 - vectors.square().sum(dim=1, keepdim=True)).clamp(min=0).sqrt()
    return torch.cat([xy, z * 0.5 + 0.5], dim=1)


def _lacks_blue(pixels: torch.Tensor) -> bool:
    """Whether blue is one value throughout, and red and green could be the rest of unit vectors."""
    red, green, blue = pixels.split(1, dim=1)
    if not _is_constant(blue):
        return False
    says_nothing = float(blue.amax()) < 0.5 + CONSTANT  # flat on the ground, or into it
    return (says_nothing or not (_is_constant(red) and _is_constant(green))) and _fits_in_circle(red, green)


def _has_no_red(pixels: torch.Tensor) -> bool:
    """Whether red is 0 or 1 throughout, and blue is empty too or what green is."""
    red, green, blue = pixels[:, :3].split(1, dim=1)
    empty = _is_constant(red) and min(float(red.amax()), float(1 - red.amin())) < CONSTANT
    return empty and (_is_constant(blue) or torch.equal(blue, green))


def _is_grey(pixels: torch.Tensor) -> bool:
    return torch.equal(pixels[:, 0], pixels[:, 1]) and torch.equal(pixels[:, 1], pixels[:, 2])


def _fits_in_circle(x: torch.Tensor, y: torch.Tensor) -> bool:
    if float(torch.minimum(x.amin(), y.amin())) < 0:
        return False
    too_long = (x * 2 - 1).square() + (y * 2 - 1).square() > 1 + 4 * CONSTANT
    return float(too_long.float().mean()) <= TOO_LONG


def _is_constant(channel: torch.Tensor) -> bool:
    return float(channel.amax() - channel.amin()) < CONSTANT


def _sample(pixels: torch.Tensor) -> torch.Tensor:
    step = max(1, round((pixels[:, 0].numel() / SAMPLE) ** 0.5))
    return pixels[..., ::step, ::step]
