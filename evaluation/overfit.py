"""Whether pictures are training renders: each beside the render nearest to it, laid as it lies in the picture."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from ..common.dataset_counts import counted
from .copies import Calibration, Match, calibrate, fingerprints, nearest, turns
from .lettering import cut, label_font
from .patches import Patches, PatchMatcher, patch_threshold
from .sheet import ALERT, FAINT, INK, PAPER, paste_picture, thumbnails, to_image
from .sheet_layout import PROPORTION

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

THUMBNAIL, GAP = 192, 12


@dataclass(frozen=True)
class Overfit:
    """What was found for each of B pictures. is_held_out: held-out renders that are no training renders set the limits.
    names are those of the training renders; warning says what stands against believing it, "" for nothing."""

    matches: list[Match]
    patches: list[Patches]
    calibration: Calibration
    patch_limit: float
    is_held_out: bool
    names: Sequence[str]
    warning: str = ""

    @property
    def copied(self) -> list[bool]:
        return [match.correlation > self.calibration.threshold for match in self.matches]

    def verdict(self, number: int) -> str:
        """On the whole picture of that number, from 0."""
        if not self.matches[number].correlation:
            return "shows nothing"
        return "copy" if self.copied[number] else "not a copy"

    @property
    def copied_share(self) -> float:
        return sum(self.copied) / len(self.copied)

    def copied_patches(self, number: int) -> int:
        return int(self.patches[number].copied(self.patch_limit).sum())

    def report(self) -> str:
        """A line of verdict, what it rests on, and a line for each picture."""
        count, copies = len(self.matches), sum(self.copied)
        pieces = sum(self.copied_patches(number) for number in range(count))
        known = sum(int(patches.correlations.isfinite().sum()) for patches in self.patches)
        lines = [
            f"{copies} of {count} pictures are training renders ({self.copied_share:.0%}).",
            f"{pieces} of {known} pieces of {count} pictures are pieces of training renders "
            f"({pieces / max(known, 1):.0%}; one in a hundred is by chance).",
            str(self.calibration),
        ]
        if self.warning:
            lines.append(self.warning)
        if not self.is_held_out:
            none = "No other held-out renders" if self.calibration.twins else "No held-out renders"
            lines.append(
                f"{none}: what counts as a copy was read off the training renders among each other. "
                "Connect some that were not trained on for a better limit."
            )
        blank = [self.verdict(number) for number in range(count)].count("shows nothing")
        if blank:
            lines.append(
                f"{blank} of {count} pictures show one colour only, or no render shows more: whether they are copies "
                "cannot be told."
            )
        for number, match in enumerate(self.matches):
            lines.append(
                f"picture {number + 1}: {self.verdict(number)}, {match.correlation:.3f} with "
                f"{self.names[match.render]}, {counted(self.copied_patches(number), 'piece')} copied"
            )
        return "\n".join(lines)


def check_overfit(
    pictures: Sequence[torch.Tensor],
    training: Sequence[torch.Tensor],
    names: Sequence[str],
    held_out: Sequence[torch.Tensor] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
    held_out_names: Sequence[str] = (),
) -> Overfit:
    """Compare pictures (3, H, W) with training renders of one size; held-out ones calibrate what counts as a copy.

    Messages name those that are training renders too by `held_out_names`, without any by their numbers.
    """
    renders = torch.stack(list(training))
    spectra = fingerprints(renders)
    matcher = PatchMatcher(renders)
    calibration = calibrate(fingerprints(held_out), spectra)
    apart = [render for number, render in enumerate(held_out) if number not in calibration.twins]
    limit = patch_threshold(matcher, apart, renders, calibration.repeated)
    matches, patches = [], []
    for number, picture in enumerate(pictures, 1):
        clean = picture.nan_to_num(0, 0, 0).clamp(0, 1)
        matches.append(nearest(fingerprints(clean[None])[0], spectra))
        patches.append(matcher(clean))
        progress(number, len(pictures))
    warning = calibration.warning(held_out_names or [str(number) for number in range(1, len(held_out) + 1)])
    return Overfit(matches, patches, calibration, limit, bool(apart), names, warning)


def laid_like(render: torch.Tensor, match: Match) -> torch.Tensor:
    """The render (3, H, W) turned, mirrored and rolled as it lies in the picture.

    `Match` is found on spectra, which turn about the first pixel; pixels turn about the middle of the image, so an axis
    that was reversed lies one pixel further on. They count in cycles a tile as well, in which every tile is square.
    """
    height, width = render.shape[-2:]
    if height != width:
        side = max(height, width)
        laid = laid_like(_stretched(render, (side, side)), match)
        return _stretched(laid, (height, width))
    laid = turns(render)[:, match.position]
    first_pixel = turns(torch.tensor([[1, 0], [0, 0]]))[match.position].nonzero()[0].tolist()
    shifts = (
        round(share * size) + reversed_axis
        for share, size, reversed_axis in zip(match.shift, laid.shape[-2:], first_pixel, strict=True)
    )
    return laid.roll(tuple(shifts), (-2, -1))


def _stretched(picture: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return F.interpolate(picture[None], size, mode="bilinear", antialias=True, align_corners=False)[0]


def overfit_picture(
    overfit: Overfit, pictures: Sequence[torch.Tensor], training: Sequence[torch.Tensor]
) -> torch.Tensor:
    """(1, H, W, 3), about as wide as a screen: pairs of a picture and its nearest render, most alike first.

    Copied pieces are framed in red.
    """
    from PIL import Image, ImageDraw

    order = sorted(range(len(pictures)), key=lambda number: -overfit.matches[number].correlation)
    pair, line = 2 * THUMBNAIL + GAP, THUMBNAIL + 44
    columns = math.ceil(math.sqrt(PROPORTION * len(order) * (line + GAP) / (pair + 2 * GAP)))
    page = Image.new("RGB", (columns * (pair + 2 * GAP) + GAP, GAP + -(-len(order) // columns) * (line + GAP)), PAPER)
    draw = ImageDraw.Draw(page)
    for place, number in enumerate(order):
        x, y = GAP + place % columns * (pair + 2 * GAP), GAP + place // columns * (line + GAP)
        match = overfit.matches[number]
        shown = thumbnails([pictures[number], laid_like(training[match.render], match)], THUMBNAIL)
        for side, picture in enumerate(shown):
            paste_picture(page, picture, (x + side * (THUMBNAIL + GAP), y))
        _frame_copied(draw, overfit.patches[number].copied(overfit.patch_limit), (x, y), shown[0].shape[-2:])
        color = ALERT if overfit.copied[number] else INK
        draw.text(
            (x, y + THUMBNAIL + 4),
            f"{number + 1}: {overfit.verdict(number)}, {match.correlation:.3f}",
            color,
            label_font(15),
        )
        name = cut(overfit.names[match.render], THUMBNAIL, 13)
        draw.text((x + THUMBNAIL + GAP, y + THUMBNAIL + 4), name, FAINT, label_font(13, name))
    return to_image(page)


def _frame_copied(
    draw: "ImageDraw",
    copied: torch.Tensor,
    place: tuple[int, int],
    size: torch.Size,  # noqa: F821
) -> None:
    down, across = size[0] / copied.shape[0], size[1] / copied.shape[1]
    for row, column in copied.nonzero().tolist():
        left, top = place[0] + column * across, place[1] + row * down
        draw.rectangle((left + 1, top + 1, left + across - 2, top + down - 2), outline=ALERT)
