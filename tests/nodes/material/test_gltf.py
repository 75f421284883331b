"""The glTF file beside a material, read as the specification says."""

import base64
import json
import struct

import folder_paths
import pytest
import torch
from tilewright.nodes.material.engine_presets import MAPS
from tilewright.nodes.material.nodes import SaveMaterial


@pytest.fixture
def scene(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_paths, "get_output_directory", lambda: str(tmp_path))

    def save(**maps):
        SaveMaterial.execute("m", preset="glTF", size_cm=200.0, **maps)
        return json.loads((tmp_path / "materials/m/m.gltf").read_text()), tmp_path / "materials/m"

    return save


def vectors(gltf, attribute):
    """The vertices of one attribute, through accessor, view and buffer."""
    accessor = gltf["accessors"][gltf["meshes"][0]["primitives"][0]["attributes"][attribute]]
    view = gltf["bufferViews"][accessor["bufferView"]]
    data = base64.b64decode(gltf["buffers"][0]["uri"].split(",")[1])
    assert len(data) == gltf["buffers"][0]["byteLength"]
    width = int(accessor["type"][-1])
    assert view["byteLength"] == accessor["count"] * width * 4
    part = data[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]
    return list(struct.iter_unpack(f"<{width}f", part))


def test_every_texture_is_a_file_beside_it(scene):
    gltf, folder = scene(**{name: torch.rand(1, 8, 8, 3) for name in MAPS})
    material = gltf["materials"][0]
    named = {
        "baseColor": material["pbrMetallicRoughness"]["baseColorTexture"],
        "occlusionRoughnessMetallic": material["pbrMetallicRoughness"]["metallicRoughnessTexture"],
        "normal": material["normalTexture"],
        "emissive": material["emissiveTexture"],
    }
    for suffix, texture in named.items():
        uri = gltf["images"][gltf["textures"][texture["index"]]["source"]]["uri"]
        assert uri == f"m_{suffix}.png"
        assert (folder / uri).is_file()
    assert material["occlusionTexture"] == material["pbrMetallicRoughness"]["metallicRoughnessTexture"]
    assert material["alphaMode"] == "MASK"


def test_the_rectangle_has_the_size_of_the_surface_and_the_image_upright(scene):
    gltf, _ = scene(basecolor=torch.rand(1, 8, 16, 3))
    positions, texture = vectors(gltf, "POSITION"), vectors(gltf, "TEXCOORD_0")
    assert positions[0] == (-1.0, -0.5, 0.0) and positions[3] == (1.0, 0.5, 0.0)
    assert texture[0] == (0.0, 1.0) and texture[3] == (1.0, 0.0)  # glTF counts rows from the top
    assert vectors(gltf, "NORMAL") == [(0.0, 0.0, 1.0)] * 4
    assert vectors(gltf, "TANGENT") == [(1.0, 0.0, 0.0, 1.0)] * 4


def test_a_scene_without_textures_has_no_empty_lists(scene):
    gltf, _ = scene(height=torch.rand(1, 8, 8))
    assert "images" not in gltf and "textures" not in gltf


def test_what_is_not_connected_is_not_named(scene):
    gltf, _ = scene(basecolor=torch.rand(1, 8, 8, 3), height=torch.rand(1, 8, 8))
    assert [image["uri"] for image in gltf["images"]] == ["m_baseColor.png"]
    assert "alphaMode" not in gltf["materials"][0]
    assert gltf["materials"][0]["pbrMetallicRoughness"]["metallicFactor"] == 0
