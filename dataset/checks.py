"""Checks of a single image of a dataset. Each gives a reason, or None."""

from dataclasses import dataclass

import torch

from ..common.conventions import clear_convention
from ..common.errors import UnreadableImage
from ..common.images import image_dpi
from ..common.map_kinds import COLOR_MAPS
from ..common.seams import LEAST_SIDE, SEAM, SeamStatistics, seam_statistics
from ..common.texture_dataset import Sample
from .duplicates import fingerprint_texture

BLANK = 1.5 / 255  # standard deviation of every channel
DARK, BRIGHT = 2 / 255, 253.5 / 255
MOSTLY = 0.5
LOSSY_SUFFIXES = {".jpg", ".jpeg", ".jfif", ".jpe", ".webp", ".avif"}

OFF, MARK, REJECT = "off", "mark", "reject"
SEAM_MODES = [OFF, MARK, REJECT]
SAME = "same for all"
NORMAL_MODES = [OFF, SAME, "OpenGL", "DirectX"]


@dataclass(frozen=True)
class Rules:
    """What an image must be like; 0 switches a limit off.

    Sides in pixels. kilobytes_per_pixel holds for colour maps in lossy formats: a flat PNG is small as well.
    seams is one of SEAM_MODES, normals one of NORMAL_MODES.
    """

    min_side: int = 0
    max_side: int = 0
    kilobytes_per_pixel: float = 0.0
    min_dpi: int = 0
    blank: bool = True
    duplicates: bool = True
    seams: str = MARK
    normals: str = SAME


@dataclass(frozen=True)
class Checked:
    """reason: why the image is not wanted, None where nothing is wrong with it alone. convention: what the pixels
    of a normal map say, "" where they do not tell. seam: one shows where the image meets its own copy."""

    reason: str | None = None
    seamless: bool = False
    convention: str = ""
    fingerprint: torch.Tensor | None = None
    seam: bool = False


def check_image(sample: Sample, background: tuple[float, float, float], rules: Rules) -> Checked:
    """Check one image by itself; a damaged file is a reason too."""
    try:
        if reason := _file_reason(sample, rules):
            return Checked(reason)
        image = sample.read_opaque(background)
    except UnreadableImage as error:
        return Checked(error.reason)
    except OSError as error:  # it was deleted since it was loaded
        return Checked(f"the system says {error.strerror!r}")
    if rules.blank and (reason := _content_reason(image, sample.map)):
        return Checked(reason)
    seams = _seams(image) if rules.seams != OFF else []
    if rules.seams == REJECT and any(one.verdict == "seam" for one in seams):
        return Checked(_seam_reason(*seams))
    return Checked(
        seamless=bool(seams) and all(one.tiles for one in seams),
        convention=clear_convention(image[None]) if sample.map == "normal" and rules.normals != OFF else "",
        fingerprint=fingerprint_texture(image) if rules.duplicates else None,
        seam=any(one.verdict == SEAM for one in seams),
    )


def _file_reason(sample: Sample, rules: Rules) -> str | None:
    width, height = sample.size
    if min(width, height) < rules.min_side:
        return f"smaller than {rules.min_side} pixels"
    if rules.max_side and max(width, height) > rules.max_side:
        return f"larger than {rules.max_side} pixels"
    kilobytes = sample.file.stat().st_size / 1000 / (width * height)
    is_lossy = sample.file.suffix.lower() in LOSSY_SUFFIXES
    if is_lossy and sample.map in COLOR_MAPS and kilobytes < rules.kilobytes_per_pixel:
        return f"compressed below {rules.kilobytes_per_pixel} kB a pixel"
    if rules.min_dpi and 0 < image_dpi(sample.file) < rules.min_dpi:
        return f"scanned at less than {rules.min_dpi} dpi"
    return None


def _content_reason(image: torch.Tensor, map_kind: str) -> str | None:
    """A roughness or opacity map may be flat; a basecolor, height or normal map may not."""
    if map_kind in ("basecolor", "height", "normal") and image.std((1, 2), correction=0).amax() < BLANK:
        return "black" if map_kind == "basecolor" and image.amax() < 4 * DARK else "blank: one flat colour"
    if map_kind == "basecolor" and (image.amax(0) < DARK).float().mean() > MOSTLY:
        return "black over more than half of its area"
    if map_kind == "basecolor" and (image.amax(0) > BRIGHT).float().mean() > MOSTLY:
        return "saturated: a channel is clipped over more than half of its area"
    return None


def _seam_reason(x: SeamStatistics, y: SeamStatistics) -> str:
    if any(one.line_verdict == "seam" for one in (x, y)):
        return f"does not tile (Q {x.q:.2f} × {y.q:.2f}, R2 {x.r2:.2f} × {y.r2:.2f}; up to 1.2 and 1.5 would)"
    band = max(x.band, y.band, key=lambda band: band.excess)
    return f"does not tile: a band of {band.width} pixels along its edge is {band.kind}"


def _seams(image: torch.Tensor) -> list[SeamStatistics]:
    if min(image.shape[1:]) < LEAST_SIDE:
        return []
    return [seam_statistics(image.unsqueeze(0), axis) for axis in ("x", "y")]
