"""Maps read exactly, from files that other libraries wrote."""

import av
import cv2
import folder_paths
import numpy as np
import OpenEXR
import pytest
import tifffile
import torch
from PIL import Image
from tilewright.material.load_map import kind_of, looks_like_normals
from tilewright.nodes.material import LoadMap

RNG = np.random.default_rng(3)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    for kind in ("input", "output", "temp"):
        (tmp_path / kind).mkdir()
        monkeypatch.setattr(folder_paths, f"get_{kind}_directory", lambda kind=kind: str(tmp_path / kind))
    return tmp_path / "input"


def test_every_16_bit_value_comes_exactly(folder):
    cv2.imwrite(str(folder / "rock_height.png"), np.arange(65536, dtype=np.uint16).reshape(256, 256))
    image, kind, report, alpha = LoadMap.execute("rock_height.png").args[:4]
    assert torch.equal(image[0, ..., 0].flatten(), torch.arange(65536) / 65535)
    assert kind == "height"
    assert "by its name" in report
    assert torch.equal(alpha, torch.zeros(1, 256, 256))


def test_a_depth_map_comes_with_a_warning(folder):
    for name, warned in [("wall_depth.png", True), ("wall_height.png", False)]:
        cv2.imwrite(str(folder / name), np.zeros((4, 4), np.uint8))
        _, kind, report, _ = LoadMap.execute(name).args[:4]
        assert kind == "height"
        assert ("white where it is deep" in report) == warned


def test_16_bit_colour_and_alpha_keep_their_order(folder):
    pixels = RNG.integers(0, 65536, (6, 9, 4), dtype=np.uint16)
    cv2.imwrite(str(folder / "n.png"), pixels[..., [2, 1, 0, 3]])
    image, _, _, alpha = LoadMap.execute("n.png", "normal").args[:4]
    assert np.array_equal((image[0] * 65535).round().numpy(), pixels[..., :3])
    assert np.array_equal(((1 - alpha[0]) * 65535).round().numpy(), pixels[..., 3])


def write_with_ffmpeg(path, pixels, codec, pixel_format):
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream(
            codec, rate=1, width=pixels.shape[1], height=pixels.shape[0], pix_fmt=pixel_format
        )
        frame = av.VideoFrame.from_ndarray(pixels, format=pixel_format)
        for packet in [*stream.encode(frame), *stream.encode()]:
            container.mux(packet)


@pytest.mark.parametrize("pixel_format", ["rgb48be", "rgba64be", "gray16be"])
def test_16_bit_png_of_ffmpeg(folder, pixel_format):
    """Written and read by different libraries: FFmpeg here, OpenCV in the node."""
    channels = {"rgb48be": (3,), "rgba64be": (4,), "gray16be": ()}[pixel_format]
    pixels = RNG.integers(0, 65536, (6, 9, *channels), dtype=np.uint16)
    write_with_ffmpeg(folder / "a.png", pixels, "png", pixel_format)
    image, _, _, alpha = LoadMap.execute("a.png", "height").args[:4]
    color = pixels[..., :3] if channels else pixels[..., None].repeat(3, -1)
    assert np.array_equal((image[0] * 65535).round().numpy(), color)
    if pixel_format == "rgba64be":
        assert np.array_equal(((1 - alpha[0]) * 65535).round().numpy(), pixels[..., 3])


def test_16_bit_grey_png_and_tiff_of_pillow(folder):
    pixels = RNG.integers(0, 65536, (6, 9), dtype=np.uint16)
    for name in ("a.png", "a.tif"):
        Image.fromarray(pixels).save(folder / name)
        assert np.array_equal((LoadMap.execute(name, "height")[0][0, ..., 0] * 65535).round().numpy(), pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_of_tifffile(folder, dtype):
    pixels = RNG.integers(0, np.iinfo(dtype).max, (7, 11, 3), dtype=dtype, endpoint=True)
    tifffile.imwrite(folder / "a.tif", pixels, photometric="rgb")
    found = LoadMap.execute("a.tif", "height")[0][0] * np.iinfo(dtype).max
    assert np.array_equal(found.round().numpy(), pixels)


def test_half_exr_keeps_every_value(folder):
    pixels = RNG.normal(size=(7, 11, 3)).astype(np.float16) * 100
    OpenEXR.File({}, {"RGB": pixels}).write(str(folder / "a.exr"))
    assert np.array_equal(LoadMap.execute("a.exr", "height")[0][0].numpy(), pixels.astype(np.float32))


def test_jpeg_is_what_another_decoder_makes_of_it(folder):
    """JPEG is not exact, but its decoders are within a step: here Pillow's against OpenCV's."""
    Image.fromarray(RNG.integers(100, 140, (16, 16, 3), dtype=np.uint8)).save(folder / "a.jpg", quality=100)
    other = cv2.imread(str(folder / "a.jpg"))[..., ::-1].astype(int)
    assert np.abs((LoadMap.execute("a.jpg", "roughness")[0][0] * 255).round().numpy() - other).max() <= 1


def test_float_tiff_and_exr_keep_every_value(folder):
    pixels = RNG.normal(size=(7, 11, 3)).astype(np.float32) * 100
    tifffile.imwrite(folder / "a.tif", pixels, photometric="rgb")
    OpenEXR.File({}, {"RGB": pixels}).write(str(folder / "b.exr"))
    for name in ("a.tif", "b.exr"):
        assert np.array_equal(LoadMap.execute(name, "height")[0][0].numpy(), pixels)


def test_pixels_that_are_no_numbers_are_counted(folder):
    pixels = np.full((4, 5, 3), 0.25, np.float32)
    pixels[1, 2] = np.nan
    pixels[2, 2, 0] = np.inf
    OpenEXR.File({}, {"RGB": pixels}).write(str(folder / "a.exr"))
    report = LoadMap.execute("a.exr", "height")[2]
    assert "0.25 to 0.25. 2 of 20 pixels are not numbers (NaN) or infinite: turn on 'repair'" in report


@pytest.mark.parametrize("suffix", ["tga", "webp", "png", "bmp"])
def test_8_bit_formats(folder, suffix):
    pixels = RNG.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / f"a.{suffix}", **({"lossless": True} if suffix == "webp" else {}))
    assert np.array_equal((LoadMap.execute(f"a.{suffix}")[0][0] * 255).round().numpy(), pixels)


