"""A stand-in for a downloaded upscale model: random weights in the shape of Real-ESRGAN, with one thin block."""

from pathlib import Path

import torch
from spandrel.architectures.ESRGAN.__arch.RRDB import RRDBNet


def write_standin_upscaler(file: Path) -> None:
    torch.manual_seed(0)
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(RRDBNet(num_filters=16, num_blocks=1, scale=4).state_dict(), file)
