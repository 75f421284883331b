"""The header of an image file: format, size, colours and orientation, without decoding pixels."""

import struct
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from .errors import UnreadableImage
from .exr_files import SIGNATURE, ExrHeader, read_exr_header
from .jpeg_tga_headers import remark_on_tga, unread_jpeg
from .png_chunks import NOTES, code_points, other_colors, png_chunks, without_heavy_chunks
from .png_chunks import SIGNATURE as PNG_SIGNATURE
from .tiff_files import SIGNATURES, TiffHeader, read_tiff_header

PILLOW_FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "BMP", "TGA", "TIFF", "GIF", "HEIF", "JXL")
DAMAGED_PROFILE = b"?"  # stands for one that cannot be unpacked
BYTES_PER_VALUE = 6  # at the peak of reading: as stored, in up to 16 bits, and as float32
SHARE_OF_MEMORY = 0.5  # of what is free, for one image: another may be read beside it
_PLUGINS = {"heic": "pillow_heif", "jxl": "pillow_jxl", "avif": "pillow_avif"}
_PACKAGES = {"heic": "pillow-heif", "jxl": "pillow-jxl-plugin", "avif": "pillow-avif-plugin"}
_HEIC = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"heif", b"mif1", b"msf1")
_MOVING = ("GIF", "PNG", "WEBP", "AVIF")  # a phone's JPEG of several pictures holds previews
_ORIENTATION = 274  # the number of the tag in EXIF
_OTHER_KINDS = {
    b"8BPS": "a Photoshop document; export it as PNG or TIFF",
    b"#?RADIANCE": "a Radiance HDR; convert it to EXR",
    b"#?RGBE": "a Radiance HDR; convert it to EXR",
    b"DDS ": "a DDS of a game engine; export it as PNG",
    b"%PDF": "a PDF; export it as PNG",
    b"gimp xcf": "a GIMP document; export it as PNG or TIFF",
    b"PK\3\4": "an archive or a document of Krita; export its image as PNG",
    b"7z\xbc\xaf": "an archive; unpack it",
    b"\xabKTX": "a KTX of a game engine; export it as PNG",
    b"<svg": "an SVG drawing; export it as PNG",
    b"<?xml": "an XML file, such as an SVG drawing; export it as PNG",
    b"\0\0\0\x0cjP": "a JPEG 2000; convert it to PNG or TIFF",
    b"\xffO\xffQ": "a JPEG 2000; convert it to PNG or TIFF",
    b"version https://git-lfs": "a pointer of Git LFS; fetch the file itself with 'git lfs pull'",
    b"<!DOCTYPE": "a web page; download the image again",
    b"<html": "a web page; download the image again",
}


@dataclass(frozen=True)
class Header:
    """width and height are as stored, before `orientation` (EXIF, 1 to 8) is applied.

    profile is the embedded ICC profile, gamma the exponent that a PNG states instead, 0.0 for none. see_through is the
    grey value that is transparent in a PNG of 16 bits, None without one. pictures counts the frames or pages, of which
    the first is read. coded_colors are a PNG's code points (cICP) where they say another thing than sRGB. partial: a
    GIF's first picture leaves a part of its canvas empty. cmyk: its colours are inks. chromaticities are those that a
    PNG states, as `rec709_of_chromaticities` takes them, () for none. remarks tell what is odd about it. exr and tiff
    are what those readers need.
    """

    decoder: str
    width: int
    height: int
    channels: int = 4
    orientation: int = 1
    profile: bytes | None = None
    gamma: float = 0.0
    see_through: int | None = None
    pictures: int = 1
    coded_colors: str = ""
    partial: bool = False
    cmyk: bool = False
    chromaticities: tuple[float, ...] = ()
    remarks: tuple[str, ...] = ()
    exr: ExrHeader | None = None
    tiff: TiffHeader | None = None

    @property
    def upright_size(self) -> tuple[int, int]:
        """(width, height) of the image when it is turned upright."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


def read_header(path: Path, layer: str = "") -> Header:
    """The header of an image file; layer names one of an EXR's. Raises `UnreadableImage` for what is not read."""
    with path.open("rb") as file:
        first = file.read(64)
    if not first:
        raise UnreadableImage(path, "the file is empty")
    if first.startswith(SIGNATURE):
        exr = read_exr_header(path, layer)
        header = Header("exr", exr.width, exr.height, len(exr.layer.planes), exr=exr)
    elif first.startswith(SIGNATURES):
        header = _tiff_header(path)
    else:
        header = _pillow_header(path, first)
    _check_fits_into_memory(path, header)
    return header


@contextmanager
def told_as_unreadable(path: Path) -> Iterator[None]:
    """Turn any error of a decoder into an `UnreadableImage` with a reason that an artist can act on."""
    try:
        yield
    except UnreadableImage:
        raise
    except MemoryError:
        raise UnreadableImage(path, "there is not enough memory for it; make it smaller") from None
    except OSError as error:
        if not (error.strerror and error.errno):
            raise UnreadableImage(path, _damaged(error)) from error
        raise UnreadableImage(path, f"the system says {error.strerror!r}") from error
    except Exception as error:  # decoders raise nearly anything on a damaged file
        raise UnreadableImage(path, _damaged(error)) from error


def _damaged(error: Exception) -> str:
    return f"it is damaged or incomplete ({' '.join(str(error).split()) or type(error).__name__})"


