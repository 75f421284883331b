"""Over 250 damaged, odd and harmful files in one folder: each is used, or named with a reason, and nothing breaks."""

import io
import os
import re

import cv2
import folder_paths
import numpy as np
import pytest
import tifffile
from PIL import Image
from tilewright.nodes.captions.from_parameters import CaptionFromParameters
from tilewright.nodes.dataset.clean import CleanDataset
from tilewright.nodes.dataset.load import LoadDataset

pytestmark = pytest.mark.slow

RANDOM = np.random.default_rng(11)
PIXELS = RANDOM.integers(0, 256, (32, 32, 3), dtype=np.uint8)


def encoded(format, **options):
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, format, **options)
    return file.getvalue()


def deep_tiff():
    file = io.BytesIO()
    tifffile.imwrite(file, PIXELS.astype(np.uint16) * 257, compression="zlib")
    return file.getvalue()


WHOLE = {
    ".png": encoded("PNG"),
    "16.png": cv2.imencode(".png", PIXELS.astype(np.uint16) * 257)[1].tobytes(),
    ".jpg": encoded("JPEG"),
    ".webp": encoded("WEBP"),
    ".bmp": encoded("BMP"),
    ".tga": encoded("TGA"),
    ".gif": encoded("GIF"),
    "8.tif": encoded("TIFF"),
    "16.tif": deep_tiff(),
    ".exr": b"\x76\x2f\x31\x01\x02\0\0\0" + bytes(64),
}


def damages(content):
    """Name and content of files that went wrong on the way."""
    yield "whole", content
    yield "empty", b""
    yield "one byte", content[:1]
    for part in (0.02, 0.1, 0.3, 0.6, 0.9, 0.99):
        yield f"cut at {part}", content[: int(len(content) * part)]
    for number in range(8):
        flipped = bytearray(content)
        for position in RANDOM.integers(0, len(content), 1 + 3 * number):
            flipped[position] ^= RANDOM.integers(1, 256)
        yield f"flipped {number}", bytes(flipped)
    header = bytearray(content)
    header[8:40] = RANDOM.bytes(32)
    yield "header of noise", bytes(header)
    yield "noise", RANDOM.bytes(500)
    yield "doubled", content + content
    yield "zeros", bytes(len(content))
    yield "text", b"<html><body>404 Not Found</body></html>"
    yield "png signature", WHOLE[".png"][:16] + content[16:]


ODD_NAMES = [
    "Ünïcödé 煉瓦.png",
    " leading space.png",
    "a.b.c..png",
    "UPPER.PNG",
    "emoji 🧱.png",
    "%s{0}$(x).png",
    "-rf.png",
]
ODD_MODES = ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "F", "YCbCr", "LAB", "HSV"]


def odd_files(folder):
    for name in ODD_NAMES:
        (folder / name).write_bytes(WHOLE[".png"])
    for mode in ODD_MODES:
        source = (
            Image.new(mode, (8, 8)) if mode in ("I;16", "F", "LAB", "LA") else Image.fromarray(PIXELS).convert(mode)
        )
        suffix = "png" if mode in ("1", "L", "LA", "P", "RGBA", "I;16") else "tif" if mode != "HSV" else "png"
        (source.convert("RGB") if mode == "HSV" else source).save(folder / f"mode {mode.replace(';', '')}.{suffix}")
    Image.new("RGB", (1, 1)).save(folder / "pixel.png")
    Image.new("RGB", (5000, 1)).save(folder / "strip.png")
    os.symlink(folder / "nowhere.png", folder / "dangling.png")
    os.symlink(folder, folder / "loop")
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.png")  # who reads it waits for ever
    (folder / "folder.png").mkdir()
    (folder / "no ending").write_bytes(WHOLE[".png"])
    (folder / "script.svg").write_text("<svg onload='x'/>")
    (folder / "metadata.jsonl").write_bytes(b'{"file_name": "../../etc/passwd", "text": "x"}\n[[[[\n\xff')
    (folder / "manifest.json").write_text('{"format": "tilewright-manifest", "version": 99, "materials": 3}')
    (folder / "UPPER.txt").write_bytes(RANDOM.bytes(100))


@pytest.fixture(scope="module")
def harm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("input") / "harm"
    folder.mkdir()
    for ending, content in WHOLE.items():
        for name, damaged in damages(content):
            (folder / f"{ending.replace('.', '')} {name} {ending}").write_bytes(damaged)
    odd_files(folder)
    return folder


def reported(report):
    """The file names in the lines "reason: name, name" of a report."""
    return {name for line in report.splitlines() for name in re.split(r": |, ", line)[1:]}


def test_every_file_is_used_or_named_with_a_reason(harm, monkeypatch):
    monkeypatch.setattr(folder_paths, "input_directory", str(harm.parent))
    files = {path.name for path in harm.iterdir() if path.is_symlink() or not path.is_dir()}
    assert len(files) > 200
    dataset, images, captions, report = LoadDataset.execute("harm", "any", image_limit=1000)
    used = {sample.file.name for sample in dataset.samples}
    assert len(images) == len(captions) == len(used)
    companions = {name for name in files if name.endswith((".txt", ".json", ".jsonl"))}
    assert files - used - reported(report) - companions == set()
    assert {name for name in companions if name not in report} == set()
    assert {f"{ending.replace('.', '')} whole {ending}" for ending in WHOLE if ending != ".exr"} <= used
    assert set(ODD_NAMES) <= used

    kept, rejected, clean_report = CleanDataset.execute(dataset, 8, True, "mark")
    assert len(kept) + len(rejected) == len(dataset)
    assert {sample.file.name for sample in rejected.samples} <= reported(clean_report)
    assert len(CaptionFromParameters.execute(kept)[0]) == len(kept)
