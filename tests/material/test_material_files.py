"""A material as a folder: names, numbers, bits and its description."""

import json

import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.common.images import read_image
from tilewright.material.engine_presets import PRESETS
from tilewright.material.load_map import load_map
from tilewright.material.material_files import (
    BIT_DEPTHS,
    ExportSettings,
    SurfaceFacts,
    check_new_path,
    check_path,
    claim_folder,
    map_bits,
    material_description,
    save_material,
)

HEIGHT = torch.linspace(0, 1, 64).reshape(1, 1, 8, 8)


def test_a_saved_height_reads_back_within_half_a_16_bit_step(tmp_path):
    saved = save_material(tmp_path, "walls/brick", {"height": HEIGHT}, SurfaceFacts(), ExportSettings(), {})
    assert saved.folder == tmp_path / "walls" / "brick"
    (file,) = saved.files
    assert float((read_image(file) - HEIGHT[0]).abs().max()) <= 0.5 / 65535 + 1e-7
    loaded = load_map(file)
    assert loaded.kind == "height" and loaded.pixels.shape == (1, 1, 8, 8)


def test_a_batch_is_numbered_and_described(tmp_path):
    maps = {"height": HEIGHT.expand(2, -1, -1, -1)}
    saved = save_material(tmp_path, "brick", maps, SurfaceFacts(size_cm=50), ExportSettings(), {})
    assert [file.name for file in saved.files] == ["brick_001_height.png", "brick_002_height.png"]
    description = json.loads((saved.folder / "material.json").read_text(encoding="utf-8"))
    assert description["size_cm"] == 50 and set(description["materials"]) == {"brick_001", "brick_002"}


@pytest.mark.parametrize("name", ["../brick", "/brick", "a//b", "", "con"])
def test_a_name_that_leads_elsewhere_is_refused(name):
    with pytest.raises(InputError):
        check_path(name)


def test_what_nobody_sees_in_a_name_is_refused_in_each_folder_that_is_not_there_yet(tmp_path):
    (tmp_path / "wa\u200blls").mkdir()
    assert check_new_path(" wa\u200blls/brick ", tmp_path) == "wa\u200blls/brick"
    for name in ("wa\u200blls/bri\u200bck", "bri\u200bck"):
        with pytest.raises(InputError, match=r"The name is bri\u200bck, in which nobody sees U\+200B"):
            check_new_path(name, tmp_path)


def test_folders_are_numbered_or_taken(tmp_path):
    assert check_path(" walls/brick ") == "walls/brick"
    names = [claim_folder(tmp_path, "brick", mode).name for mode in ("number", "number", "overwrite")]
    assert names == ["brick", "brick_2", "brick"]


def test_data_maps_get_16_bits_and_colours_8():
    basecolor, height = PRESETS["plain"].files[:2]
    assert [map_bits(file, BIT_DEPTHS[0]) for file in (basecolor, height)] == [8, 16]
    assert [map_bits(file, "8") for file in (basecolor, height)] == [8, 8]


def test_the_description_tells_the_convention_of_the_engine(tmp_path):
    normal = PRESETS["Unreal"].files[1]
    told = material_description(
        {"brick": {normal: tmp_path / "T_brick_N.png"}}, PRESETS["Unreal"], SurfaceFacts(), ExportSettings()
    )
    assert told["normal_convention"] == "DirectX"
    assert told["materials"]["brick"]["N"] == {
        "file": "T_brick_N.png",
        "channels": ["normal.r", "normal.g", "normal.b"],
        "color_space": "linear",
    }
