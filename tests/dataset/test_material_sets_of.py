"""Which images are the maps of one material: grouped, captioned by their map, normals in OpenGL."""

import math
from dataclasses import replace

import pytest
import torch
from tilewright.common.axes import Axes
from tilewright.common.conventions import flip_green
from tilewright.common.errors import InputError
from tilewright.common.image_writing import write_png
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.dataset.material_sets import LEAVE_OUT, TAKE, material_sets_of
from tilewright.material.normals import normal_map

KINDS = ("basecolor", "normal", "height")


def bumps():
    """(1, 3, 32, 32) OpenGL normals of bumps, which tell their convention."""
    line = torch.sin(2 * math.pi * torch.arange(32) / 16)
    return normal_map((line[:, None] * line)[None, None], 4.0, "scharr", Axes(True, True), "OpenGL")


def dataset(tmp_path, *named, size=(32, 32), **facts):
    """Samples for names such as wall_normal; a normal that ends in dx points down."""
    samples = []
    for name in named:
        material, kind = name.rsplit("_", 1)
        down = kind == "normaldx"
        pixels = flip_green(bumps()) if down else bumps()
        file = tmp_path / f"{name}.png"
        write_png(file, pixels[0])
        kind = "normal" if down else kind
        samples.append(Sample(file, kind, size, material=material, tileable=True, **facts))
    return TextureDataset(tuple(samples))


def found(given, incomplete=TAKE, normals="auto", kinds=KINDS):
    return material_sets_of(given, kinds, incomplete, normals, lambda done, total: None)


def test_maps_come_set_by_set_in_the_order_asked_for(tmp_path):
    given = dataset(tmp_path, "b_height", "a_height", "a_basecolor", "b_basecolor", "a_roughness")
    sets = found(given)
    assert [sample.file.stem for sample in sets.dataset.samples] == [
        "b_basecolor",
        "b_height",
        "a_basecolor",
        "a_height",
    ]
    assert [sample.material_set for sample in sets.dataset.samples] == ["b", "b", "a", "a"]
    assert "2 materials with basecolor, height." in sets.report.splitlines()
    assert "2 materials without normal: b, a." in sets.report.splitlines()


def test_captions_are_the_basecolors_with_the_maps_word(tmp_path):
    given = dataset(tmp_path, "a_normal", "a_basecolor").with_captions(
        lambda sample: "mossy bricks" if sample.map == "basecolor" else "other"
    )
    assert found(given).dataset.captions == ["basecolor texture of mossy bricks", "normal map of mossy bricks"]
    others = given.with_captions(lambda sample: "normal map of slate" if sample.map == "normal" else "")
    assert found(others).dataset.captions == ["basecolor texture of slate", "normal map of slate"]
    bare = found(given.with_captions(lambda sample: ""))
    assert bare.dataset.captions == ["basecolor texture", "normal map"] and "2 captions are" in bare.report


@pytest.mark.parametrize("normals", ["auto", "DirectX"])
def test_normals_that_point_down_are_read_turned(tmp_path, normals):
    sets = found(dataset(tmp_path, "a_basecolor", "a_normaldx"), normals=normals)
    normal = sets.dataset.samples[1]
    torch.testing.assert_close(normal.read(), bumps()[0], atol=0.005, rtol=0)
    assert normal.convention == "OpenGL" and "1 DirectX, which are turned" in sets.report
    again = found(sets.dataset)
    torch.testing.assert_close(again.dataset.samples[1].read(), bumps()[0], atol=0.005, rtol=0)


def test_normals_that_point_up_stay(tmp_path):
    sets = found(dataset(tmp_path, "a_basecolor", "a_normal"))
    torch.testing.assert_close(sets.dataset.samples[1].read(), bumps()[0], atol=0.005, rtol=0)
    assert "Normals: 1 OpenGL, 0 DirectX" in sets.report


def test_incomplete_materials_can_be_left_out(tmp_path):
    sets = found(dataset(tmp_path, "a_basecolor", "a_normal", "b_basecolor"), LEAVE_OUT, kinds=("basecolor", "normal"))
    assert {sample.material for sample in sets.dataset.samples} == {"a"}
    assert "1 material without normal, left out: b." in sets.report


def test_maps_of_unlike_proportions_are_no_set(tmp_path):
    wide = dataset(tmp_path, "b_normal", size=(64, 32)).samples
    given = dataset(tmp_path, "a_basecolor", "a_normal", "b_basecolor")
    sets = found(TextureDataset((*given.samples, *wide)))
    assert {sample.material for sample in sets.dataset.samples} == {"a"} and "unlike proportions" in sets.report


def test_a_second_map_of_a_kind_is_left_out_and_told(tmp_path):
    given = dataset(tmp_path, "a_basecolor", "a_normal", "a_normaldx")
    sets = found(given)
    assert len(sets.dataset) == 2 and "1 file of a map that the material has already" in sets.report


def test_maps_that_are_not_asked_for_are_told(tmp_path):
    given = dataset(tmp_path, "a_basecolor", "a_normal", "a_metallic", "a_ao", "b_ao")
    report = found(given, kinds=("basecolor", "normal")).report
    assert "3 files of maps that are not asked for, left out: 2 ao, 1 metallic." in report


def test_materials_of_one_name_in_two_folders_are_two(tmp_path):
    parts = []
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        parts += dataset(tmp_path / folder, "a_basecolor", "a_height").samples
    sets = found(TextureDataset(tuple(parts)))
    told = [(sample.material_set, sample.file.parent.name, sample.map) for sample in sets.dataset.samples]
    assert told == [
        (name, folder, kind)
        for name, folder in (("a", "one"), ("a_00002", "other"))
        for kind in ("basecolor", "height")
    ]
    again = found(sets.dataset).dataset
    assert [sample.material_set for sample in again.samples] == ["a", "a", "a_00002", "a_00002"]
    assert {sample.material for sample in again.samples} == {"a"}


def test_maps_of_one_material_may_lie_in_folders_of_their_own(tmp_path):
    parts = []
    for name in ("a_basecolor", "a_height"):
        (tmp_path / name).mkdir()
        parts += dataset(tmp_path / name, name).samples
    assert [sample.material_set for sample in found(TextureDataset(tuple(parts))).dataset.samples] == ["a", "a"]


def test_an_image_of_no_material_is_named_as_its_file(tmp_path):
    parts = []
    for folder in ("one", "other", "whole"):
        (tmp_path / folder).mkdir()
        parts += dataset(tmp_path / folder, "a_basecolor").samples
    loose = [replace(sample, material="") for sample in parts[:2]]
    whole = [parts[2], *dataset(tmp_path / "whole", "a_basecolor_height").samples]
    whole[0] = replace(whole[0], material="a_basecolor")
    sets = found(TextureDataset((*loose, *whole)))
    names = ["a_basecolor_00002", "a_basecolor_00003", "a_basecolor", "a_basecolor"]
    assert [sample.material for sample in sets.dataset.samples] == names
    assert [sample.material_set for sample in found(sets.dataset).dataset.samples] == names


def test_regularisation_images_stay_as_they_are(tmp_path):
    given = dataset(tmp_path, "a_basecolor", "a_normal")
    (tmp_path / "class").mkdir()
    prior = dataset(tmp_path / "class", "c_basecolor", regularisation=True).samples
    assert found(TextureDataset((*given.samples, *prior))).dataset.samples[2:] == prior


def test_images_of_one_map_are_no_sets(tmp_path):
    with pytest.raises(InputError, match="No material of the dataset has two"):
        found(dataset(tmp_path, "a_basecolor", "b_basecolor"))
