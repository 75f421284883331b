"""Image files to tensors and back, at the precision of the file."""

import io
import os
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import torch

from .errors import InputError
from .files import written_whole

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".avif", ".bmp", ".tga", ".tif", ".tiff", ".exr", ".gif"}
MAX_PIXELS = 178_956_970  # Pillow's own limit: a header that claims more is damaged or means harm
_PILLOW_FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "BMP", "TGA", "TIFF", "GIF")
NO_TEXT: Mapping[str, str] = MappingProxyType({})
_EXR = b"\x76\x2f\x31\x01"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PNG_NOTES = {b"eXIf", b"tEXt", b"zTXt", b"iTXt"}  # where a PNG may say which way is up
_WIDTH, _HEIGHT, _BITS, _ORIENTATION = 256, 257, 258, 274  # the numbers of tags in TIFF and EXIF


class UnreadableImage(InputError):
    """A file that is not an image or is damaged. `reason` says how, without the file's name."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path.name} cannot be read as an image: {reason}.")
        self.reason = reason


def read_image(path: Path) -> torch.Tensor:
    """The first picture of an image file as (C, H, W) float32, upright; C is 1, 3 or 4 (grey with alpha becomes 4).

    Integers are scaled so that their largest value is 1, floats (EXR, TIFF) stay as they are, and no gamma or
    profile is applied, so 8, 16 and 32 bits a channel come back exactly. Only CMYK is converted, by its embedded
    profile where it has one. Raises `UnreadableImage`.
    """
    with _told_as_unreadable(path):
        header = _read_header(path)
        if header.decoder == "exr":
            return _decode_exr(path)
        if header.decoder == "png16":
            return _upright(_decode_with_opencv(path), header.orientation)
        if header.decoder == "deep tiff":
            return _decode_with_opencv(path)  # which turns TIFFs upright, and PNGs not
        return _decode_with_pillow(path)


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) of the upright image, from the file's header alone. Raises `UnreadableImage`."""
    with _told_as_unreadable(path):
        header = _read_header(path)
        return (header.height, header.width) if header.orientation >= 5 else (header.width, header.height)


def image_dpi(path: Path) -> float:
    """Dots per inch that the file states, the smaller of both axes; 0 without. Raises `UnreadableImage`."""
    from PIL import Image

    with _told_as_unreadable(path):
        if _read_header(path).decoder in ("exr", "deep tiff"):
            return 0.0
        with Image.open(path, formats=_PILLOW_FORMATS) as image:
            return float(min(image.info.get("dpi", (0,))))


def composite(image: torch.Tensor, background: tuple[float, float, float]) -> torch.Tensor:
    """(C, H, W) with 1, 3 or 4 channels -> (3, H, W): alpha laid over `background` (0..1), grey repeated.

    What lies hidden under a transparent pixel does not show through.
    """
    if image.shape[0] < 4:
        return image.expand(3, -1, -1)
    alpha = image[3:]
    return image[:3] * alpha + torch.tensor(background).view(3, 1, 1) * (1 - alpha)


def quantise(image: torch.Tensor, bits: int) -> torch.Tensor:
    """Round 0..1 floats to the integers of an unsigned `bits`-bit channel, as int32. Values outside are clipped."""
    return (image.clamp(0, 1) * (2**bits - 1)).round().int()


def whole_numbers(image: torch.Tensor, bits: int) -> np.ndarray:
    """(C, H, W) in 0..1 as (H, W, C) of the integers of an unsigned 8- or 16-bit channel, rounded and clipped."""
    return quantise(image.cpu(), bits).movedim(0, -1).numpy().astype(np.uint8 if bits == 8 else np.uint16)


def write_png(path: Path, image: torch.Tensor, bits: int = 8, text: Mapping[str, str] = NO_TEXT) -> None:
    """Write (C, H, W) in 0..1, C being 1, 3 or 4, as a PNG of 8 or 16 bits a channel, rounded, whole or not at all.

    `text` is kept in it by keyword, as ComfyUI keeps workflows.
    """
    png = encode_with_opencv(whole_numbers(image, bits), ".png")
    header_end = 8 + 12 + 13  # the signature, and the IHDR chunk with its frame
    chunks = [_png_chunk(b"tEXt", f"{key}\0{value}".encode("latin-1")) for key, value in text.items()]
    with written_whole(path) as unfinished:
        unfinished.write_bytes(b"".join([png[:header_end], *chunks, png[header_end:]]))


def encode_with_opencv(pixels: np.ndarray, suffix: str, options: Sequence[int] = ()) -> bytes:
    """The bytes of an image file of pixels (H, W, C) in the order R, G, B, A. OpenCV's own writing fails on non-ASCII
    paths on Windows."""
    import cv2

    encoded, data = cv2.imencode(suffix, blue_first(pixels), options)
    if not encoded:
        raise OSError(f"OpenCV could not encode an image as {suffix}")
    return data.tobytes()


def blue_first(pixels: np.ndarray) -> np.ndarray:
    """(H, W, C) with the order of its colours turned round: R, G, B, A to B, G, R, A and back."""
    colors = [2, 1, 0, 3][: pixels.shape[2]] if pixels.shape[2] > 1 else [0]
    return np.ascontiguousarray(pixels[..., colors])


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@contextmanager
def _told_as_unreadable(path: Path) -> Iterator[None]:
    try:
        yield
    except UnreadableImage:
        raise
    except Exception as error:  # decoders raise nearly anything on a damaged file
        raise UnreadableImage(path, _reason(path, error)) from error


