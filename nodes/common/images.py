"""Image files to tensors and back, at the precision of the file."""

from pathlib import Path

import torch

from .files import written_whole


def quantise(image: torch.Tensor, bits: int) -> torch.Tensor:
    """Round 0..1 floats to the integers of an unsigned `bits`-bit channel, as int32. Values outside are clipped."""
    return (image.clamp(0, 1) * (2**bits - 1)).round().int()


def write_png(path: Path, image: torch.Tensor, bits: int = 8) -> None:
    """Write (C, H, W) in 0..1 as a grey (C = 1), RGB or RGBA PNG of 8 or 16 bits a channel, rounded, whole or not at all."""
    import cv2
    import numpy as np

    channels = image.shape[0]
    pixels = quantise(image.cpu(), bits).movedim(0, -1).numpy().astype(np.uint8 if bits == 8 else np.uint16)
    if channels > 1:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR if channels == 3 else cv2.COLOR_RGBA2BGRA)
    encoded, data = cv2.imencode(".png", pixels)
    if not encoded:
        raise OSError(f"OpenCV could not encode {path.name}")
    with written_whole(path) as unfinished:
        data.tofile(unfinished)  # not cv2.imwrite: it fails on non-ASCII paths on Windows
