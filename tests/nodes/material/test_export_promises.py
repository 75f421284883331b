"""What Save Material must not do in silence: opacity, old files, other lengths of numbers, other formats' limits."""

import json
from pathlib import Path

import folder_paths
import numpy as np
import OpenEXR
import pytest
import torch
from PIL import Image
from tilewright.common.errors import InputError
from tilewright.common.images import read_image
from tilewright.material.engine_presets import PRESETS
from tilewright.material.export_notes import format_notes, has_alpha, reduction_notes
from tilewright.material.material_files import ExportSettings, check_length, premultiplied, stale_notes
from tilewright.material.normals import encode_normals, unit
from tilewright.nodes.material import SaveMaterial


@pytest.fixture(autouse=True)
def output(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_paths, "get_output_directory", lambda: str(tmp_path))
    monkeypatch.setattr(folder_paths, "get_temp_directory", lambda: str(tmp_path / "temp"))
    with torch.inference_mode():
        yield tmp_path


def cut_out():
    """A basecolor whose left half is transparent."""
    image = torch.rand(1, 8, 8, 4)
    image[..., 3] = (torch.arange(8) >= 4).float()
    return image


ALPHA_GOES = {"Unreal": "BC", "Unity URP": "BaseMap", "Unity HDRP": "BaseColor", "Godot": "albedo", "glTF": "baseColor"}


@pytest.mark.parametrize(("preset", "suffix"), ALPHA_GOES.items())
def test_a_basecolors_alpha_reaches_the_engine(preset, suffix, output):
    image = cut_out()
    _, report = SaveMaterial.execute("leaf", basecolor=image, preset=preset)
    (file,) = output.glob(f"materials/leaf/*_{suffix}.png")
    assert np.array_equal(np.asarray(Image.open(file)), (image[0] * 255).round().byte().numpy())
    assert "opacity: taken from the basecolor's alpha" in report


@pytest.mark.parametrize(("preset", "suffix"), [("Blender", "Alpha"), ("MaterialX", "opacity")])
def test_where_opacity_is_a_file_of_its_own_alpha_becomes_it(preset, suffix, output):
    image = cut_out()
    SaveMaterial.execute("leaf", "8", basecolor=image, preset=preset)
    found = np.asarray(Image.open(output / f"materials/leaf/leaf_{suffix}.png"))
    assert np.array_equal(found, (image[0, ..., 3] * 255).byte().numpy())


def test_plain_keeps_the_alpha_where_it_is(output):
    _, report = SaveMaterial.execute("leaf", basecolor=cut_out())
    assert [file.name for file in output.glob("materials/leaf/*.png")] == ["leaf_basecolor.png"]
    assert "opacity" not in report


def test_an_opacity_map_stands_before_the_alpha_and_it_is_said(output):
    _, report = SaveMaterial.execute("leaf", basecolor=cut_out(), opacity=torch.full((1, 8, 8), 0.5), preset="Unreal")
    assert np.asarray(Image.open(output / "materials/leaf/T_leaf_BC.png"))[..., 3].tolist() == [[128] * 8] * 8
    assert "its alpha was left out, since there is an opacity map" in report


def test_alpha_that_is_one_throughout_says_nothing(output):
    opaque = torch.cat([torch.rand(1, 8, 8, 3), torch.ones(1, 8, 8, 1)], -1)
    _, report = SaveMaterial.execute("wall", basecolor=opaque, preset="Unreal")
    assert Image.open(output / "materials/wall/T_wall_BC.png").mode == "RGB"
    assert "opacity" not in report


def test_opacity_without_a_basecolor_to_keep_it_is_said():
    _, report = SaveMaterial.execute("m", opacity=torch.rand(1, 8, 8), height=torch.rand(1, 8, 8), preset="Godot")
    assert "opacity: this preset keeps it in the alpha of the basecolor, and no basecolor is connected" in report


def test_alpha_of_other_maps_is_said_to_be_left_out():
    _, report = SaveMaterial.execute("m", roughness=cut_out(), preset="Unreal")
    assert "roughness: its alpha was not written" in report


