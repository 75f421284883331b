"""Materials on disk, read back by libraries that did not write them."""

import json
import re
import struct

import av
import folder_paths
import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from tilewright.common.errors import InputError
from tilewright.common.locks import HIDDEN
from tilewright.material.engine_presets import MAPS, PRESETS
from tilewright.material.map_inputs import luminance
from tilewright.material.map_writers import CLIPPED, FILE_FORMATS, SUFFIXES
from tilewright.nodes.material import HeightToNormal, SaveMaterial


@pytest.fixture(autouse=True)
def output(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_paths, "get_output_directory", lambda: str(tmp_path))
    monkeypatch.setattr(folder_paths, "get_temp_directory", lambda: str(tmp_path / "temp"))
    with torch.inference_mode():
        yield tmp_path


def decode(path, pixel_format):
    """The pixels as PyAV decodes them, in the file's own format."""
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    assert frame.format.name == pixel_format
    return frame.to_ndarray()


def every_16_bit_value():
    return (torch.arange(2**16, dtype=torch.float32) / 65535).reshape(1, 256, 256, 1).expand(-1, -1, -1, 3)


def test_every_16_bit_height_comes_back_exactly(output):
    SaveMaterial.execute("rock", height=every_16_bit_value())
    pixels = decode(output / "materials/rock/rock_height.png", "gray16be")
    assert np.array_equal(pixels.ravel(), np.arange(2**16))


def test_16_bit_normals_come_back_exactly_with_their_channels_in_order(output):
    normal = torch.rand(1, 32, 48, 3)
    SaveMaterial.execute("rock", normal=normal)
    pixels = decode(output / "materials/rock/rock_normal.png", "rgb48be")
    assert np.array_equal(pixels, (normal[0] * 65535).round().numpy().astype(np.uint16))


def read_by_another_library(path, file_format):
    """The pixels (H, W, C) in the file's own numbers: Pillow, tifffile and FFmpeg, which wrote none of them."""
    if file_format.startswith("TIFF"):
        return tifffile.imread(path).reshape(6, 9, -1)
    if file_format == "TGA":
        with Image.open(path) as image:
            return np.asarray(image).reshape(6, 9, -1)
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    if file_format == "PNG":
        return frame.to_ndarray().reshape(6, 9, -1)
    number = np.float16 if file_format == "EXR half" else np.float32
    planes = [np.frombuffer(plane, number).reshape(6, -1)[:, :9] for plane in frame.planes]
    return np.stack([planes[2], *planes[:2]] if len(planes) == 3 else planes, -1)


@pytest.mark.parametrize("bit_depth", ["8", "16"])
@pytest.mark.parametrize("file_format", FILE_FORMATS)
def test_every_file_of_an_engine_comes_back_bit_by_bit(output, file_format, bit_depth):
    """Unreal's: packed, grey, and normals whose green was flipped before they were rounded."""
    maps = {name: torch.rand(1, 6, 9, 3) for name in ("normal", "occlusion", "roughness", "metallic", "height")}
    grey = {name: luminance(image.movedim(-1, 1))[0, 0] for name, image in maps.items()}
    SaveMaterial.execute("m", bit_depth, preset="Unreal", file_format=file_format, convention="OpenGL", **maps)
    flipped = torch.stack([maps["normal"][0, ..., 0], 1 - maps["normal"][0, ..., 1], maps["normal"][0, ..., 2]], -1)
    packed = torch.stack([grey["occlusion"], grey["roughness"], grey["metallic"]], -1)
    for suffix, true in {"N": flipped, "ORM": packed, "H": grey["height"][..., None]}.items():
        found = read_by_another_library(output / f"materials/m/T_m_{suffix}{SUFFIXES[file_format]}", file_format)
        if file_format in CLIPPED:
            bits = 8 if file_format == "TGA" else int(bit_depth)
            assert found.dtype == (np.uint8 if bits == 8 else np.uint16)
            assert np.array_equal(found, (true * (2**bits - 1)).round().numpy())
        else:
            assert np.array_equal(found, true.numpy().astype(found.dtype))


def test_a_flat_normal_is_128_128_255(output):
    SaveMaterial.execute("flat", "8", normal=torch.tensor([0.5, 0.5, 1.0]).expand(1, 4, 4, 3))
    with Image.open(output / "materials/flat/flat_normal.png") as image:
        assert image.getcolors() == [(16, (128, 128, 255))]


