"""One image to one file, in the formats that engines read."""

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from ..common.files import written_whole
from ..common.images import quantise

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
PLAIN, DEFLATE = 1, 8  # the kinds of TIFF that most programs read; few read deflated floats
CLIPPED = {"PNG", "TIFF", "TGA"}  # formats of whole numbers


def write_map(
    path: Path, image: torch.Tensor, file_format: str, bits: int, text: Mapping[str, str], dither: bool = False
) -> None:
    """Write (C, H, W), C being 1, 3 or 4, in one of `FILE_FORMATS`, whole or not at all.

    `bits` a channel, 8 or 16, count for PNG and TIFF: 0..1 is rounded to whole numbers, values outside are clipped.
    TGA has 8 bits, EXR and TIFF float keep every value. `text` is kept in PNG and EXR files. `dither` turns the
    rounding error of 8-bit files into noise that is the same every time.
    """
    bits = 8 if file_format == "TGA" else bits
    if dither and bits == 8 and file_format in CLIPPED:
        image = with_rounding_noise(image)
    with written_whole(path) as unfinished:
        if file_format == "PNG":
            unfinished.write_bytes(_with_png_text(_encode_with_opencv(_whole_numbers(image, bits), ".png"), text))
        elif file_format == "TIFF":
            unfinished.write_bytes(_encode_with_opencv(_whole_numbers(image, bits), ".tiff"))
        elif file_format == "TIFF float":
            unfinished.write_bytes(_encode_with_opencv(image.cpu().movedim(0, -1).numpy(), ".tiff"))
        elif file_format == "TGA":
            unfinished.write_bytes(_tga(_whole_numbers(image, bits)))
        else:
            _write_exr(unfinished, image, np.float16 if file_format == "EXR half" else np.float32, text)


def with_rounding_noise(image: torch.Tensor) -> torch.Tensor:
    """Add up to half an 8-bit step of uniform noise: the mean stays, and so do whole steps."""
    noise = torch.rand(image.shape, generator=torch.Generator().manual_seed(0)) - 0.5
    return image.cpu() + noise * (0.999 / 255)


def linear_from_srgb(image: torch.Tensor) -> torch.Tensor:
    """sRGB values 0..1 as linear light, (C, H, W); a fourth channel is alpha and stays (IEC 61966-2-1)."""
    color = image[:3]
    linear = torch.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055).clamp(min=0) ** 2.4)
    return torch.cat([linear, image[3:]])


def srgb_from_linear(image: torch.Tensor) -> torch.Tensor:
    """Linear light as sRGB values, of any shape (IEC 61966-2-1); light above 1 stays above 1."""
    return torch.where(image <= 0.0031308, image * 12.92, 1.055 * image.clamp(min=0) ** (1 / 2.4) - 0.055)


def _whole_numbers(image: torch.Tensor, bits: int) -> np.ndarray:
    return quantise(image.cpu(), bits).movedim(0, -1).numpy().astype(np.uint8 if bits == 8 else np.uint16)


def _encode_with_opencv(pixels: np.ndarray, suffix: str) -> bytes:
    import cv2

    compression = PLAIN if pixels.dtype == np.float32 else DEFLATE
    options = [cv2.IMWRITE_TIFF_COMPRESSION, compression] if suffix == ".tiff" else []
    encoded, data = cv2.imencode(suffix, np.ascontiguousarray(_blue_first(pixels)), options)
    if not encoded:
        raise OSError(f"OpenCV could not encode an image as {suffix}")
    return data.tobytes()


def _blue_first(pixels: np.ndarray) -> np.ndarray:
    return pixels[..., [2, 1, 0, 3][: pixels.shape[2]]] if pixels.shape[2] > 1 else pixels


def _with_png_text(png: bytes, text: Mapping[str, str]) -> bytes:
    header_end = 8 + 12 + 13  # the signature, and the IHDR chunk with its frame
    chunks = [_png_chunk(b"tEXt", f"{key}\0{value}".encode("latin-1")) for key, value in text.items()]
    return b"".join([png[:header_end], *chunks, png[header_end:]])


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _tga(pixels: np.ndarray) -> bytes:
    height, width, channels = pixels.shape
    kind = 3 if channels == 1 else 2  # uncompressed grey or colour
    top_left, alpha_bits = 0x20, 8 if channels == 4 else 0
    header = struct.pack("<BBB5x4HBB", 0, 0, kind, 0, 0, width, height, 8 * channels, top_left | alpha_bits)
    return header + np.ascontiguousarray(_blue_first(pixels)).tobytes()


def _write_exr(path: Path, image: torch.Tensor, number_type: type, text: Mapping[str, str]) -> None:
    import OpenEXR

    pixels = image.cpu().movedim(0, -1).numpy().astype(number_type)
    name = {1: "Y", 3: "RGB", 4: "RGBA"}[pixels.shape[2]]
    channels = {name: np.ascontiguousarray(pixels[..., 0] if name == "Y" else pixels)}
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **text}
    OpenEXR.File(header, channels).write(str(path))
