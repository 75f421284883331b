"""A map read from a file as the whole pack sees it: colours in sRGB, data as stored, no NaN or infinity."""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from .color_profiles import (
    Convert,
    converted,
    profile_name,
    profile_space,
    rec709_of_chromaticities,
    srgb_of_gamma,
    srgb_of_profile,
)
from .errors import NotFiniteImage
from .finite import is_finite
from .image_headers import Header, told_as_unreadable
from .image_writing import ROWS_AT_ONCE
from .images import Decoded, decode_image
from .map_kinds import COLOR_MAPS
from .srgb import srgb_from_linear

AUTOMATIC, LINEAR, SRGB = "auto", "linear", "sRGB"
LIGHT_OPTIONS = [AUTOMATIC, LINEAR, SRGB]
REFUSE, REPAIR, KEEP = "refuse", "repair", "keep"
BEYOND = 1e-3  # by how much a value may leave 0..1 before it is reported: a filter's overshoot is no other range


@dataclass(frozen=True)
class Reading:
    """How the files of a dataset are read.

    light: what colour maps in float files hold. "auto" takes EXR for linear light, as its convention is, and float
    TIFF for sRGB; "linear" and "sRGB" say so of both. layer: which layer of an EXR to take, "" for the main one.
    not_finite: what becomes of NaN or infinite values. "refuse" refuses the file, "repair" takes those of the
    nearest pixel, "keep" leaves them to whoever reads. flip_green: of normal maps, from DirectX to OpenGL and back.
    """

    light: str = AUTOMATIC
    layer: str = ""
    not_finite: str = REFUSE
    flip_green: bool = False


class Note(NamedTuple):
    """Something to tell of a file that was read: what, the same for all files of a kind, and its own figures."""

    what: str
    figures: str = ""


CLIPPED = "values beyond 0..1, which training and 8- and 16-bit files clip"
PARTIAL = "a GIF whose picture leaves a part of its canvas empty"
INVISIBLE = "alpha of 0 everywhere, which would hide the whole picture: passed over"
LOW, VERY_LOW = 1 / 16, 1e-4  # 12 bits in a file of 16; 16 bits in one of 32, whose numbers may be signed or floats
DEEP = ("png16", "tifffile", "opencv", "exr")  # decoders of more than 8 bits
REPAIRED = "NaN or infinite values, repaired from the nearest pixels"


def read_map(path: Path, kind: str, reading: Reading = Reading()) -> torch.Tensor:
    """A map of the given kind as (C, H, W) float32, upright; C is 1, 3 or 4.

    Colour maps (basecolor, emissive) come in sRGB with straight alpha, whatever the file holds: linear light,
    another profile, premultiplied colours. All other maps come exactly as stored. Raises `UnreadableImage`, and
    `NotFiniteImage` for NaN or infinite values, unless they are repaired.
    """
    return read_map_with_notes(path, kind, reading)[0]


def read_map_with_notes(path: Path, kind: str, reading: Reading = Reading()) -> tuple[torch.Tensor, list[Note]]:
    """As `read_map`, with what was done to the file's values and what is odd about them."""
    return as_map(path, decode_image(path, reading.layer), kind, reading)


def as_map(path: Path, decoded: Decoded, kind: str, reading: Reading) -> tuple[torch.Tensor, list[Note]]:
    """What `read_map_with_notes` makes of a decoded file, whose pixels may be written over."""
    image, notes = decoded.pixels, _header_notes(decoded.header, reading.layer)
    if decoded.is_float and reading.not_finite != KEEP:
        image, repaired = _finite(path, image, reading.not_finite == REPAIR)
        notes += repaired
    if kind in COLOR_MAPS:
        with told_as_unreadable(path):
            image, changed = _srgb(image, decoded, reading.light)
        notes += changed
        if image.shape[0] == 4 and not image[3].any():
            image, notes = image[:3], [*notes, Note(INVISIBLE)]
    notes += _low_notes(image, decoded)
    if reading.flip_green and kind == "normal" and len(image) > 2:
        image[1].neg_().add_(1)
    if decoded.is_float and (beyond := _beyond(image)):
        notes.append(Note(CLIPPED, beyond))
    return image, notes


def _low_notes(image: torch.Tensor, decoded: Decoded) -> list[Note]:
    if decoded.header.decoder not in DEEP:
        return []
    highest, limit = float(image[:3].amax()), VERY_LOW if decoded.is_float else LOW
    if not 0 < highest < limit:
        return []
    return [Note("values that fill a small part of the range only", f"at most {highest:.2g}")]


