"""A map is read the same wherever it is read: colours in sRGB, data as stored, numbers that are numbers."""

import io

import cv2
import numpy as np
import OpenEXR
import pytest
import tifffile
import torch
from PIL import Image, ImageCms
from tilewright.common.dataset_counts import count_dataset, counted, dataset_warnings
from tilewright.common.errors import NotFiniteImage, UnreadableImage
from tilewright.common.image_headers import read_header
from tilewright.common.image_writing import write_png
from tilewright.common.images import decode_image, read_image
from tilewright.common.map_files import CLIPPED, KEEP, REPAIR, Reading, as_map, read_map, read_map_with_notes
from tilewright.common.texture_dataset import Findings, Sample, TextureDataset


def exr(path, **planes):
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    size = next(iter(planes.values()))
    shape = np.shape(size) or (8, 8)
    channels = {name: np.array(np.broadcast_to(values, shape), np.float32) for name, values in planes.items()}
    OpenEXR.File(header, channels).write(str(path))
    return path


def test_linear_exr_becomes_srgb_for_colours_and_stays_for_data(tmp_path):
    path = exr(tmp_path / "a.exr", R=0.18, G=0.18, B=0.18)
    assert round(float(read_map(path, "basecolor").mean()) * 255) == 118
    assert round(float(read_map(path, "basecolor", Reading(light="sRGB")).mean()) * 255) == 46
    assert torch.equal(read_map(path, "roughness"), torch.full((3, 8, 8), np.float32(0.18).item()))


def test_float_tiff_is_srgb_unless_told(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.full((4, 4, 3), 0.18, np.float32), photometric="rgb")
    assert round(float(read_map(tmp_path / "a.tif", "basecolor").mean()) * 255) == 46
    assert round(float(read_map(tmp_path / "a.tif", "basecolor", Reading(light="linear")).mean()) * 255) == 118


def test_premultiplied_exr_colours_become_straight(tmp_path):
    path = exr(tmp_path / "a.exr", R=0.09, G=0.09, B=0.09, A=0.5)
    color = read_map(path, "basecolor")[:, 0, 0]
    assert [round(value * 255) for value in color.tolist()] == [118, 118, 118, 128]
    assert read_map(path, "opacity")[:, 0, 0].tolist() == pytest.approx([0.09, 0.09, 0.09, 0.5])


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_an_embedded_profile_is_applied_to_colours_and_never_to_data(tmp_path, depth, suffix):
    from test_color_profiles import PROFILES

    profile = PROFILES["Adobe RGB"]
    pixels = np.full((8, 8, 3), (60, 200, 60), np.uint8)
    path = tmp_path / f"a{suffix}"
    if suffix == ".tif":
        deep = pixels.astype(np.uint16) * 257 if depth == 16 else pixels
        tifffile.imwrite(path, deep, photometric="rgb", iccprofile=profile)
    elif depth == 8:
        Image.fromarray(pixels).save(path, icc_profile=profile)
    else:
        write_png(path, torch.from_numpy(pixels).movedim(-1, 0) / 255, 16)
        plain = path.read_bytes()
        buffer = io.BytesIO()
        Image.new("RGB", (1, 1)).save(buffer, "png", icc_profile=profile)
        start = buffer.getvalue().index(b"iCCP") - 4
        length = int.from_bytes(buffer.getvalue()[start : start + 4], "big") + 12
        path.write_bytes(plain[:33] + buffer.getvalue()[start : start + length] + plain[33:])
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    target = ImageCms.createProfile("sRGB")
    expected = ImageCms.profileToProfile(Image.fromarray(pixels), source, target).getpixel((0, 0))
    image, notes = read_map_with_notes(path, "basecolor")
    assert (image[:, 0, 0] * 255).tolist() == pytest.approx(expected, abs=1.5)
    assert "profile 'test'" in notes[0].what
    assert (read_map(path, "normal")[:, 0, 0] * 255).tolist() == pytest.approx([60, 200, 60], abs=1e-3)


def test_a_damaged_profile_does_not_cost_the_picture(tmp_path):
    Image.new("RGB", (4, 4), (60, 200, 60)).save(tmp_path / "a.png", icc_profile=b"no profile at all" * 20)
    image, (note,) = read_map_with_notes(tmp_path / "a.png", "basecolor")
    assert (image[:, 0, 0] * 255).round().tolist() == [60, 200, 60]
    assert "damaged colour profile" in note.what


