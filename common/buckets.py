"""Aspect-ratio buckets: the few sizes that images of any shape are brought to, so that they train in batches.

The sizes are those of kohya's trainers (sd-scripts, BucketManager), and so are the names of the settings.
"""

import math
from dataclasses import dataclass

from .errors import InputError

Size = tuple[int, int]
"""(width, height) in pixels"""

NOTICEABLE = 0.1  # enlarged or stretched by this share of its size, or so much of it cut away


@dataclass(frozen=True)
class Buckets:
    """Which sizes there are. All sides are multiples of `step`, and no area exceeds that of the resolution squared.

    minimum and maximum: shortest and longest side in pixels, 0 for half and twice the resolution.
    step: 64 gives the deepest level of every UNet a whole number of latents; SDXL does with 32.
    upscale: without it small images get smaller sizes of their own, and minimum and maximum do not count.
    """

    minimum: int = 0
    maximum: int = 0
    step: int = 64
    upscale: bool = True

    def __post_init__(self) -> None:
        if self.step < 8 or self.step % 8:
            raise InputError(f"The step of buckets is {self.step}. Choose a multiple of 8, such as 64.")
        if 0 < self.maximum < self.minimum:
            raise InputError(f"Buckets cannot have sides from {self.minimum} to {self.maximum}. Swap the two.")

    def size(self, image: Size, resolution: int) -> Size:
        """The size to train an image at. Of those there are it is nearest in aspect, and among equals largest.

        Raises `InputError` where no whole step fits into the resolution.
        """
        self._check_step(resolution)
        return _nearest(image, self.sizes(resolution) if self.upscale else self._within(image, resolution))

    def enlargement(self, image: Size, resolution: int) -> float:
        """By what factor an image is enlarged for training, along the axis where that is more; below 1 it shrinks."""
        width, height = self.size(image, resolution)
        return max(width / image[0], height / image[1])

    def limits(self, resolution: int) -> tuple[int, int]:
        """The shortest and the longest side in whole steps. Raises `InputError` where none fits into the resolution."""
        self._check_step(resolution)
        low = _multiple((self.minimum or resolution // 2) + self.step - 1, self.step)  # rounded up
        return low, _multiple(self.maximum or resolution * 2, self.step)

    def sizes(self, resolution: int) -> list[Size]:
        """All sizes that images may be enlarged to, the square of the resolution among them."""
        low, high = self.limits(resolution)
        square = _multiple(min(resolution, high), self.step)
        wide = [
            (width, min(high, resolution**2 // width // self.step * self.step))
            for width in range(low, high + 1, self.step)
        ]
        found = {(width, height) for width, height in wide if height >= low} | {(square, square)}
        return sorted(found | {(height, width) for width, height in found})

    def _check_step(self, resolution: int) -> None:
        if self.step > resolution:
            raise InputError(
                f"The step of buckets is {self.step}, but the resolution is {resolution}. Choose a smaller step."
            )

    def _within(self, image: Size, resolution: int) -> list[Size]:
        """Sizes no larger than the image: shrunk to the resolution's area, width or height whole steps; else cut."""
        width, height = image
        shrink = resolution / math.sqrt(width * height)
        if shrink >= 1:
            return [(_multiple(width, self.step), _multiple(height, self.step))]
        by_width, by_height = (_multiple(round(side * shrink), self.step) for side in image)
        return [
            (by_width, _multiple(round(by_width * height / width), self.step)),
            (_multiple(round(by_height * width / height), self.step), by_height),
        ]


def _nearest(image: Size, sizes: list[Size]) -> Size:
    """By the ratio of the aspects, where sd-scripts takes the difference: a turned image gets the turned size."""
    aspect = image[0] / image[1]
    return min(sizes, key=lambda size: (round(abs(math.log(size[0] / size[1] / aspect)), 6), -size[0] * size[1]))


def _multiple(number: float, step: int) -> int:
    """The largest multiple of `step` that is no more than `number`, and at least one step."""
    return max(step, int(number // step) * step)
