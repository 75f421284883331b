"""The parts of an export, each on its own."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tilewright.common.errors import InputError
from tilewright.material.arrangement import check_batches, engine_normals, opacity_of_alpha
from tilewright.material.engine_presets import PRESETS, color, grey
from tilewright.material.gltf import alpha_mode, gltf_scene, write_glb, write_glbs, write_scenes
from tilewright.material.map_writers import check_half, png_bytes, with_rounding_noise
from tilewright.material.material_files import (
    ExportSettings,
    Surface,
    check_path,
    claim_folder,
    describe,
    map_bits,
    save_material,
)
from tilewright.material.materialx import materialx_document, write_documents

BASE, HEIGHT = color("baseColor", "basecolor", alpha="opacity"), grey("height", "height")


def test_presets_are_made_of_files_of_colours_and_of_grey():
    assert (BASE.channels, BASE.is_color) == (("basecolor.r", "basecolor.g", "basecolor.b"), True)
    assert (HEIGHT.channels, HEIGHT.is_color) == (("height",), False)


def test_batches_must_match_and_there_must_be_a_map():
    check_batches({"height": torch.zeros(2, 1, 4, 4), "normal": torch.zeros(2, 3, 8, 8)})
    with pytest.raises(InputError, match="height 2, normal 1"):
        check_batches({"height": torch.zeros(2, 1, 4, 4), "normal": torch.zeros(1, 3, 4, 4)})
    with pytest.raises(InputError, match="No map is connected"):
        check_batches({})


def test_engine_normals_leave_other_maps_alone():
    maps = {"height": torch.rand(1, 1, 4, 4)}
    assert engine_normals(maps) == (maps, [])
    signed = {"normal": torch.tensor([-0.6, 0.0, 0.8])[None, :, None, None].expand(1, 3, 4, 4)}
    found, notes = engine_normals(signed)
    torch.testing.assert_close(found["normal"][0, :, 0, 0], torch.tensor([0.2, 0.5, 0.9]))
    assert "signed" in notes[0]


def test_opacity_comes_from_alpha_where_the_preset_has_a_place_for_it():
    leaf = {"basecolor": torch.rand(1, 4, 4, 4) * 0.9}
    assert torch.equal(opacity_of_alpha(leaf, PRESETS["Unreal"])[0]["opacity"], leaf["basecolor"][:, 3:])
    assert "opacity" not in opacity_of_alpha(leaf, PRESETS["plain"])[0]


def test_alpha_modes():
    assert alpha_mode(torch.ones(4, 4)) == "OPAQUE"
    assert alpha_mode(torch.eye(4)) == "MASK"
    assert alpha_mode(torch.full((4, 4), 0.5)) == "BLEND"


def test_a_scene_names_its_images_and_its_geometry():
    scene, geometry = gltf_scene({BASE: {"uri": "a.png"}}, "MASK", 200.0, 100.0)
    assert scene["images"] == [{"uri": "a.png"}]
    assert scene["materials"][0]["alphaMode"] == "MASK"
    assert scene["accessors"][0]["max"] == [1.0, 0.5, 0.0]
    assert len(geometry) == sum(view["byteLength"] for view in scene["bufferViews"])


def test_scenes_have_encoded_names(tmp_path):
    images = {BASE: torch.rand(1, 3, 4, 4)}
    (written,) = write_scenes(tmp_path, {"a #1": {BASE: Path("a #1_baseColor.png")}}, images, (100.0, 100.0))
    assert json.loads(written.read_text())["images"] == [{"uri": "a%20%231_baseColor.png"}]


def test_a_glb_is_a_header_json_and_a_block_of_bytes(tmp_path):
    png = png_bytes(torch.rand(3, 5, 7), 8)
    write_glb(tmp_path / "a.glb", {BASE: png}, "OPAQUE", 100.0, 100.0)
    data = (tmp_path / "a.glb").read_bytes()
    magic, version, length, json_length, kind = struct.unpack("<4sIII4s", data[:20])
    assert (magic, version, length, kind) == (b"glTF", 2, len(data), b"JSON")
    scene, block = json.loads(data[20 : 20 + json_length]), data[20 + json_length + 8 :]
    view = scene["bufferViews"][scene["images"][0]["bufferView"]]
    assert view["byteOffset"] % 4 == 0
    assert (scene["materials"][0]["name"], scene["images"][0]["name"]) == ("a", "a_baseColor")
    assert block[view["byteOffset"] : view["byteOffset"] + view["byteLength"]] == png


def test_every_material_of_a_batch_is_a_glb(tmp_path):
    images = {BASE: torch.rand(2, 3, 4, 4)}
    written = write_glbs(tmp_path, ["a", "b"], images, lambda file, image: png_bytes(image, 8), (100.0, 100.0))
    assert [file.name for file in written] == ["a.glb", "b.glb"]


def test_png_bytes_hold_the_rounded_pixels(tmp_path):
    image = torch.rand(3, 5, 7)
    (tmp_path / "a.png").write_bytes(png_bytes(image, 8))
    assert np.array_equal(
        np.asarray(Image.open(tmp_path / "a.png")), (image * 255).round().byte().movedim(0, -1).numpy()
    )


def test_rounding_noise_is_less_than_half_a_step_and_the_same_every_time():
    image = torch.full((1, 64, 64), 0.5)
    noisy = with_rounding_noise(image)
    assert (noisy - image).abs().max() <= 0.5 / 255
    assert torch.equal(noisy, with_rounding_noise(image))


def test_half_floats_end_at_65504():
    check_half({"height": torch.tensor([-65504.0, 65504.0])})
    with pytest.raises(InputError, match="The height map reaches 6.55.+04"):
        check_half({"height": torch.tensor([65505.0])})


def test_paths_are_names_with_slashes():
    assert check_path(" walls/brick ") == "walls/brick"
    for bad in ("../x", "/x", "x/", "a\\b"):
        with pytest.raises(InputError, match="The name is"):
            check_path(bad)


def test_folders_are_numbered_or_taken_over(tmp_path):
    assert [claim_folder(tmp_path, "a/m", "number").name for _ in range(3)] == ["m", "m_2", "m_3"]
    assert claim_folder(tmp_path, "a/m", "overwrite") == tmp_path / "a/m"


def test_bits_of_colours_and_of_data():
    assert (map_bits(BASE, "16 for data maps"), map_bits(HEIGHT, "16 for data maps")) == (8, 16)
    assert map_bits(BASE, "16") == 16 and map_bits(HEIGHT, "8") == 8


def test_the_description_says_what_every_file_is():
    found = describe({"m": {HEIGHT: Path("m_height.png")}}, PRESETS["Unreal"], Surface(height_cm=3.0), ExportSettings())
    assert (found["normal_convention"], found["height_cm"]) == ("DirectX", 3.0)
    assert found["materials"]["m"]["height"] == {
        "file": "m_height.png",
        "channels": ["height"],
        "color_space": "linear",
    }


def test_a_material_is_saved_without_comfyui(tmp_path):
    saved = save_material(tmp_path, "a/m", {"height": torch.rand(1, 1, 4, 4)}, Surface(), ExportSettings(), {})
    assert saved.folder == tmp_path / "a/m"
    assert saved.files == [tmp_path / "a/m/m_height.png"] and saved.files[0].is_file()
    assert (saved.scenes, saved.notes) == ([], [])


def test_a_document_reads_the_files_beside_it(tmp_path):
    files = {"m": {color("basecolor", "basecolor"): Path("m #1.png")}}
    (written,) = write_documents(tmp_path, files, "PNG", 2.0)
    text = written.read_text(encoding="utf-8")
    assert text == materialx_document("m", files["m"], "srgb_texture", 2.0)
    assert 'value="m #1.png" colorspace="srgb_texture"' in text