def _header_notes(header: Header, wanted: str) -> list[Note]:
    notes = [Note(f"the first of {header.pictures} pictures in the file")] if header.pictures > 1 else []
    notes += [Note(PARTIAL)] if header.partial else []
    notes += [Note(remark) for remark in header.remarks]
    if header.coded_colors:
        notes.append(Note(f"wide or HDR colours (cICP {header.coded_colors}), taken for sRGB: export it as sRGB"))
    return notes + _layer_notes(header, wanted)


def _layer_notes(header: Header, wanted: str) -> list[Note]:
    if not header.exr or wanted or len(header.exr.layers) < 2:
        return []
    others = ", ".join(name or "no name" for name in header.exr.layers if name != header.exr.layer.name)
    return [Note(f"layer {header.exr.layer.name or 'without a name'} taken; there are also: {others}")]


def _finite(path: Path, image: torch.Tensor, repair: bool) -> tuple[torch.Tensor, list[Note]]:
    if is_finite(image):
        return image, []
    bad = ~image.isfinite().all(0)
    count = int(bad.sum())
    if not repair or count == bad.numel():
        found = f"{count} of its {bad.numel()} pixels are no numbers (NaN or infinite)"
        raise NotFiniteImage(path, f"{found}; render it again, or repair them")
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(bad.numpy(), return_distances=False, return_indices=True)
    rows, columns = torch.from_numpy(nearest).long()
    return image[:, rows, columns], [Note(REPAIRED, f"{count} pixels")]


def _srgb(image: torch.Tensor, decoded: Decoded, light: str) -> tuple[torch.Tensor, list[Note]]:
    header = decoded.header
    if header.exr:
        image = _straight(image)
    if decoded.is_float and (light == LINEAR or (light == AUTOMATIC and header.exr)):
        convert, primaries = _from_linear(header)
        return converted(image, convert), [Note(f"linear light{primaries}, turned into sRGB")]
    to_srgb, what = _conversion(header)
    return (converted(image, to_srgb) if to_srgb else image), ([Note(what)] if what else [])


def _conversion(header: Header) -> tuple[Convert | None, str]:
    """What turns a file's colours into sRGB, None where they stay, and what is said of it, "" for nothing."""
    if not header.profile:
        return _conversion_of_gamma(header)
    try:
        convert = srgb_of_profile(header.profile)
    except (ValueError, struct.error):
        return None, "a damaged colour profile, passed over: colours are taken for sRGB"
    space = profile_space(header.profile)
    fitting = ("CMYK",) if header.cmyk else ("RGB",) if header.channels == 3 else ("RGB", "GRAY")
    if space not in fitting:
        return None, f"a colour profile for {space}, passed over: its colours are of another kind"
    name = profile_name(header.profile) if convert else ""
    return convert, f"colours of the profile {name!r}, turned into sRGB" if convert else ""


def _conversion_of_gamma(header: Header) -> tuple[Convert | None, str]:
    primaries = header.chromaticities
    try:
        convert = srgb_of_gamma(header.gamma, primaries)
        if convert is None and not header.gamma and rec709_of_chromaticities(primaries) is not None:
            return None, "other primaries than sRGB's (cHRM) without a gamma, passed over: colours are taken for sRGB"
    except ValueError:
        return None, "primaries that make no colours (cHRM), passed over: colours are taken for sRGB"
    stated = f"gamma {header.gamma:.3g}" + (" and primaries of their own" if len(primaries) == 8 else "")
    return convert, f"colours of {stated}, turned into sRGB" if convert else ""


def _from_linear(header: Header) -> tuple[Convert, str]:
    """What turns linear light into sRGB, and words on primaries that make no colours, "" where they do."""
    try:
        matrix = rec709_of_chromaticities(header.exr.chromaticities) if header.exr else None
    except ValueError:
        return srgb_from_linear, " of primaries that make no colours, taken for sRGB's"
    if matrix is None:
        return srgb_from_linear, ""

    def convert(colors: torch.Tensor) -> torch.Tensor:
        return srgb_from_linear(torch.tensordot(matrix, colors.expand(3, -1, -1), 1).clamp(min=0))

    return convert, ""


def _straight(image: torch.Tensor) -> torch.Tensor:
    """EXR colours, divided in place by the alpha that they come multiplied by; where it is 0, light without cover
    stays as it is."""
    if image.shape[0] == 4:
        for strip in image.split(ROWS_AT_ONCE, 1):
            strip[:3] /= torch.where(strip[3:] > 0, strip[3:], 1)
    return image


def _beyond(image: torch.Tensor) -> str:
    lowest, highest = float(image.amin()), float(image.amax())
    return f"{lowest:.4g} to {highest:.4g}" if lowest < -BEYOND or highest > 1 + BEYOND else ""