@pytest.mark.parametrize(
    ("bit_depth", "basecolor_bits", "height_bits"), [("16 for data maps", 8, 16), ("8", 8, 8), ("16", 16, 16)]
)
def test_bit_depth(output, bit_depth, basecolor_bits, height_bits):
    image = torch.rand(1, 4, 4, 3)
    SaveMaterial.execute("m", bit_depth, basecolor=image, height=image)
    for name, bits in [("basecolor", basecolor_bits), ("height", height_bits)]:
        header = (output / f"materials/m/m_{name}.png").read_bytes()[:33]
        assert struct.unpack(">B", header[24:25]) == (bits,)


def test_basecolor_keeps_its_alpha(output):
    image = torch.rand(1, 6, 5, 4)
    SaveMaterial.execute("leaf", basecolor=image)
    with Image.open(output / "materials/leaf/leaf_basecolor.png") as found:
        assert np.array_equal(np.asarray(found), (image[0] * 255).round().numpy().astype(np.uint8))


def test_batches_are_numbered_and_described(output):
    path, _ = SaveMaterial.execute(
        "tile", basecolor=torch.rand(2, 4, 4, 3), roughness=torch.rand(2, 4, 4, 3), size_cm=50.0
    )
    description = json.loads((output / "materials/tile/material.json").read_text())
    assert path == str(output / "materials/tile")
    assert description["materials"]["tile_002"] == {
        "basecolor": {
            "file": "tile_002_basecolor.png",
            "channels": ["basecolor.r", "basecolor.g", "basecolor.b"],
            "color_space": "sRGB",
        },
        "roughness": {"file": "tile_002_roughness.png", "channels": ["roughness"], "color_space": "linear"},
    }
    assert (description["size_cm"], description["normal_convention"]) == (50.0, "OpenGL")
    assert len(list((output / "materials/tile").iterdir())) == 5


def test_a_second_material_of_a_name_is_numbered_unless_told_to_overwrite(output):
    black, white = torch.zeros(1, 4, 4, 3), torch.ones(1, 4, 4, 3)
    SaveMaterial.execute("m", basecolor=black)
    SaveMaterial.execute("m", basecolor=white)
    SaveMaterial.execute("m", basecolor=white, if_exists="overwrite")
    names = sorted(file.relative_to(output).as_posix() for file in output.glob("materials/*/*.png"))
    assert names == ["materials/m/m_basecolor.png", "materials/m_2/m_2_basecolor.png"]
    with Image.open(output / names[0]) as image:
        assert image.getpixel((0, 0)) == (255, 255, 255)


def test_the_written_files_show_up_in_the_history(output):
    result = SaveMaterial.execute("m", basecolor=torch.rand(1, 4, 4, 3), height=torch.rand(1, 4, 4, 3))
    assert result.ui["files"] == [
        {"filename": "m_basecolor.png", "subfolder": "materials/m", "type": "output"},
        {"filename": "m_height.png", "subfolder": "materials/m", "type": "output"},
    ]
    assert result.ui["text"] == [result[1]]


@pytest.mark.parametrize("file_format", FILE_FORMATS)
def test_the_node_shows_every_map_in_8_bits_whatever_was_written(output, file_format):
    half = torch.full((2, 8, 2048, 1), 0.5)
    result = SaveMaterial.execute("m", height=half, opacity=torch.ones(2, 8, 8), file_format=file_format)
    shown = [Image.open(output / "temp" / image["filename"]) for image in result.ui["images"]]
    assert [(image.mode, image.size, image.getpixel((0, 0))) for image in shown] == [
        *[("RGB", (1024, 4), (127, 127, 127))] * 2,
        *[("RGB", (8, 8), (255, 255, 255))] * 2,
    ]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("file_format", ["PNG", "EXR half", "TGA"])
def test_every_preset_in_every_kind_of_file(output, preset, file_format):
    maps = {name: torch.rand(1, 4, 4, 3) for name in MAPS}
    path, report = SaveMaterial.execute("m", preset=preset, file_format=file_format, **maps)
    written = {file.name for file in (output / "materials/m").iterdir()}
    described = json.loads((output / "materials/m/material.json").read_text())["materials"]["m"]
    scene = {"m.gltf"} if preset == "glTF" else set()
    if file_format != "PNG" and scene:  # glTF knows PNG and JPEG only
        scene |= {f"m_{name}.png" for name in ("baseColor", "normal", "occlusionRoughnessMetallic", "emissive")}
    scene |= {"m.mtlx"} if preset == "MaterialX" else set()
    assert written == {entry["file"] for entry in described.values()} | {"material.json"} | scene


