"""Images of the dataset beside which the samples of a run are looked at: output/training/<name>/references/."""

from collections.abc import Sequence
from pathlib import Path

import torch

from ..common.errors import UnreadableImage
from ..common.image_writing import write_png
from ..common.texture_dataset import Sample

FOLDER = "references"
MOST = 12
SIDE = 512  # pixels of the longer side at most


def write_references(folder: Path, samples: Sequence[Sample]) -> list[dict[str, str]]:
    """Write up to `MOST` of the images that are learnt, spread over the set, small enough to show.

    Returns the name of each file, without its ending, and its caption. One that cannot be read is passed over: the
    training says so.
    """
    own = [sample for sample in samples if not sample.regularisation] or list(samples)
    chosen = [own[number * len(own) // min(MOST, len(own))] for number in range(min(MOST, len(own)))]
    written = []
    for number, sample in enumerate(chosen):
        try:
            picture = sample.read()
        except UnreadableImage:
            continue
        file = folder / FOLDER / f"{number:02}.png"
        write_png(file, _shrunk(picture[:3].nan_to_num(0).clamp(0, 1)))
        written.append({"picture": file.stem, "caption": sample.caption})
    return written


def reference_files(folder: Path) -> dict[str, Path]:
    """The images that `write_references` wrote for the run in `folder`, by their names."""
    return {file.stem: file for file in sorted((folder / FOLDER).glob("*.png"))}


def _shrunk(picture: torch.Tensor) -> torch.Tensor:
    """(C, H, W), no side longer than `SIDE`."""
    height, width = picture.shape[1:]
    scale = min(1.0, SIDE / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    return torch.nn.functional.interpolate(picture[None], size, mode="area")[0]