def _check_fits_into_memory(path: Path, header: Header) -> None:
    import psutil

    pixels = header.width * header.height
    if pixels <= 0:
        raise UnreadableImage(path, f"it claims {header.width} × {header.height} pixels: it is damaged")
    available = psutil.virtual_memory().available
    most = int(available * SHARE_OF_MEMORY) // (BYTES_PER_VALUE * max(header.channels, 1))
    if pixels > most:
        raise UnreadableImage(
            path,
            f"it has {header.width} × {header.height} pixels, which exceeds the limit of {most // 10**6} million for "
            f"{available / 2**30:.1f} GB of free memory; make it smaller, or free some",
        )


def _tiff_header(path: Path) -> Header:
    tiff = read_tiff_header(path)
    facts = (tiff.decoder, tiff.width, tiff.height, tiff.channels, tiff.orientation, tiff.profile)
    return Header(*facts, pictures=tiff.pictures, cmyk=tiff.cmyk, remarks=tiff.remarks, tiff=tiff)


def _pillow_header(path: Path, first: bytes) -> Header:
    kind = _needs_plugin(first)
    if kind and not _plugin(kind):
        raise UnreadableImage(
            path,
            f"reading {kind.upper()} needs the Python package {_PACKAGES[kind]}; install it with ComfyUI's Python and "
            "restart ComfyUI, or convert the file to PNG",
        )
    if first[4:8] == b"ftyp" and not kind:
        raise UnreadableImage(path, "it is a video or a camera's raw file; export its picture as PNG or TIFF")
    if other := next((what for start, what in _OTHER_KINDS.items() if first.startswith(start)), ""):
        raise UnreadableImage(path, f"it is {other}")
    with path.open("rb") as file:
        if first.startswith(b"\xff\xd8") and (unread := unread_jpeg(file)):
            raise UnreadableImage(path, f"it is {unread}")
        chunks = png_chunks(file, path)
        coded = other_colors(code_points(file, chunks))
        with _as_pillow_image(without_heavy_chunks(file, chunks), path) as image:
            header = _header_of(image, first, {chunk.kind for chunk in chunks}, coded)
            remark = remark_on_tga(file) if image.format == "TGA" else ""
            return replace(header, remarks=(remark,)) if remark else header


def _header_of(image: Any, first: bytes, chunks: Collection[bytes], coded_colors: str) -> Header:
    """Of Pillow's image of a file that begins with `first`; chunks are the types of a PNG's."""
    is_png = first.startswith(PNG_SIGNATURE)
    orientation = 1 if is_png and not NOTES & set(chunks) else image.getexif().get(_ORIENTATION, 1)
    profile, gamma, primaries = image.info.get("icc_profile"), 0.0, ()
    if b"iCCP" in chunks and not profile:
        profile = DAMAGED_PROFILE
    if is_png and not profile and "srgb" not in image.info:
        gamma = float(image.info.get("gamma", 0.0))
        white_first = image.info.get("chromaticity", ())
        primaries = (*white_first[2:], *white_first[:2])
    has_alpha = "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "RGBa", "La")
    channels = 4 if has_alpha else 1 if image.mode in ("1", "L", "I", "I;16") else 3
    width, height = image.size
    return Header(
        "png16" if is_png and first[24] == 16 else "pillow",
        width,
        height,
        channels,
        orientation,
        profile,
        gamma,
        see_through=image.info.get("transparency") if channels == 4 and image.mode.startswith("I") else None,
        pictures=getattr(image, "n_frames", 1) if image.format in _MOVING else 1,
        coded_colors=coded_colors,
        partial=image.format == "GIF" and any(tile[1] != (0, 0, width, height) for tile in image.tile),
        cmyk=image.mode == "CMYK",
        chromaticities=primaries,
    )


@contextmanager
def open_with_pillow(path: Path) -> Iterator[Any]:
    """The file as Pillow's image, by its content. Pillow's own `open` refuses images beyond a size that no memory has
    set: here the size is checked against the memory that is free."""
    with path.open("rb") as file, _as_pillow_image(without_heavy_chunks(file, png_chunks(file, path)), path) as image:
        yield image


@contextmanager
def _as_pillow_image(file: BinaryIO, path: Path) -> Iterator[Any]:
    from PIL import Image

    Image.preinit()
    image = _opened(file, path.name)
    if image is None:
        Image.init()  # Pillow's other forty formats, which take 8 MB and are seldom needed
        image = _opened(file, path.name)
    if image is None:
        raise UnreadableImage(path, "it is not an image of a known format")
    with image:
        yield image


def _opened(file: BinaryIO, name: str) -> Any:
    """Pillow's image of a file in one of the formats that it has loaded, else None."""
    from PIL import Image

    file.seek(0)
    start = file.read(16)
    for format in PILLOW_FORMATS:
        factory, accepts = Image.OPEN.get(format, (None, None))
        if factory and (accepts is None or accepts(start) is True):
            file.seek(0)
            try:
                return factory(file, name)
            except (SyntaxError, IndexError, TypeError, struct.error):
                if accepts is not None:
                    raise
                # TGA has no signature: whatever is no image comes by here
    return None


def _needs_plugin(first: bytes) -> str:
    """Which kind of image this is, of those that Pillow reads by a library of their own; "" for others."""
    if first.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL ")):
        return "jxl"
    if first[4:8] == b"ftyp":
        return "avif" if first[8:12] in (b"avif", b"avis") else "heic" if first[8:12] in _HEIC else ""
    return ""


def _plugin(kind: str) -> bool:
    """Whether Pillow reads the kind, by itself or with a plugin that is installed."""
    import importlib

    from PIL import features

    if kind == "avif" and features.check("avif"):
        return True
    try:
        plugin = importlib.import_module(_PLUGINS[kind])
    except ImportError:
        return False
    if kind == "heic":
        plugin.register_heif_opener()
    return True
