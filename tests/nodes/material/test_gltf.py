"""The glTF file beside a material, read as the specification says."""

import base64
import json
import struct

import folder_paths
import numpy as np
import pytest
import torch
import trimesh
from tilewright.material.engine_presets import MAPS
from tilewright.nodes.material import SaveMaterial


@pytest.fixture
def scene(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_paths, "get_output_directory", lambda: str(tmp_path))
    monkeypatch.setattr(folder_paths, "get_temp_directory", lambda: str(tmp_path / "temp"))

    def save(**maps):
        SaveMaterial.execute("m", preset="glTF", size_cm=200.0, **maps)
        folder = tmp_path / "materials/m"
        first = next(file for file in sorted(folder.glob("*.gltf")))
        return json.loads(first.read_text()), folder

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


CUT_OUT = torch.tensor([0.0, 1.0]).repeat_interleave(8).expand(1, 16, 16)


@pytest.mark.parametrize(
    ("opacity", "mode"),
    [
        (torch.ones(1, 16, 16), "OPAQUE"),
        (torch.full((1, 16, 16), 0.999), "OPAQUE"),  # which is 255 in the file
        (CUT_OUT, "MASK"),
        ((CUT_OUT + CUT_OUT.roll(1, -1)) / 2, "MASK"),  # with soft edges
        (torch.full((1, 16, 16), 0.4), "BLEND"),
        (torch.linspace(0, 1, 16).expand(1, 16, 16), "BLEND"),
    ],
    ids=["whole", "nearly whole", "cut out", "cut out softly", "glass", "fading"],
)
def test_the_alpha_mode_follows_the_opacity(scene, opacity, mode):
    gltf, _ = scene(basecolor=torch.rand(1, 16, 16, 3), opacity=opacity)
    assert gltf["materials"][0].get("alphaMode", "OPAQUE") == mode


def test_each_material_of_a_batch_has_its_own_alpha_mode(scene):
    opacity = torch.cat([torch.full((1, 16, 16), 0.4), CUT_OUT])
    _, folder = scene(basecolor=torch.rand(2, 16, 16, 3), opacity=opacity)
    modes = [json.loads((folder / f"m_00{n}.gltf").read_text())["materials"][0]["alphaMode"] for n in (1, 2)]
    assert modes == ["BLEND", "MASK"]


def test_trimesh_opens_it_with_every_texture(scene):
    """A reader that knows nothing of Tilewright: geometry, material and the pixels of the images."""
    maps = {name: torch.rand(1, 8, 16, 3) for name in MAPS if name != "opacity"}
    _, folder = scene(opacity=torch.full((1, 8, 16), 0.4), **maps)
    mesh = trimesh.load(folder / "m.gltf", force="scene").to_geometry()
    assert mesh.extents.tolist() == pytest.approx([2.0, 1.0, 0.0])
    assert mesh.area == pytest.approx(2.0)
    material = mesh.visual.material
    assert material.alphaMode == "BLEND"
    assert material.doubleSided
    color = np.asarray(material.baseColorTexture)
    assert np.array_equal(color[..., :3], (maps["basecolor"][0] * 255).round().byte().numpy())
    assert np.all(color[..., 3] == 102)
    for texture in ("normalTexture", "occlusionTexture", "metallicRoughnessTexture", "emissiveTexture"):
        assert getattr(material, texture).size == (16, 8)
    lower_left = mesh.visual.uv[np.argmin(mesh.vertices.sum(axis=1))]
    assert lower_left.tolist() == [0.0, 0.0]  # trimesh counts rows of a texture from the bottom
