"""A map from a file, at the file's precision, with what it is."""

from dataclasses import dataclass
from pathlib import Path

import torch

from ..common.images import IMAGE_SUFFIXES, decode_image
from ..common.map_files import KEEP, Reading, as_map
from ..common.map_kinds import maps_by_name
from .normal_encodings import is_dxt5nm, rebuild_normals
from .normals import decode_normals, length_error

AS_IT_IS = Reading(not_finite=KEEP)
UNIT_LENGTH = 0.05  # by how much the length of 8-bit normals may differ from 1, on average


@dataclass(frozen=True)
class LoadedMap:
    """Pixels (1, C, H, W) with C 1, 3 or 4, the kind of the map, and how it was found, in a sentence."""

    pixels: torch.Tensor
    kind: str
    found: str


def load_map(path: Path, kind: str = "", reading: Reading = AS_IT_IS) -> LoadedMap:
    """Read a map; an empty `kind` is read from the file's name, or guessed from its pixels.

    Data maps come exactly as stored, except for normals that are kept in another way than as 0..1 in red, green and
    blue: those are rebuilt. Colours become sRGB as `read_map` says. Raises `UnreadableImage`.
    """
    decoded = decode_image(path, reading.layer)
    kind, found = (kind, f"Read as {kind}.") if kind else kind_of(path, decoded.pixels[None])
    image, notes = as_map(path, decoded, kind, reading)
    sentences = [f"{note.what}{f' ({note.figures})' if note.figures else ''}." for note in notes]
    pixels = image[None]
    if kind == "normal" and pixels.shape[1] > 1:
        alpha = pixels[:, 3:] if pixels.shape[1] == 4 and not is_dxt5nm(pixels) else pixels[:, :0]
        rebuilt, remarks = rebuild_normals(pixels, "The map")
        if remarks:
            pixels, sentences = torch.cat([rebuilt, alpha], dim=1), [*sentences, *remarks]
    return LoadedMap(pixels, kind, " ".join([found, *(sentence[0].upper() + sentence[1:] for sentence in sentences)]))


def kind_of(path: Path, pixels: torch.Tensor) -> tuple[str, str]:
    """The kind of a map and a sentence on how it was found: by its name among its siblings, else by its pixels."""
    siblings = [file.stem for file in path.parent.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES]
    named = maps_by_name([*siblings, path.stem])[path.stem]
    if named.kind:
        convention = f" ({named.convention})" if named.convention else ""
        depth = (
            " Depth is often white where it is deep: look, and invert it if so." if _is_depth(path, named.kind) else ""
        )
        return named.kind, f"{named.kind}{convention}, by its name.{depth}"
    if looks_like_normals(pixels):
        return "normal", "normal, by its pixels: they have unit length."
    guess = "basecolor" if pixels.shape[1] >= 3 else "height"
    return guess, f"{guess}, a guess: the name does not say. Choose the kind if it is another."


def _is_depth(path: Path, kind: str) -> bool:
    return kind == "height" and "depth" in path.stem.lower()


def looks_like_normals(pixels: torch.Tensor) -> bool:
    """Whether the colours of (B, C, H, W) are vectors of unit length that point up."""
    if pixels.shape[1] < 3:
        return False
    normals = decode_normals(pixels[:, :3])
    upright = normals[:, 2].mean() > 0.5
    return bool(upright) and length_error(normals) < UNIT_LENGTH