def test_exr_colours_are_multiplied_by_their_alpha_and_data_is_not(output):
    basecolor = torch.full((1, 4, 4, 4), 0.5)
    _, report = SaveMaterial.execute("m", basecolor=basecolor, roughness=basecolor[..., :1], file_format="EXR float")
    found = OpenEXR.File(str(output / "materials/m/m_basecolor.exr"), separate_channels=False).channels()["RGBA"].pixels
    np.testing.assert_allclose(found[0, 0], [0.2140411 / 2] * 3 + [0.5], atol=1e-6)
    assert "colours are multiplied by their alpha" in report


def test_premultiplied_is_light_times_alpha():
    assert premultiplied(torch.full((3, 1, 1), 0.8), torch.full((1, 1, 1), 0.5)).flatten().tolist() == pytest.approx(
        [0.4, 0.4, 0.4, 0.5]
    )
    assert premultiplied(torch.full((3, 1, 1), 0.8), torch.zeros(0, 1, 1)).shape == (3, 1, 1)


def test_what_a_half_float_cannot_hold_is_refused_before_anything_is_written(output):
    metres = torch.linspace(0, 70000, 64).reshape(1, 8, 8)
    with pytest.raises(InputError, match="The height map reaches 7e.04, and half floats end at 65,504"):
        SaveMaterial.execute("m", height=metres, file_format="EXR half")
    assert list(output.iterdir()) == []
    SaveMaterial.execute("m", height=metres, file_format="EXR float")


def test_the_coarseness_of_half_floats_is_said():
    notes = format_notes({"height": torch.rand(1, 1, 4, 4)}, ExportSettings(file_format="EXR half"))
    assert notes == [
        "height: EXR half has steps of 1/2048 above 0.5, 32 times as coarse as 16 bits. EXR float has none."
    ]
    assert format_notes({"height": torch.rand(1, 1, 4, 4)}, ExportSettings(file_format="EXR float")) == []


def test_clipping_and_reduction_are_counted():
    maps = {"height": torch.tensor([[[[-0.5, 0.5, 2.0]]]]), "roughness": torch.rand(1, 3, 4, 4)}
    assert reduction_notes(maps, "PNG") == [
        "height: 2 pixels lay outside 0..1 and were clipped.",
        "roughness: given in colour; its luminance was written.",
    ]
    assert len(reduction_notes(maps, "EXR float")) == 1


def test_colours_have_alpha_from_their_own_or_from_an_opacity_map():
    grey = torch.rand(1, 1, 4, 4)
    assert has_alpha({"basecolor": torch.rand(1, 4, 4, 4)})
    assert has_alpha({"basecolor": torch.rand(1, 3, 4, 4), "opacity": grey})
    assert not has_alpha({"basecolor": torch.rand(1, 3, 4, 4)})
    assert not has_alpha({"opacity": grey})


def test_what_an_earlier_export_left_is_named(output):
    SaveMaterial.execute("m", basecolor=torch.rand(1, 4, 4, 3), metallic=torch.rand(1, 4, 4))
    _, report = SaveMaterial.execute("m", basecolor=torch.rand(1, 4, 4, 3), if_exists="overwrite")
    assert "Left from an earlier export, and not of this one: m_metallic.png." in report
    _, report = SaveMaterial.execute(
        "m", if_exists="overwrite", basecolor=torch.rand(1, 4, 4, 3), metallic=torch.rand(1, 4, 4)
    )
    assert "earlier export" not in report


def test_stale_notes_name_eight_and_count_the_rest(tmp_path):
    for number in range(10):
        (tmp_path / f"m_{number}.png").touch()
    assert stale_notes(tmp_path, [tmp_path / "m_0.png", tmp_path / "m_9.png"]) == [
        f"Left from an earlier export, and not of this one: {', '.join(f'm_{number}.png' for number in range(1, 9))}."
    ]
    assert stale_notes(tmp_path, [])[0].endswith("m_7.png and 2 more.")


def test_names_may_have_folders_and_the_history_knows_them(output):
    path, _ = result = SaveMaterial.execute("project/wall/brick", basecolor=torch.rand(1, 4, 4, 3))
    assert path == str(output / "materials/project/wall/brick")
    assert result.ui["files"][0] == {
        "filename": "brick_basecolor.png",
        "subfolder": "materials/project/wall/brick",
        "type": "output",
    }
    assert SaveMaterial.execute("project/wall/brick", basecolor=torch.rand(1, 4, 4, 3))[0].endswith("wall/brick_2")


