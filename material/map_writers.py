"""One image to one file, in the formats that engines read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..common.errors import InputError
from ..common.files import written_whole
from ..common.image_writing import encode_with_opencv, whole_numbers, write_png

SUFFIXES = {
    "PNG": ".png",
    "TIFF": ".tif",
    "TIFF float": ".tif",
    "EXR half": ".exr",
    "EXR float": ".exr",
    "TGA": ".tga",
}
FILE_FORMATS = list(SUFFIXES)
SCENE_LINEAR = {"EXR half", "EXR float"}  # formats in which colours are linear light by convention
PLAIN, DEFLATE = None, "zlib"  # the kinds of TIFF that most programs read; few read deflated floats
UNASSOCIATED = 2  # what a TIFF says of an alpha that colours are not multiplied by
TOP_LEFT = 1  # where a TGA begins
CLIPPED = {"PNG", "TIFF", "TGA"}  # formats of whole numbers
LARGEST_HALF = 65504


def write_map(
    path: Path, image: torch.Tensor, file_format: str, bits: int, text: Mapping[str, str], dither: bool = False
) -> None:
    """Write (C, H, W), C being 1, 3 or 4, in one of `FILE_FORMATS`, whole or not at all.

    `bits` a channel, 8 or 16, count for PNG and TIFF: 0..1 is rounded to whole numbers, values outside are clipped.
    TGA has 8 bits, EXR and TIFF float keep every value, EXR half rounds it to 11 bits. `text` is kept in PNG and EXR
    files. `dither` turns the rounding error of 8-bit files into noise that is the same every time.
    """
    bits = 8 if file_format == "TGA" else bits
    if dither and bits == 8 and file_format in CLIPPED:
        image = with_rounding_noise(image)
    if file_format == "PNG":
        write_png(path, image, bits, text)
        return
    with written_whole(path) as unfinished:
        if file_format == "TIFF":
            _write_tiff(unfinished, whole_numbers(image, bits), DEFLATE)
        elif file_format == "TIFF float":
            _write_tiff(unfinished, image.cpu().movedim(0, -1).numpy(), PLAIN)
        elif file_format == "TGA":
            _write_tga(unfinished, whole_numbers(image, bits))
        else:
            _write_exr(unfinished, image, np.float16 if file_format == "EXR half" else np.float32, text)


def png_bytes(image: torch.Tensor, bits: int, dither: bool = False) -> bytes:
    """(C, H, W) in 0..1 as the bytes of a PNG of 8 or 16 bits a channel; `dither` as of `write_map`."""
    return encode_with_opencv(
        whole_numbers(with_rounding_noise(image) if dither and bits == 8 else image, bits), ".png"
    )


def check_half(maps: Mapping[str, torch.Tensor]) -> None:
    """Raise `InputError` where maps, by name, have values that a half float cannot hold: beyond 65,504."""
    for name, pixels in maps.items():
        largest = float(pixels.abs().max())
        if largest > LARGEST_HALF:
            raise InputError(
                f"The {name} map reaches {largest:.4g}, and half floats end at {LARGEST_HALF:,}: it would become "
                "infinite. Choose EXR float or TIFF float, or bring the map to 0..1."
            )


def with_rounding_noise(image: torch.Tensor) -> torch.Tensor:
    """Add up to half an 8-bit step of uniform noise: the mean stays, and so do whole steps."""
    noise = torch.rand(image.shape, generator=torch.Generator().manual_seed(0)) - 0.5
    return image.cpu() + noise * (0.999 / 255)


def _write_tiff(path: Path, pixels: np.ndarray, compression: str | None) -> None:
    import tifffile

    grey, alpha = pixels.shape[2] == 1, [UNASSOCIATED] if pixels.shape[2] == 4 else None
    tifffile.imwrite(
        path,
        pixels[..., 0] if grey else pixels,
        photometric="minisblack" if grey else "rgb",
        extrasamples=alpha,
        compression=compression,
        predictor=compression is not None,
        metadata=None,
    )


def _write_tga(path: Path, pixels: np.ndarray) -> None:
    from PIL import Image

    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(path, format="TGA", orientation=TOP_LEFT)


def _write_exr(path: Path, image: torch.Tensor, number_type: type[np.floating[Any]], text: Mapping[str, str]) -> None:
    import OpenEXR

    pixels: np.ndarray = image.cpu().movedim(0, -1).numpy().astype(number_type)
    name = {1: "Y", 3: "RGB", 4: "RGBA"}[pixels.shape[2]]
    channels = {name: np.ascontiguousarray(pixels[..., 0] if name == "Y" else pixels)}
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **text}
    OpenEXR.File(header, channels).write(str(path))
