"""glTF of one rectangle: its parts, and how alpha is meant."""

import json
import struct

import pytest
import torch
from tilewright.material.engine_presets import PRESETS
from tilewright.material.gltf import alpha_mode, gltf_scene, write_glb, write_glbs, write_scenes
from tilewright.material.map_writers import png_bytes

BASECOLOR = PRESETS["glTF"].files[0]
PIXELS = torch.rand(2, 3, 4, 4)


@pytest.mark.parametrize(
    ("alpha", "mode"),
    [
        (torch.ones(8, 8), "OPAQUE"),
        (torch.full((8, 8), 254.6 / 255), "OPAQUE"),
        (torch.eye(8), "MASK"),
        (torch.full((8, 8), 0.5), "BLEND"),
    ],
)
def test_alpha_is_whole_cut_out_or_see_through(alpha, mode):
    assert alpha_mode(alpha) == mode


def test_the_rectangle_is_in_metres_and_its_texture_the_base_color():
    scene, geometry = gltf_scene({BASECOLOR: {"uri": "wall.png"}}, "OPAQUE", 200.0, 100.0)
    corners = scene["accessors"][0]
    assert (corners["min"], corners["max"]) == ([-1.0, -0.5, 0.0], [1.0, 0.5, 0.0])
    assert scene["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"] == {"index": 0}
    assert len(geometry) == sum(view["byteLength"] for view in scene["bufferViews"])


def test_a_scene_names_its_files_as_addresses(tmp_path):
    (file,) = write_scenes(
        tmp_path, {"wall #1": {BASECOLOR: tmp_path / "wall #1.png"}}, {BASECOLOR: PIXELS[:1]}, (1, 1)
    )
    assert json.loads(file.read_text(encoding="utf-8"))["images"] == [{"uri": "wall%20%231.png"}]


def read_glb(path):
    data = path.read_bytes()
    magic, version, length = struct.unpack("<4sII", data[:12])
    assert (magic, version, length) == (b"glTF", 2, len(data))
    (size,) = struct.unpack("<I", data[12:16])
    return json.loads(data[20 : 20 + size]), data[28 + size :]


def test_a_glb_holds_its_picture_byte_for_byte(tmp_path):
    png = png_bytes(PIXELS[0], 8)
    write_glb(tmp_path / "wall.glb", {BASECOLOR: png}, "MASK", 10.0, 10.0)
    scene, block = read_glb(tmp_path / "wall.glb")
    view = scene["bufferViews"][scene["images"][0]["bufferView"]]
    assert block[view["byteOffset"] : view["byteOffset"] + view["byteLength"]] == png
    assert scene["materials"][0]["alphaMode"] == "MASK"


def test_every_image_of_a_batch_is_a_file(tmp_path):
    written = write_glbs(tmp_path, ["a_001", "a_002"], {BASECOLOR: PIXELS}, lambda file, one: png_bytes(one, 8), (1, 1))
    assert [path.name for path in written] == ["a_001.glb", "a_002.glb"] and all(path.is_file() for path in written)