def _reason(path: Path, error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"the system says {error.strerror!r}"
    if path.stat().st_size == 0:
        return "the file is empty"
    if type(error).__name__ == "UnidentifiedImageError":
        return "it is not an image of a known format"
    return f"it is damaged or incomplete ({' '.join(str(error).split()) or type(error).__name__})"


class _Header(NamedTuple):
    """What must be known before decoding. width and height are as stored, before `orientation` is applied."""

    decoder: str
    width: int
    height: int
    orientation: int = 1


def _read_header(path: Path) -> _Header:
    with path.open("rb") as file:
        first = file.read(26)
    if first.startswith(_EXR):
        header = _Header("exr", *_exr_size(path))
    elif first.startswith(_TIFF):
        header = _tiff_header(path)
    else:
        is_png_16 = first.startswith(b"\x89PNG") and first[24] == 16
        header = _pillow_header(path, "png16" if is_png_16 else "pillow")
    if not 0 < header.width * header.height <= MAX_PIXELS:
        raise UnreadableImage(path, f"it claims {header.width} × {header.height} pixels, more than Tilewright reads")
    return header


def _pillow_header(path: Path, decoder: str) -> _Header:
    from PIL import Image

    with Image.open(path, formats=_PILLOW_FORMATS) as image:
        plain = image.format == "PNG" and not _PNG_NOTES & _png_chunks(path)
        return _Header(decoder, *image.size, 1 if plain else image.getexif().get(_ORIENTATION, 1))


def _png_chunks(path: Path) -> set[bytes]:
    """The types of a PNG's chunks. Pillow would decode all pixels to find that no EXIF follows them."""
    kinds = set()
    with path.open("rb") as file:
        file.seek(8)
        while len(start := file.read(8)) == 8:
            kinds.add(start[4:])
            file.seek(int.from_bytes(start[:4], "big") + 4, os.SEEK_CUR)
    return kinds


def _tiff_header(path: Path) -> _Header:
    tags = _tiff_tags(path)
    decoder = "deep tiff" if max(tags.get(_BITS, (1,))) > 8 else "pillow"
    return _Header(decoder, tags[_WIDTH], tags[_HEIGHT], tags.get(_ORIENTATION, 1))


def _tiff_tags(path: Path) -> dict:
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    with path.open("rb") as file:
        start = file.read(8)
        directory = ImageFileDirectory_v2(start + file.read(8) if start[2] == 43 or start[3] == 43 else start)
        file.seek(directory.next)
        directory.load(file)
        return dict(directory)


def _exr_size(path: Path) -> tuple[int, int]:
    """From the display window: attributes are name, type, length and value, name and type ending with a zero byte."""
    with path.open("rb") as file:
        header = io.BytesIO(file.read(65536))
    header.seek(8)
    while name := _zero_ended(header):
        _zero_ended(header)
        value = header.read(struct.unpack("<i", header.read(4))[0])
        if name == b"displayWindow":
            left, top, right, bottom = struct.unpack("<4i", value)
            return right - left + 1, bottom - top + 1
    raise ValueError("its header has no display window")


def _zero_ended(header: io.BytesIO) -> bytes:
    return b"".join(iter(lambda: header.read(1).strip(b"\0"), b""))


def _decode_exr(path: Path) -> torch.Tensor:
    import av

    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    half = "16" in frame.format.name
    planes = [
        np.frombuffer(plane, np.float16 if half else np.float32).reshape(frame.height, -1)[:, : frame.width]
        for plane in frame.planes
    ]
    if len(planes) >= 3:
        planes = [planes[2], planes[0], planes[1], *planes[3:]]  # FFmpeg keeps them as G, B, R, A
    return torch.from_numpy(np.stack(planes).astype(np.float32))


def _decode_with_opencv(path: Path) -> torch.Tensor:
    import cv2

    pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)  # cv2.imread fails on non-ASCII paths
    if pixels is None:
        raise ValueError("OpenCV cannot decode it")
    if pixels.ndim == 3:
        pixels = blue_first(pixels)
    return _to_chw(pixels)


def _decode_with_pillow(path: Path) -> torch.Tensor:
    from PIL import Image, ImageOps

    with Image.open(path, formats=_PILLOW_FORMATS) as image:
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        return _to_chw(np.asarray(_grey_or_rgb(image)))


def _grey_or_rgb(image: "Image.Image") -> "Image.Image":  # noqa: F821
    """Any 8-bit mode of Pillow as L, RGB or RGBA."""
    from PIL import ImageCms

    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        return image.convert("RGBA")
    if image.mode in ("1", "L"):
        return image.convert("L")
    if image.mode == "CMYK" and image.info.get("icc_profile"):
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        return ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    return image.convert("RGB")


def _to_chw(pixels: np.ndarray) -> torch.Tensor:
    """(H, W) or (H, W, C) of any number type -> (C, H, W) float32."""
    full_scale = np.iinfo(pixels.dtype).max if pixels.dtype.kind in "ui" else 1
    planes = pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
    return torch.from_numpy(planes.astype(np.float32, order="C")).div_(full_scale)  # in place: a copy takes as long


def _upright(image: torch.Tensor, orientation: int) -> torch.Tensor:
    """Apply an EXIF orientation: 2 to 4 flip or turn by 180°, 5 to 8 turn by 90° (and flip)."""
    turns = {3: 2, 4: 2, 5: -1, 6: -1, 7: 1, 8: 1}.get(orientation, 0)
    turned = torch.rot90(image, turns, (-2, -1))
    return turned.flip(-1) if orientation in (2, 4, 5, 7) else turned
