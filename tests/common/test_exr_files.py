"""EXR files of every kind that programs write, made by OpenEXR."""

import numpy as np
import OpenEXR
import pytest
import torch
from tilewright.common.errors import UnreadableImage
from tilewright.common.exr_files import read_exr, read_exr_header
from tilewright.common.images import image_size, read_image

RANDOM = np.random.default_rng(5)
PLAIN = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}


def plane(dtype=np.float32, height=48, width=64):
    return RANDOM.random((height, width)).astype(dtype)


def smooth():
    y, x = np.mgrid[:48, :64] / 64
    return (0.5 + 0.4 * np.sin(6 * x) * np.cos(6 * y)).astype(np.float32)


def write(path, channels, header=PLAIN):
    OpenEXR.File(dict(header), dict(channels)).write(str(path))  # which adds to both
    return path


@pytest.mark.parametrize("name", ["Y", "R", "Z", "height", "ViewLayer.Depth.V", "A"])
def test_a_lone_channel_of_any_name_is_grey(tmp_path, name):
    pixels = plane()
    image = read_image(write(tmp_path / "a.exr", {name: pixels}))
    assert torch.equal(image, torch.from_numpy(pixels)[None])


@pytest.mark.parametrize("names", ["RGB", "XYZ", ["r", "g", "b"], ["Red", "Green", "Blue"]])
def test_three_channels_by_the_usual_names_are_a_picture(tmp_path, names):
    planes = [plane() for _ in names]
    image = read_image(write(tmp_path / "a.exr", dict(zip(names, planes, strict=True))))
    assert torch.equal(image, torch.from_numpy(np.stack(planes)))


def test_grey_with_alpha_is_a_picture_and_its_alpha(tmp_path):
    grey, alpha = plane(), plane()
    image = read_image(write(tmp_path / "a.exr", {"Y": grey, "A": alpha}))
    assert torch.equal(image, torch.from_numpy(np.stack([grey, grey, grey, alpha])))


def test_red_and_green_alone_are_those_of_a_normal_map(tmp_path):
    red, green = plane(), plane()
    image = read_image(write(tmp_path / "a.exr", {"R": red, "G": green}))
    assert torch.equal(image, torch.from_numpy(np.stack([red, green, np.zeros_like(red)])))


@pytest.mark.parametrize("compression", ["DWAA", "DWAB", "PIZ", "B44", "B44A", "PXR24", "RLE", "ZIPS", "ZIP", "NO"])
def test_every_compression_is_read(tmp_path, compression):
    """Half floats; only DWA and B44 lose anything."""
    pixels = smooth().astype(np.float16)
    header = PLAIN | {"compression": getattr(OpenEXR, f"{compression}_COMPRESSION")}
    image = read_image(write(tmp_path / "a.exr", {"Y": pixels}, header))
    error = 0.02 if compression.startswith(("DWA", "B44")) else 0
    assert np.abs(image[0].numpy() - pixels.astype(np.float32)).max() <= error


def test_whole_numbers_are_scaled_as_everywhere(tmp_path):
    pixels = np.full((4, 4), 2**32 - 1, np.uint32)
    pixels[0] = 0
    image = read_image(write(tmp_path / "a.exr", {"Y": pixels}))
    assert image[0, :, 0].tolist() == [0, 1, 1, 1]


@pytest.mark.parametrize("tiled", [False, True])
def test_tiles_are_read_as_scanlines(tmp_path, tiled):
    pixels = plane()
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    if tiled:
        tiles = OpenEXR.TileDescription()
        tiles.xSize = tiles.ySize = 16
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.tiledimage, "tiles": tiles}
    assert torch.equal(read_image(write(tmp_path / "a.exr", {"Y": pixels}, header)), torch.from_numpy(pixels)[None])


def windows(data, display):
    """Header for windows as (left, top, right, bottom)."""

    def window(box):
        return np.array(box[:2], np.int32), np.array(box[2:], np.int32)

    return PLAIN | {"dataWindow": window(data), "displayWindow": window(display)}


def test_windows_that_begin_elsewhere_do_not_shift_the_picture(tmp_path):
    pixels = plane()
    path = write(tmp_path / "a.exr", {"Y": pixels}, windows((10, 20, 73, 67), (10, 20, 73, 67)))
    assert torch.equal(read_image(path), torch.from_numpy(pixels)[None])


