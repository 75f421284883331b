"""TIFF files: what a page holds, and its pixels as grey or RGB, with alpha where the file declares it."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .errors import UnreadableImage
from .tiff_segments import is_unpacked_here, is_zstd, unpacked_pixels, zstd

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_ORIENTATION, _PROFILE, _NODATA = 274, 34675, 42113
_PLAIN = ("MINISBLACK", "MINISWHITE", "RGB", "PALETTE")  # what is read here; Pillow reads 8-bit CMYK and YCbCr
_PILLOW_8_BIT = ("SEPARATED", "YCBCR")
_PILLOW_COMPRESSIONS = (1, 2, 3, 4, 5, 6, 7, 8, 32771, 32773, 32809, 32946)  # CCITT, LZW, JPEG, Deflate, PackBits
_OLD_JPEG, _JPEG = 6, 7


class TiffHeader(NamedTuple):
    """What is known of the first picture before its pixels are read. decoder is "tifffile", "opencv" or "pillow",
    pictures how many pages are no previews; remarks tell what is odd about the first."""

    width: int
    height: int
    decoder: str
    orientation: int
    profile: bytes | None
    channels: int
    white_is_zero: bool
    pictures: int = 1
    cmyk: bool = False
    remarks: tuple[str, ...] = ()


def read_tiff_header(path: Path) -> TiffHeader:
    """Of the first picture that is no preview. Raises `UnreadableImage` for what is not read, with what to do."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        page = _first_picture(file)
        tags = page.tags
        orientation = int(tags[_ORIENTATION].value) if _ORIENTATION in tags else 1
        profile = bytes(tags[_PROFILE].value) if _PROFILE in tags else None
        return TiffHeader(
            page.imagewidth,
            page.imagelength,
            _decoder(path, page),
            orientation if 1 <= orientation <= 8 else 1,
            profile,
            min(page.samplesperpixel, 4),
            page.photometric == tifffile.PHOTOMETRIC.MINISWHITE,
            max(sum(not one.is_reduced for one in file.pages), 1),
            page.photometric == tifffile.PHOTOMETRIC.SEPARATED,
            _remarks(page),
        )


def read_tiff(path: Path) -> np.ndarray:
    """The first picture as (H, W) or (H, W, C), C being 3 or 4, in the number type of the file.

    Premultiplied colours are divided by their alpha. Samples that the file gives no meaning are left out.
    """
    import tifffile

    with tifffile.TiffFile(path) as file:
        page = _first_picture(file)
        _check_is_whole(path, page, file.filehandle.size)
        bits = page.bitspersample
        pixels = unpacked_pixels(file, page) if is_unpacked_here(page) else page.asarray()
        if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and pixels.ndim == 3:
            pixels = np.moveaxis(pixels, 0, -1)
        if page.photometric == tifffile.PHOTOMETRIC.PALETTE:
            colors = page.colormap.astype(np.uint16)  # which some programs write in larger numbers
            colors = colors if (colors & 255).any() else (colors >> 8).astype(np.uint8)  # others only the upper bytes
            return np.moveaxis(colors[:, pixels], 0, -1)
        pixels = _full_range(pixels, bits)
        colors = 3 if page.photometric == tifffile.PHOTOMETRIC.RGB else 1
        extra = [kind.name for kind in page.extrasamples]
        return _grey_or_rgb(pixels, colors, extra, page.photometric == tifffile.PHOTOMETRIC.MINISWHITE)


def _remarks(page: Any) -> tuple[str, ...]:
    remarks = []
    if _NODATA in page.tags:
        value = str(page.tags[_NODATA].value).strip("\0 ")
        remarks.append(f"pixels of {value} hold no data, as the file says (GDAL), taken as they are")
    extra = [kind.name for kind in page.extrasamples]
    alphas = sum(kind in ("ASSOCALPHA", "UNASSALPHA") for kind in extra)
    if unused := len(extra) - min(alphas, 1):
        remarks.append(f"{unused} more channels without a meaning, passed over" if unused > 1
                       else "one more channel without a meaning, passed over")  # fmt: skip
    return tuple(remarks)


def _first_picture(file: Any) -> Any:
    """The first page that is not a smaller copy of another."""
    if not len(file.pages):
        raise ValueError("it holds no picture")
    return next((page for page in file.pages if not page.is_reduced), file.pages.first)