def test_a_png_that_states_linear_light_is_converted(tmp_path):
    write_png(tmp_path / "a.png", torch.full((3, 4, 4), 0.18), 16)
    plain = (tmp_path / "a.png").read_bytes()
    import struct
    import zlib

    chunk = b"gAMA" + struct.pack(">I", 100000)
    stated = struct.pack(">I", 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (tmp_path / "a.png").write_bytes(plain[:33] + stated + plain[33:])
    assert round(float(read_map(tmp_path / "a.png", "basecolor").mean()) * 255) == 118
    assert round(float(read_map(tmp_path / "a.png", "height").mean()) * 255) == 46


def broken(path, count=3):
    pixels = np.full((8, 8), 0.5, np.float32)
    pixels.flat[:count] = np.nan
    return exr(path, Y=pixels)


def test_values_that_are_no_numbers_are_refused_repaired_or_kept(tmp_path):
    path = broken(tmp_path / "a.exr")
    with pytest.raises(NotFiniteImage, match="3 of its 64 pixels are no numbers"):
        read_map(path, "height")
    image, notes = read_map_with_notes(path, "height", Reading(not_finite=REPAIR))
    assert image.eq(0.5).all()
    assert notes[0].figures == "3 pixels"
    assert read_map(path, "height", Reading(not_finite=KEEP)).isnan().sum() == 3


def test_a_file_of_nothing_but_nan_cannot_be_repaired(tmp_path):
    with pytest.raises(NotFiniteImage):
        read_map(broken(tmp_path / "a.exr", 64), "height", Reading(not_finite=REPAIR))


def test_infinity_is_no_number_either(tmp_path):
    pixels = np.full((4, 4), 0.25, np.float32)
    pixels[0, 0], pixels[3, 3] = np.inf, -np.inf
    with pytest.raises(NotFiniteImage, match="2 of its 16"):
        read_map(exr(tmp_path / "a.exr", Y=pixels), "height")


def test_another_range_is_told_with_its_figures(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.linspace(0, 255, 48, dtype=np.float32).reshape(6, 8))
    (note,) = read_map_with_notes(tmp_path / "a.tif", "height")[1]
    assert (note.what, note.figures) == (CLIPPED, "0 to 255")


def test_a_decoded_file_becomes_a_map_without_being_read_again(tmp_path):
    path = exr(tmp_path / "a.exr", R=0.18, G=0.18, B=0.18)
    decoded = decode_image(path)
    path.unlink()
    assert round(float(as_map(path, decoded, "basecolor", Reading())[0].mean()) * 255) == 118


def test_a_layer_that_was_chosen_for_you_is_named(tmp_path):
    path = exr(tmp_path / "a.exr", **{"beauty.Y": 0.5, "mist.Y": 0.1})
    (note,) = read_map_with_notes(path, "height")[1]
    assert note.what == "layer beauty taken; there are also: mist"
    assert read_map(path, "height", Reading(layer="mist")).mean() == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"8BPS\0\1", "a Photoshop document; export it"),
        (b"#?RADIANCE\n", "a Radiance HDR; convert it to EXR"),
        (b"DDS |\0\0\0", "a DDS of a game engine"),
        (b"%PDF-1.7", "a PDF"),
        (b"<svg xmlns", "an SVG drawing"),
        (b"PK\3\4", "an archive or a document of Krita"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC needs the Python package pillow-heif"),
        (b"\xff\x0a\0\0", "JXL needs the Python package pillow-jxl-plugin"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "a video"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
        (b"<!DOCTYPE html>", "a web page"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value[:20],
)
def test_other_kinds_of_files_are_not_called_damaged(tmp_path, content, reason):
    (tmp_path / "a.png").write_bytes(content + bytes(64))
    with pytest.raises(UnreadableImage, match=reason) as error:
        read_map(tmp_path / "a.png", "basecolor")
    assert "damaged" not in str(error.value)


def test_a_large_image_is_read_where_memory_allows_it_and_told_where_not(tmp_path, monkeypatch):
    """16384 x 16384 pixels of one bit are more than Pillow's own `open` takes. Nothing is decoded here."""
    import psutil

    Image.new("1", (16384, 16384)).save(tmp_path / "a.png")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 8 * 2**30}))
    assert read_header(tmp_path / "a.png").width == 16384
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 2**30}))
    with pytest.raises(UnreadableImage, match=r"16384 × 16384 pixels, which exceeds the limit of 89 million"):
        read_image(tmp_path / "a.png")


def test_grey_and_alpha_of_16_bits_in_a_png_keep_their_depth(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((2, 2, 4), (1000, 1000, 1000, 40000), np.uint16))
    assert (read_image(tmp_path / "a.png")[:, 0, 0] * 65535).round().tolist() == [1000, 1000, 1000, 40000]


def test_what_may_spoil_a_training_is_counted(tmp_path):
    samples = (
        Sample(tmp_path / "a.png", "basecolor", (8, 8), "brick"),
        Sample(tmp_path / "b.exr", "basecolor", (8, 8), clipped=True, repaired=True),
        Sample(tmp_path / "c.png", "basecolor", (8, 8), regularisation=True),
    )
    found = Findings(unreadable=(tmp_path, tmp_path), not_finite=(tmp_path,), unmatched_captions=(tmp_path,))
    counts = count_dataset(TextureDataset(samples, findings=found + Findings()))
    assert (counts.images, counts.regularisation, counts.without_caption) == (2, 1, 1)
    assert dataset_warnings(counts) == [
        "1 image has no caption.",
        "1 caption file belongs to no image.",
        "1 image was left out for NaN or Inf.",
        "1 image could not be read.",
        "1 image had NaN or Inf repaired.",
        "1 image is clipped to 0..1.",
    ]
    assert dataset_warnings(count_dataset(TextureDataset(samples[:1]))) == []


def test_things_are_counted_in_words():
    assert [counted(number, "image") for number in (0, 1, 2)] == ["0 images", "1 image", "2 images"]