def test_colours_in_exr_are_linear_light_and_data_stays(output):
    half = torch.full((1, 4, 4, 3), 0.5)
    SaveMaterial.execute("m", basecolor=half, roughness=half, file_format="EXR float")
    found = {}
    for name in ("basecolor", "roughness"):
        with av.open(str(output / f"materials/m/m_{name}.exr")) as container:
            found[name] = np.frombuffer(next(container.decode(video=0)).planes[0], np.float32)[0]
    assert found["basecolor"] == pytest.approx(0.2140411)
    assert found["roughness"] == 0.5


def test_the_checks_are_in_the_report(output):
    height = torch.rand(1, 32, 32)
    normal = HeightToNormal.execute(height, "DirectX")[0]
    _, report = SaveMaterial.execute("m", height=height, normal=normal, convention="OpenGL")
    assert "height, normal, left–right: seam" in report and "height, left–right: Q " in report
    assert "its pixels say DirectX" in report


def test_clipping_and_colour_in_a_grey_map_are_reported(output):
    _, report = SaveMaterial.execute("m", roughness=torch.rand(1, 4, 4, 3) + 0.5, height=torch.full((1, 4, 4), 2.0))
    assert "roughness: given in colour; its luminance was written" in report
    assert "height: 16 pixels lay outside 0..1" in report


def test_batches_that_do_not_match_are_refused():
    with pytest.raises(InputError, match="basecolor 2, height 1"):
        SaveMaterial.execute("m", basecolor=torch.rand(2, 4, 4, 3), height=torch.rand(1, 4, 4, 3))


def test_a_map_without_a_file_alone_and_a_grey_normal_are_refused(output):
    with pytest.raises(InputError, match="The preset Unreal has no file for opacity alone"):
        SaveMaterial.execute("m", opacity=torch.rand(1, 4, 4), preset="Unreal")
    with pytest.raises(InputError, match="The normal map has one channel"):
        SaveMaterial.execute("m", normal=torch.rand(1, 4, 4), preset="Unreal")
    assert list(output.iterdir()) == []


def test_no_map_at_all_is_refused():
    with pytest.raises(InputError, match="No map is connected"):
        SaveMaterial.execute("m")


BAD_NAMES = ["", "../up", "a/../../b", "/a", "a//b", "a/", "a\\b", "con", "wall/con", "x" * 200, "dots."]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_cannot_be_files_are_refused(name, output):
    with pytest.raises(InputError, match="The name is"):
        SaveMaterial.execute(name, basecolor=torch.rand(1, 4, 4, 3))
    assert "The name is" in SaveMaterial.validate_inputs(name=name)
    assert list(output.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(output):
    (output / "materials").write_text("a file where the folder should be")
    with pytest.raises(InputError, match=re.escape(f"cannot be written to {output / 'materials' / 'm'}")):
        SaveMaterial.execute("m", basecolor=torch.rand(1, 4, 4, 3))


def test_nothing_is_left_half_written(output, monkeypatch):
    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.open", full_disk)
    with pytest.raises(InputError, match="No space left on device"):
        SaveMaterial.execute("m", basecolor=torch.rand(1, 4, 4, 3))
    assert [file for file in output.rglob("*") if file.is_file() and HIDDEN not in file.parts] == []


def test_the_workflow_travels_in_the_png(output):
    from comfy_api.latest import io

    class InGraph(SaveMaterial):
        hidden = io.HiddenHolder(None, {"1": {"class_type": "Ä"}}, {"workflow": {"nodes": []}}, None, None, None)

    InGraph.execute("m", height=torch.rand(1, 4, 4, 3))
    with Image.open(output / "materials/m/m_height.png") as image:
        assert json.loads(image.text["prompt"]) == {"1": {"class_type": "Ä"}}
        assert json.loads(image.text["workflow"]) == {"nodes": []}


def test_the_workflow_stays_out_where_comfyui_was_started_without_metadata(output, monkeypatch):
    from comfy.cli_args import args
    from comfy_api.latest import io

    class InGraph(SaveMaterial):
        hidden = io.HiddenHolder(None, {"1": {}}, {"workflow": {"nodes": []}}, None, None, None)

    monkeypatch.setattr(args, "disable_metadata", True)
    InGraph.execute("m", height=torch.rand(1, 4, 4, 3))
    with Image.open(output / "materials/m/m_height.png") as image:
        image.load()
        assert image.info == {}