def test_a_link_that_leads_out_of_the_output_folder_is_refused(output, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (output / "materials").mkdir()
    (output / "materials/way_out").symlink_to(outside, target_is_directory=True)
    for if_exists in ("number", "overwrite"):
        with pytest.raises(InputError, match="leads out of"):
            SaveMaterial.execute("way_out/m", basecolor=torch.rand(1, 4, 4, 3), if_exists=if_exists)
    assert list(outside.iterdir()) == []


def test_names_are_too_long_by_their_bytes(output):
    with pytest.raises(InputError, match="too long: its files would have names of 258 bytes"):
        SaveMaterial.execute("砖" * 66, roughness=torch.rand(1, 4, 4), preset="glTF")
    assert list(output.iterdir()) == []
    SaveMaterial.execute("砖" * 60, basecolor=torch.rand(1, 4, 4, 3), preset="glTF")
    check_length("b" * 120, PRESETS["glTF"].files, PRESETS["glTF"])


def test_scenes_and_documents_are_among_the_files():
    names = {}
    for preset in ("glTF", "MaterialX"):
        result = SaveMaterial.execute("m", preset=preset, basecolor=torch.rand(1, 4, 4, 3))
        names[preset] = [file["filename"] for file in result.ui["files"]]
        assert "material.json" in result[1]
    assert names == {"glTF": ["m_baseColor.png", "m.gltf"], "MaterialX": ["m_2_basecolor.png", "m_2.mtlx"]}


def test_a_glb_is_one_file_whatever_the_preset(output):
    result = SaveMaterial.execute(
        "m", basecolor=cut_out(), height=torch.rand(1, 8, 8), preset="Unreal", file_format="GLB"
    )
    assert sorted(file.name for file in (output / "materials/m").iterdir()) == ["m.glb", "material.json"]
    assert [file["filename"] for file in result.ui["files"]] == ["m.glb"]
    assert "the preset Unreal was not used; the height has no place in it" in result[1]
    described = json.loads((output / "materials/m/material.json").read_text())
    assert described["preset"] == "glTF"
    assert described["materials"]["m"]["baseColor"]["file"] == "m.glb"


def hills():
    xy = 0.5 * torch.randn(1, 2, 32, 32, generator=torch.Generator().manual_seed(0))
    return encode_normals(unit(torch.cat([xy, torch.ones(1, 1, 32, 32)], dim=1)))


def test_two_channel_normals_are_written_whole_and_checked_as_such(output):
    two = torch.cat([hills()[:, :2], torch.zeros(1, 1, 32, 32)], dim=1)
    _, report = SaveMaterial.execute("m", "8", normal=two.movedim(1, -1))
    found = np.asarray(Image.open(output / "materials/m/m_normal.png")).astype(int)
    assert np.abs(found - (hills()[0] * 255).round().movedim(0, -1).numpy()).max() <= 1
    assert "it was rebuilt from red and green" in report
    assert "unit length" in report


@pytest.mark.parametrize("steep", [1.0, 30.0], ids=["object space", "a picture of noise"])
def test_the_check_calls_no_normals_good_that_point_inwards(steep):
    wild = encode_normals(unit(torch.randn(1, 3, 32, 32) * torch.tensor([1, 1, steep])[:, None, None]))
    _, report = SaveMaterial.execute("m", normal=wild.movedim(1, -1))
    assert "unit length" not in report
    assert "of its pixels point into the surface" in report


def test_a_mask_is_the_inverse_of_opacity(output):
    """A mask of ComfyUI is 1 where the picture is transparent."""
    mask = (torch.arange(8) < 3).float().expand(1, 8, 8)
    folder, report = SaveMaterial.execute("leaf", basecolor=torch.rand(1, 8, 8, 3), opacity_mask=mask)
    assert torch.equal(read_image(Path(folder) / "leaf_opacity.png"), 1 - mask)
    assert "opacity: the inverse of opacity_mask" in report
    with pytest.raises(InputError, match="Both opacity and opacity_mask"):
        SaveMaterial.execute("leaf", opacity=torch.rand(1, 8, 8, 3), opacity_mask=mask)
    _, report = SaveMaterial.execute("opaque", basecolor=torch.rand(1, 8, 8, 3), opacity_mask=torch.zeros(1, 64, 64))
    assert "nothing of it is see-through" in report
    assert not list(output.rglob("opaque_opacity*"))
