"""What a run reports before its first step and while it trains: its input, and what looks wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..common.dataset_counts import counted

RISES = 1.1  # times its lowest: a measured loss that has grown so far no longer jitters
PATIENCE = 3  # measurements in a row above the lowest
STEEP = 2.0  # times its lowest: no jitter explains that, and no second measurement is waited for


@dataclass(frozen=True)
class Preflight:
    """Counts of a dataset's images and captions.

    images: those that are trained on. held_out: those that are only measured. left_out: those that cannot be read,
    not_finite: of these the ones with NaN or infinite values. clipped: with values outside 0..1, which are lost.
    enlarged: smaller than what they are trained at, by the factor `most_enlarged` at most. uncaptioned: without
    caption. cut: with captions longer than tokens. unmatched: caption files that belong to no image;
    unreadable_captions: caption files of an unknown encoding. prompt_syntax: captions with weights and the like, which
    only a prompt's reader understands.
    """

    images: int
    held_out: int = 0
    left_out: int = 0
    not_finite: int = 0
    clipped: int = 0
    enlarged: int = 0
    most_enlarged: float = 1.0
    uncaptioned: int = 0
    cut: int = 0
    tokens: int = 75
    unmatched: int = 0
    unreadable_captions: int = 0
    prompt_syntax: int = 0

    def lines(self) -> list[str]:
        """Whole sentences for an artist: the images, then one for each thing that may be a mistake."""
        held = f", {self.held_out} measured only" if self.held_out else ""
        lines = [f"{counted(self.images, 'image')}{held}."]
        numbers = f", {self.not_finite} of them for NaN or infinite values" if self.not_finite else ""
        warnings = {
            f"{counted(self.left_out, 'image')} left out{numbers}: see the log or Load Dataset's report.": (
                self.left_out
            ),
            f"{counted(self.clipped, 'image')} with values outside 0 to 1, which are clipped.": self.clipped,
            f"{counted(self.enlarged, 'image')} enlarged, the smallest {self.most_enlarged:.3g} times: lower "
            "resolution, or use larger images.": self.enlarged,
            f"{counted(self.uncaptioned, 'image')} without caption.": self.uncaptioned,
            f"{counted(self.cut, 'caption')} cut: max_tokens of LoRA Objective is {self.tokens}.": self.cut,
            f"{counted(self.unmatched, 'caption file')} that belong to no image.": self.unmatched,
            f"{counted(self.unreadable_captions, 'caption file')} that cannot be read.": self.unreadable_captions,
            f"{counted(self.prompt_syntax, 'caption')} with prompt syntax such as (word:1.2), which is trained as "
            "words.": self.prompt_syntax,
        }
        return lines + [line for line, count in warnings.items() if count]


def course_warnings(fixed: Sequence[tuple[int, float]], validation: Sequence[tuple[int, float]]) -> list[str]:
    """Warnings drawn from the measured (step, loss) pairs, in sentences for an artist."""
    warnings = []
    if (step := _rising_since(fixed)) is not None:
        warnings.append(f"The loss on fixed noise has risen since step {step}: lower learning_rate.")
    elif (step := _rising_since(validation)) is not None:
        warnings.append(
            f"The validation loss has risen since step {step}: the images are being memorised. Take a checkpoint from "
            "about there."
        )
    return warnings


def _rising_since(losses: Sequence[tuple[int, float]]) -> int | None:
    """The step of the lowest loss, if the last one is `STEEP` above it, or `RISES` after `PATIENCE` ones above it."""
    if not losses:
        return None
    step, lowest = min(losses, key=lambda pair: pair[1])
    later = [loss for later_step, loss in losses if later_step > step]
    allowed = RISES if len(later) >= PATIENCE else STEEP
    return step if later and later[-1] > allowed * lowest else None