def test_a_smaller_data_window_lies_in_its_place(tmp_path):
    pixels = plane(height=8, width=8)
    path = write(tmp_path / "a.exr", {"Y": pixels}, windows((4, 2, 11, 9), (0, 0, 19, 14)))
    image = read_image(path)
    assert image_size(path) == (20, 15)
    assert torch.equal(image[0, 2:10, 4:12], torch.from_numpy(pixels))
    assert image.sum() == pytest.approx(pixels.sum(), rel=1e-5)


def test_what_lies_beyond_the_display_window_is_cut_off(tmp_path):
    pixels = plane(height=20, width=20)
    path = write(tmp_path / "a.exr", {"Y": pixels}, windows((-5, -3, 14, 16), (0, 0, 9, 9)))
    assert torch.equal(read_image(path), torch.from_numpy(pixels[3:13, 5:15])[None])


def layered(path):
    planes = {f"ViewLayer.{layer}.{name}": plane() for layer in ("Combined", "Normal") for name in "XYZ"}
    planes = {name.replace("Combined.X", "Combined.R"): values for name, values in planes.items()}
    planes = {name.replace("Combined.Y", "Combined.G"): values for name, values in planes.items()}
    planes = {name.replace("Combined.Z", "Combined.B"): values for name, values in planes.items()}
    planes["ViewLayer.Depth.Z"] = plane()
    write(path, planes)
    return planes


def test_the_main_layer_is_taken_and_others_by_name(tmp_path):
    planes = layered(tmp_path / "a.exr")

    def named(layer, names):
        return torch.from_numpy(np.stack([planes[f"ViewLayer.{layer}.{name}"] for name in names]))

    assert torch.equal(read_image(tmp_path / "a.exr"), named("Combined", "RGB"))
    assert torch.equal(read_image(tmp_path / "a.exr", "ViewLayer.Normal"), named("Normal", "XYZ"))
    assert torch.equal(read_image(tmp_path / "a.exr", "ViewLayer.Depth"), named("Depth", "Z"))
    assert torch.equal(read_image(tmp_path / "a.exr", "ViewLayer.Combined.G"), named("Combined", "G"))
    layers = read_exr_header(tmp_path / "a.exr").layers
    assert set(layers) == {"ViewLayer.Combined", "ViewLayer.Normal", "ViewLayer.Depth"}


def test_a_layer_that_is_not_there_is_told_with_those_that_are(tmp_path):
    layered(tmp_path / "a.exr")
    with pytest.raises(UnreadableImage, match=r"no layer 'Mist'; it has .*ViewLayer.Depth"):
        read_image(tmp_path / "a.exr", "Mist")


def test_parts_are_layers(tmp_path):
    first, second = plane(), plane()
    parts = [OpenEXR.Part(dict(PLAIN), {"Y": first}, "roughness"), OpenEXR.Part(dict(PLAIN), {"Y": second}, "beauty")]
    OpenEXR.File(parts).write(str(tmp_path / "a.exr"))
    assert torch.equal(read_image(tmp_path / "a.exr")[0], torch.from_numpy(second))
    assert torch.equal(read_image(tmp_path / "a.exr", "roughness")[0], torch.from_numpy(first))


def test_channels_that_make_no_picture_are_told(tmp_path):
    write(tmp_path / "a.exr", {"u": plane(), "v": plane(), "w": plane()})
    with pytest.raises(UnreadableImage, match="no channels of it make grey or RGB.*u, v, w"):
        read_image(tmp_path / "a.exr")
    assert read_image(tmp_path / "a.exr", "v").shape == (1, 48, 64)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_a_file_that_is_cut_short_has_no_zeros_but_an_error(tmp_path, share):
    path = write(tmp_path / "a.exr", {"Y": plane()})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(UnreadableImage, match="damaged or incomplete"):
        read_image(path)


def test_a_header_tells_size_layer_and_primaries(tmp_path):
    acescg = (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)
    path = write(tmp_path / "a.exr", {"RGB": np.zeros((3, 5, 3), np.float32)}, PLAIN | {"chromaticities": acescg})
    header = read_exr_header(path)
    assert (header.width, header.height, header.layer.planes) == (5, 3, ["R", "G", "B"])
    assert header.chromaticities == pytest.approx(acescg, abs=1e-6)
    assert read_exr(path, header).shape == (3, 3, 5)
