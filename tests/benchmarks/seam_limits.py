"""The limits of Measure Seams on textures of your own: how often they cry wolf, how often they miss a seam.

For every picture of a folder, which has to tile: "goes on" measures it rolled elsewhere, where it certainly goes on;
"cut" measures the borders of pieces cut out of it, which are seams; "repaired" is how much stronger the strongest line
inside a piece is after Make Seamless, "moved" after only rolling the seam inside.
Run with `python run.py bench seam_limits FOLDER`.
"""

import sys
from pathlib import Path

from _measured import torch

PLACES = 12  # to roll to, and pieces to cut, spread evenly
LARGEST = 512  # pixels of a piece
REPAIRS = 3


def place(number, room):
    """(top, left) within `room` pixels."""
    return int(number * 0.7548776662 % 1 * room), int(number * 0.6180339887 % 1 * room)


def verdicts(images):
    from tilewright.common.seams import seam_statistics

    return [seam_statistics(image, axis) for image in images for axis in "xy"]


def pieces(image):
    side = min(*image.shape[-2:], LARGEST) * 4 // 5
    for number in range(1, PLACES + 1):
        top, left = place(number, min(image.shape[-2:]) - side)
        yield image[..., top : top + side, left : left + side]


def strongest_inside(before, after):
    from tilewright.common.seams import moved_seam

    return [moved_seam(before, after, axis) for axis in "xy"]


def row(image):
    from tilewright.common.axes import Axes
    from tilewright.seamless.make_seamless import repair

    going_on = verdicts(image.roll(place(number, min(image.shape[-2:])), (2, 3)) for number in range(PLACES))
    cut = verdicts(pieces(image))
    moves = []
    for piece in list(pieces(image))[:REPAIRS]:
        repaired = repair(piece, piece, Axes(True, True), piece.shape[-1] // 6, "poisson")[0]
        rolled = piece.roll([size // 2 for size in piece.shape[-2:]], (2, 3))
        moves.append((strongest_inside(piece, repaired), strongest_inside(piece, rolled)))
    repaired, rolled = (sorted(sum(ratios, [])) for ratios in zip(*moves, strict=True))
    alarms = sum(seam.verdict != "seamless" for seam in going_on)
    missed = sum(seam.verdict == "seamless" for seam in cut)
    return (
        f"{max(seam.q for seam in going_on):8.2f}{alarms:7}{sorted(seam.q for seam in cut)[PLACES]:8.2f}{missed:7}"
        f"{repaired[0]:8.2f}{repaired[-1]:6.2f}{rolled[0]:8.2f}{rolled[-1]:6.2f}"
    )


def main(folder):
    from tilewright.common.images import IMAGE_SUFFIXES, read_image

    print(f"{'':26}{'goes on':>15}{'cut':>15}{'repaired':>14}{'moved':>14}")
    print(f"{'':26}{'max Q':>8}{'alarms':>7}{'mid Q':>8}{'missed':>7}{'from':>8}{'to':>6}{'from':>8}{'to':>6}")
    for file in sorted(Path(folder).iterdir()):
        if file.suffix.lower() in IMAGE_SUFFIXES:
            print(f"{file.name:26}{row(read_image(file)[None, :3])}", flush=True)
    print(f"alarms and missed are of {2 * PLACES}")


if __name__ == "__main__":
    with torch.inference_mode():
        main(*sys.argv[1:])