def _decoder(path: Path, page: Any) -> str:
    import tifffile

    kind = getattr(page.photometric, "name", str(page.photometric))
    deep = page.bitspersample > 8
    if page.imagedepth > 1 or not page.imagewidth or not page.imagelength:
        raise UnreadableImage(path, "it holds a volume, not a picture; export one slice")
    if page.dtype is not None and page.dtype.kind == "c":
        raise UnreadableImage(path, "it holds complex numbers, which are no picture; export their magnitude")
    if kind == "SEPARATED" and deep:
        raise UnreadableImage(path, "its colours are CMYK in more than 8 bits; convert it to RGB")
    if kind == "YCBCR" and deep:
        raise UnreadableImage(path, "its colours are YCbCr in more than 8 bits; convert it to RGB")
    if kind == "MINISWHITE" and page.dtype is not None and page.dtype.kind not in "ub":
        raise UnreadableImage(
            path,
            "its white is 0 in numbers with a sign or a point, which programs read differently; save black as 0",
        )
    if _has_odd_bits(page):
        raise UnreadableImage(path, f"its numbers have {page.bitspersample} bits; save it with 8 or 16")
    if kind not in (*_PLAIN, *_PILLOW_8_BIT):
        raise UnreadableImage(path, f"its colours are {kind}; convert it to RGB or grey")
    if page.compression == _OLD_JPEG and page.samplesperpixel == 1:
        raise UnreadableImage(path, "its grey is compressed with the first JPEG of TIFF; save it with Deflate")
    if page.compression in _PILLOW_COMPRESSIONS and (kind in _PILLOW_8_BIT or page.compression == _JPEG):
        return "pillow"
    if kind in _PILLOW_8_BIT:
        raise UnreadableImage(path, f"its {kind} colours have {_compression(page)} compression; convert it to RGB")
    if _tifffile_decodes(page):
        return "tifffile"
    if not deep and page.compression in _PILLOW_COMPRESSIONS:
        return "pillow"
    simple = page.planarconfig == tifffile.PLANARCONFIG.CONTIG and kind != "PALETTE"
    plain = [extra.name for extra in page.extrasamples] in ([], ["UNASSALPHA"]) and page.samplesperpixel != 2
    if simple and plain and page.dtype in (np.uint16, np.float32, np.float64):
        return "opencv"
    raise UnreadableImage(path, _needs_codec(page))


def _has_odd_bits(page: Any) -> bool:
    """Whether its numbers have so many bits that they mean different things to different programs."""
    bits = page.bitspersample
    return (bits > 16 and bits not in (32, 64)) or (bits % 8 > 0 and page.predictor != 1)


def _tifffile_decodes(page: Any) -> bool:
    import tifffile

    try:
        tifffile.TIFF.UNPREDICTORS[page.predictor]
        if not is_zstd(page):
            tifffile.TIFF.DECOMPRESSORS[page.compression]
    except (KeyError, ImportError):  # which names the package that it lacks
        return False
    return page.dtype is not None and not (is_zstd(page) and zstd() is None)


def _compression(page: Any) -> str:
    return getattr(page.compression, "name", str(page.compression))


def _needs_codec(page: Any) -> str:
    import tifffile

    remedy = "save the file without compression or with Deflate"
    try:
        tifffile.TIFF.DECOMPRESSORS[page.compression]
    except KeyError as error:
        if "imagecodecs" not in str(error):
            return f"nothing here reads its {_compression(page)} compression; {remedy}"
    return (
        f"reading TIFFs of this kind ({_compression(page)} compression) needs the Python package imagecodecs; install "
        f"it with ComfyUI's Python, or {remedy}"
    )


def _check_is_whole(path: Path, page: Any, size: int) -> None:
    ends = [offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False)]
    if not ends or max(ends) > size or min(page.databytecounts) == 0:
        raise UnreadableImage(path, "it is damaged or incomplete: some of its pixels are missing; copy it again")


def _full_range(pixels: np.ndarray, bits: int) -> np.ndarray:
    """Numbers of 1, 2, 4, 10, 12 and 14 bits, which come in the next larger type, over that type's range."""
    if pixels.dtype.kind == "b":
        return pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype.kind != "u" or bits == 8 * pixels.dtype.itemsize:
        return pixels
    largest = np.iinfo(pixels.dtype).max
    return np.round(pixels * (largest / (2**bits - 1))).astype(pixels.dtype)


def _grey_or_rgb(pixels: np.ndarray, colors: int, extra: list[str], white_is_zero: bool) -> np.ndarray:
    samples = pixels[..., None] if pixels.ndim == 2 else pixels
    picture = samples[..., :colors]
    if white_is_zero and samples.dtype.kind == "u":
        picture = np.iinfo(samples.dtype).max - picture
    alpha_place = next((number for number, kind in enumerate(extra) if kind in ("ASSOCALPHA", "UNASSALPHA")), None)
    if alpha_place is None:
        return picture[..., 0] if colors == 1 else picture
    alpha = samples[..., colors + alpha_place, None]
    if extra[alpha_place] == "ASSOCALPHA":
        picture = _straight(picture, alpha)
    return np.concatenate([np.broadcast_to(picture, (*picture.shape[:2], 3)), alpha], axis=-1)


def _straight(picture: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Colours without the alpha that they were multiplied by; where it is 0 they stay as they are."""
    largest = np.iinfo(picture.dtype).max if picture.dtype.kind == "u" else 1
    divided: np.ndarray = picture / np.where(alpha > 0, alpha, largest) * largest
    if picture.dtype.kind == "u":
        divided = np.round(np.minimum(divided, largest))
    return divided.astype(picture.dtype)
