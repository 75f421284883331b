"""The limits of Measure Seams: how often it cries wolf, how often it misses a seam or a changed band.

`python run.py bench seam_limits FOLDER` takes textures of your own that tile. "goes on" measures each rolled elsewhere,
where it certainly goes on; "cut" measures the borders of pieces cut out of it, which are seams; "repaired" is how much
stronger the strongest line inside a piece is after Make Seamless, "moved" after only rolling the seam inside.

`python run.py bench seam_limits bands [RENDERS] [SEED] [FOLDER]` measures renders of the built-in materials, which tile
by construction, and the pictures of FOLDER rolled elsewhere, but not to where a border of theirs that is a seam itself
lies in the band along the edge: how many are not called seamless (false alarms), and of how many one is found after the
band along the left and right edge was changed. "line" judges by the wrap line
alone, as versions before 0.2 did, "line and band" as Measure Seams does now.
"""

import sys
from collections import defaultdict
from pathlib import Path

from _measured import torch
from tileable_textures import blurred, with_band

PLACES = 12  # to roll to, and pieces to cut, spread evenly
LARGEST = 512  # pixels of a piece
REPAIRS = 3
SIZES = (128, 192, 256, 256, 384)
BANDS = (12, 30, 60)  # pixels across the wrap line
CHANGED = 8  # every so manieth render is changed


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


def goes_on(image):
    """Those of `rolled` with no border in their bands that is a seam of the picture itself."""
    from tilewright.common.edge_bands import EDGE_SHARE
    from tilewright.common.seams import SEAM

    seams = [seam.verdict == SEAM for seam in verdicts([image])]
    for number, shifted in enumerate(rolled(image), 1):
        down, right = place(number, min(image.shape[-2:]))
        near = [
            min(by, size - by) < size // EDGE_SHARE for by, size in ((right, image.shape[-1]), (down, image.shape[-2]))
        ]
        if not any(seam and close for seam, close in zip(seams, near, strict=True)):
            yield shifted


def rolled(image):
    return (image.roll(place(number, min(image.shape[-2:])), (2, 3)) for number in range(1, PLACES + 1))


def strongest_inside(before, after):
    from tilewright.common.seams import moved_seam

    return [moved_seam(before, after, axis) for axis in "xy"]


def row(image):
    from tilewright.common.axes import Axes
    from tilewright.seamless.make_seamless import repair

    going_on = verdicts(rolled(image))
    cut = verdicts(pieces(image))
    moves = []
    for piece in list(pieces(image))[:REPAIRS]:
        repaired = repair(piece, piece, Axes(True, True), piece.shape[-1] // 6, "poisson")[0]
        inside = piece.roll([size // 2 for size in piece.shape[-2:]], (2, 3))
        moves.append((strongest_inside(piece, repaired), strongest_inside(piece, inside)))
    repaired, moved = (sorted(sum(ratios, [])) for ratios in zip(*moves, strict=True))
    alarms = sum(seam.verdict != "seamless" for seam in going_on)
    missed = sum(seam.verdict == "seamless" for seam in cut)
    return (
        f"{max(seam.q for seam in going_on):8.2f}{alarms:7}{sorted(seam.q for seam in cut)[PLACES]:8.2f}{missed:7}"
        f"{repaired[0]:8.2f}{repaired[-1]:6.2f}{moved[0]:8.2f}{moved[-1]:6.2f}"
    )


def pictures(folder):
    from tilewright.common.images import IMAGE_SUFFIXES, read_image

    files = sorted(file for file in Path(folder).iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
    return {file.name: read_image(file)[None, :3] for file in files}


def lines(folder):
    print(f"{'':26}{'goes on':>15}{'cut':>15}{'repaired':>14}{'moved':>14}")
    print(f"{'':26}{'max Q':>8}{'alarms':>7}{'mid Q':>8}{'missed':>7}{'from':>8}{'to':>6}{'from':>8}{'to':>6}")
    for name, image in pictures(folder).items():
        print(f"{name:26}{row(image)}", flush=True)
    print(f"alarms and missed are of {2 * PLACES}")


def changes(image, other, generator):
    """What a band of (1, 3, H, W) is changed into, by name; `other` is another texture of its size."""
    order = torch.randperm(image[0, 0].numel(), generator=generator)
    moved = blurred(torch.randn(2, *image.shape[-2:], generator=generator), 3)
    down, right = (moved / moved.std() * 10).round().long()
    y, x = (torch.arange(size) for size in image.shape[-2:])
    return {
        "blurred, sigma 1.5": blurred(image, 1.5),
        "blurred, sigma 6": blurred(image, 6),
        "filled with the mean colour": image.mean((2, 3), keepdim=True).expand_as(image),
        "garbled: pixels in another order": image.flatten(2)[..., order].view_as(image),
        "garbled: rows in another order": image[..., torch.randperm(len(y), generator=generator), :],
        "garbled: warped by 10 px": image[..., (y[:, None] + down) % len(y), (x + right) % len(x)],
        "another texture": other,
        "crossfaded with itself": (image + image.roll((len(y) // 3, len(x) // 2), (2, 3))) / 2,
        "20 % greener": image * torch.tensor([0.8, 1.0, 0.8]).view(3, 1, 1),
    }


def renders(count, first):
    from tilewright.dataset.procedural.render import MATERIALS, render_material

    names = list(MATERIALS)
    for number in range(count):
        seed = first + number // len(names)
        size = SIZES[seed % len(SIZES)]
        yield render_material(names[number % len(names)], seed, size, 1.0, maps=("basecolor",)).maps["basecolor"][None]


def bands(count="1000", first="1", folder=None):
    generator = torch.Generator().manual_seed(0)
    alarms, found, textures = [0, 0], defaultdict(list), {}
    for number, image in enumerate(renders(int(count), int(first))):
        add(alarms, verdicts([image]))
        other = textures.get(image.shape[-1])
        textures[image.shape[-1]] = image
        if number % CHANGED == 0 and other is not None and image.shape[-1] >= 192:
            for name, band in changes(image, other, generator).items():
                for width in BANDS:
                    found[name, width].append(verdicts([with_band(image, band, width).clamp(0, 1)])[0])
    print(f"{count} renders: false alarms by line {alarms[0]}, by line and band {alarms[1]}")
    for name, image in pictures(folder).items() if folder else ():
        real, places = [0, 0], list(goes_on(image))
        for shifted in places:
            add(real, verdicts([shifted]))
        print(f"{name}: false alarms by line {real[0]}, by line and band {real[1]} of {len(places)} rolled elsewhere")
    print(
        f"{'found, line / line and band, of ' + str(len(next(iter(found.values())))):34}",
        *(f"{w:>10} px" for w in BANDS),
    )
    for name in dict.fromkeys(name for name, _ in found):
        rates = (shares(found[name, width]) for width in BANDS)
        print(f"{name:34}", *(f"{line:5.0%} / {both:4.0%}" for line, both in rates))


def add(alarms, seams):
    alarms[0] += any(seam.line_verdict != "seamless" for seam in seams)
    alarms[1] += any(seam.verdict != "seamless" for seam in seams)


def shares(seams):
    line = sum(seam.line_verdict != "seamless" for seam in seams) / len(seams)
    return line, sum(seam.verdict != "seamless" for seam in seams) / len(seams)


if __name__ == "__main__":
    with torch.inference_mode():
        bands(*sys.argv[2:]) if sys.argv[1] == "bands" else lines(*sys.argv[1:])
