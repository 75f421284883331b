"""Two thousand damaged and odd files: each is read, or named with its reason, in memory that stays small."""

import cv2
import numpy as np
import OpenEXR
import pytest
import tifffile
from peak_memory import peak_bytes
from PIL import Image
from tilewright.common.caption_files import UnreadableCaption, read_text
from tilewright.common.errors import InputError, UnreadableImage
from tilewright.common.images import image_size
from tilewright.common.manifest import MANIFEST_NAME, read_manifest
from tilewright.common.map_files import read_map_with_notes
from tilewright.dataset.caption_lookup import parse_metadata

pytestmark = pytest.mark.slow

PIXELS = np.random.default_rng(1).integers(0, 256, (24, 32, 3), dtype=np.uint8)
EXR = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
ROUNDS = 100


def as_exr(path, compression="ZIP"):
    header = EXR | {"compression": getattr(OpenEXR, f"{compression}_COMPRESSION")}
    OpenEXR.File(header, {"RGB": PIXELS.astype(np.float32)}).write(str(path))


def as_pillow(path, **options):
    Image.fromarray(PIXELS).save(path, **options)


WRITERS = {
    "png": as_pillow,
    "jpg": as_pillow,
    "webp": as_pillow,
    "gif": as_pillow,
    "bmp": as_pillow,
    "tga": as_pillow,
    "16.png": lambda path: cv2.imwrite(str(path), PIXELS.astype(np.uint16) * 257),
    "exr": as_exr,
    "piz.exr": lambda path: as_exr(path, "PIZ"),
    "dwaa.exr": lambda path: as_exr(path, "DWAA"),
    "8.tif": lambda path: as_pillow(path, compression="tiff_lzw"),
    "plain.tif": lambda path: tifffile.imwrite(path, PIXELS.astype(np.uint16), photometric="rgb"),
    "zip.tif": lambda path: tifffile.imwrite(path, PIXELS.astype(np.float32), photometric="rgb", compression="zlib"),
    "planar.tif": lambda path: tifffile.imwrite(
        path, np.moveaxis(PIXELS, -1, 0).copy(), photometric="rgb", planarconfig="separate"
    ),
    "lzw.tif": lambda path: cv2.imwrite(str(path), PIXELS.astype(np.uint16), [cv2.IMWRITE_TIFF_COMPRESSION, 5]),
}


def damaged(data, random):
    """Cut short, bytes changed, a piece doubled, left out or filled, or the header of one kind on the rest of it."""
    data = bytearray(data)
    kind = random.integers(6)
    first, second = sorted(random.integers(0, len(data), 2))
    if kind == 0:
        return bytes(data[:first])
    if kind in (1, 2):  # near the beginning, where it hurts
        for place in random.integers(0, len(data) if kind == 1 else min(400, len(data)), 1 + random.integers(8)):
            data[place] = random.integers(256)
        return bytes(data)
    if kind == 3:
        return bytes(data[:first] + data[second:])
    if kind == 4:
        return bytes(data[:second] + data[first:])
    data[first:second] = bytes([random.choice([0, 255])]) * (second - first)
    return bytes(data)


@pytest.mark.parametrize("ending", WRITERS)
def test_damaged_images_are_read_or_named(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    WRITERS[ending](path)
    whole, random = path.read_bytes(), np.random.default_rng(2)
    before = peak_bytes()
    for _ in range(ROUNDS):
        path.write_bytes(damaged(whole, random))
        for read in (image_size, lambda path: read_map_with_notes(path, "basecolor")):
            try:
                read(path)
            except UnreadableImage as error:
                assert error.reason
                assert "Traceback" not in error.reason
    assert peak_bytes() - before < 2**30


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "windows-1252", "shift_jis"])
def test_damaged_captions_are_read_or_named(tmp_path, encoding):
    whole, random = ("brick wall, worn " * 5).encode(encoding), np.random.default_rng(3)
    for _ in range(ROUNDS):
        (tmp_path / "a.txt").write_bytes(damaged(whole, random))
        try:
            assert "\0" not in read_text(tmp_path / "a.txt", encoding)
        except UnreadableCaption as error:
            assert error.reason


def test_damaged_manifests_and_metadata_are_read_or_named(tmp_path):
    random = np.random.default_rng(4)
    record = b'{"name": "a", "category": "", "label": "", "seed": 1, "tileable": true, "maps": {"height": "a.png"}, '
    record += b'"parameters": {}}'
    whole = b'{"format": "tilewright-manifest", "version": 1, "generator": {}, "materials": [' + record + b"]}"
    line = b'{"file_name": "a.png", "text": "brick"}\n{"file_name": "b.png", "text": null}\n'
    for _ in range(ROUNDS):
        (tmp_path / MANIFEST_NAME).write_bytes(damaged(whole, random))
        try:
            read_manifest(tmp_path)
        except InputError as error:
            assert MANIFEST_NAME in str(error) or "manifest" in str(error)
        parsed = parse_metadata(damaged(line, random).decode(errors="replace"))
        assert all(isinstance(entry["text"], str) for entry in parsed.entries.values())