def test_colours_in_exr_become_srgb_and_data_does_not(folder):
    OpenEXR.File({}, {"RGB": np.full((4, 4, 3), 0.2140411, np.float32)}).write(str(folder / "m.exr"))
    color, _, report, _ = LoadMap.execute("m.exr", "basecolor").args[:4]
    assert color[0, 0, 0].tolist() == pytest.approx([0.5] * 3, abs=1e-5)
    assert "sRGB" in report
    assert LoadMap.execute("m.exr", "roughness")[0][0, 0, 0, 0] == pytest.approx(0.2140411)


def test_the_kind_is_seen_in_the_pixels_where_the_name_is_silent(folder):
    vectors = torch.nn.functional.normalize(torch.rand(1, 3, 8, 8) + torch.tensor([0, 0, 2.0])[:, None, None], dim=1)
    assert looks_like_normals(vectors / 2 + 0.5)
    assert not looks_like_normals(torch.rand(1, 3, 8, 8))
    assert kind_of(folder / "scan7.png", vectors / 2 + 0.5)[0] == "normal"
    assert kind_of(folder / "scan7.png", torch.rand(1, 3, 8, 8))[0] == "basecolor"
    assert kind_of(folder / "scan7.png", torch.rand(1, 1, 8, 8))[0] == "height"


@pytest.mark.parametrize("name", ["../secret.png", "/etc/hostname", "missing.png", ""])
def test_files_outside_the_allowed_folders_are_refused_before_running(name, folder):
    (folder.parent / "secret.png").write_bytes(b"")
    assert "The file is" in LoadMap.validate_inputs(file=name)


def test_a_changed_file_is_read_again(folder):
    cv2.imwrite(str(folder / "a.png"), np.zeros((4, 4), np.uint8))
    before = LoadMap.fingerprint_inputs(file="a.png", kind="detect")
    cv2.imwrite(str(folder / "a.png"), np.zeros((5, 5), np.uint8))
    assert LoadMap.fingerprint_inputs(file="a.png", kind="detect") != before


def test_masks_are_1_where_the_file_is_transparent_as_comfyui_has_it(folder):
    """Joined with ComfyUI's own node, which takes such a mask, the picture has the alpha that the file has."""
    from comfy_extras.nodes_compositing import JoinImageWithAlpha

    pixels = RNG.integers(0, 256, (8, 8, 4), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "leaf.png")
    image, _, _, mask = LoadMap.execute("leaf.png", "basecolor").args[:4]
    joined = JoinImageWithAlpha.execute(image, mask)[0]
    assert np.array_equal((joined[0] * 255).round().byte().numpy(), pixels)


@pytest.mark.parametrize("kind", ["input", "output", "temp"])
def test_names_with_their_folder_behind_are_read_there(kind, folder):
    for number, place in enumerate(("input", "output", "temp")):
        cv2.imwrite(str(folder.parent / place / "a.png"), np.full((4, 4), 50 * number, np.uint8))
    found = LoadMap.execute(f"a.png [{kind}]", "height")[0]
    assert round(float(found[0, 0, 0, 0] * 255)) == 50 * ("input", "output", "temp").index(kind)
    assert LoadMap.validate_inputs(file=f"a.png [{kind}]") is True


def test_a_folder_behind_the_name_opens_no_other(folder):
    (folder.parent / "secret.png").write_bytes(b"")
    cv2.imwrite(str(folder / "only_in_input.png"), np.zeros((4, 4), np.uint8))
    for name in ("../secret.png [output]", "/etc/hostname [temp]", "only_in_input.png [output]"):
        assert "The file is" in LoadMap.validate_inputs(file=name)


@pytest.mark.parametrize("swizzle", ["BC5", "DXT5nm"])
def test_normals_of_two_channels_come_whole(folder, swizzle):
    xy = RNG.normal(0, 0.3, (8, 8, 2)).clip(-0.6, 0.6)
    normal = np.dstack([xy, np.sqrt(1 - (xy**2).sum(-1))]) / 2 + 0.5
    x, y, empty = normal[..., 0], normal[..., 1], np.zeros((8, 8))
    stored = np.dstack([x, y, empty] if swizzle == "BC5" else [empty + 1, y, y, x])
    order = [2, 1, 0] if swizzle == "BC5" else [2, 1, 0, 3]
    cv2.imwrite(str(folder / "wall_normal.png"), (stored[..., order] * 65535).round().astype(np.uint16))
    image, _, report, mask = LoadMap.execute("wall_normal.png").args[:4]
    np.testing.assert_allclose(image[0].numpy(), normal, atol=1e-4)
    assert swizzle in report
    assert torch.equal(mask, torch.zeros(1, 8, 8))


def test_the_layer_of_an_exr_can_be_chosen(folder):
    planes = {name: np.full((4, 4), value, np.float32) for name, value in [("Y", 0.25), ("crack.Y", 0.75)]}
    OpenEXR.File({}, planes).write(str(folder / "a_height.exr"))
    assert LoadMap.execute("a_height.exr")[0].unique().tolist() == [0.25]
    assert LoadMap.execute("a_height.exr", layer="crack")[0].unique().tolist() == [0.75]
