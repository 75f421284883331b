"""Every file format read back, bit by bit, by a library that did not write it."""

import json

import av
import numpy as np
import OpenEXR
import pytest
import tifffile
import torch
from PIL import Image
from tilewright.material.map_writers import write_map

TEXT = {"workflow": json.dumps({"nodes": ["Ä"]})}


@pytest.fixture(params=[1, 3, 4], ids=["grey", "rgb", "rgba"])
def image(request):
    return torch.rand(request.param, 7, 13, generator=torch.Generator().manual_seed(1)) * 1.2 - 0.1


def whole_numbers(image, bits):
    """What must be in the file: rounded, clipped, (H, W) or (H, W, C)."""
    pixels = (image.clamp(0, 1) * (2**bits - 1)).round().movedim(0, -1).numpy()
    return pixels.astype(np.uint8 if bits == 8 else np.uint16).squeeze()


def test_png_8(image, tmp_path):
    write_map(tmp_path / "m.png", image, "PNG", 8, TEXT)
    with Image.open(tmp_path / "m.png") as found:
        assert np.array_equal(np.asarray(found), whole_numbers(image, 8))
        assert json.loads(found.text["workflow"]) == {"nodes": ["Ä"]}


def test_png_16(image, tmp_path):
    write_map(tmp_path / "m.png", image, "PNG", 16, {})
    with av.open(str(tmp_path / "m.png")) as container:
        frame = next(container.decode(video=0))
    assert frame.format.name == {1: "gray16be", 3: "rgb48be", 4: "rgba64be"}[len(image)]
    assert np.array_equal(frame.to_ndarray(), whole_numbers(image, 16))


@pytest.mark.parametrize("bits", [8, 16])
def test_tiff(image, bits, tmp_path):
    write_map(tmp_path / "m.tif", image, "TIFF", bits, {})
    assert np.array_equal(tifffile.imread(tmp_path / "m.tif"), whole_numbers(image, bits))


def test_tiff_float_keeps_every_value(image, tmp_path):
    write_map(tmp_path / "m.tif", image, "TIFF float", 16, {})
    assert np.array_equal(tifffile.imread(tmp_path / "m.tif"), image.movedim(0, -1).numpy().squeeze())


def test_tga(image, tmp_path):
    write_map(tmp_path / "m.tga", image, "TGA", 16, {})
    with Image.open(tmp_path / "m.tga") as found:
        assert found.mode == {1: "L", 3: "RGB", 4: "RGBA"}[len(image)]
        assert np.array_equal(np.asarray(found), whole_numbers(image, 8))


@pytest.mark.parametrize(("file_format", "number_type"), [("EXR half", np.float16), ("EXR float", np.float32)])
def test_exr_keeps_every_value(image, file_format, number_type, tmp_path):
    """Read by FFmpeg, not by OpenEXR. FFmpeg keeps colours as planes in the order G, B, R, A."""
    write_map(tmp_path / "m.exr", image, file_format, 16, TEXT)
    with av.open(str(tmp_path / "m.exr")) as container:
        frame = next(container.decode(video=0))
    found = np.stack([np.frombuffer(plane, number_type).reshape(7, -1)[:, :13] for plane in frame.planes])
    order = [0] if len(image) == 1 else [2, 0, 1, 3][: len(image)]
    assert np.array_equal(found[order], image.numpy().astype(number_type))
    assert json.loads(OpenEXR.File(str(tmp_path / "m.exr")).header()["workflow"]) == {"nodes": ["Ä"]}


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "m.exr"
    write_map(path, torch.zeros(1, 4, 4), "EXR half", 16, {})
    before = path.read_bytes()
    monkeypatch.setattr(OpenEXR.File, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        write_map(path, torch.ones(1, 4, 4), "EXR half", 16, {})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_dither_keeps_the_mean_between_two_steps(tmp_path):
    between = torch.full((1, 64, 64), 100.3 / 255)
    write_map(tmp_path / "m.png", between, "PNG", 8, {}, dither=True)
    with Image.open(tmp_path / "m.png") as found:
        pixels = np.asarray(found)
    assert set(np.unique(pixels)) == {100, 101}
    assert pixels.mean() == pytest.approx(100.3, abs=0.03)


def test_dither_leaves_whole_steps_and_16_bits_alone(tmp_path):
    steps = torch.arange(256.0).reshape(1, 16, 16) / 255
    for bits, full in [(8, 255), (16, 65535)]:
        write_map(tmp_path / "m.png", steps, "PNG", bits, {}, dither=True)
        with av.open(str(tmp_path / "m.png")) as container:
            found = next(container.decode(video=0)).to_ndarray().ravel()
        assert np.array_equal(found, (steps * full).round().numpy().ravel())
