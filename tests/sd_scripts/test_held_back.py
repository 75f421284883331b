"""Whole materials are held back for validation, by a dataset of their own that sd-scripts holds back as a whole."""

import json

import pytest
import torch
from tilewright.common.image_writing import write_png
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.sd_scripts.dataset_files import CONFIG_NAME, Writing, write_dataset
from tilewright.sd_scripts.held_back import held_back, held_back_notes, shares_materials
from tilewright.training.data import held_out_materials


def views(folder, materials="abc", count=3):
    samples = []
    for material in materials:
        for number in range(count):
            file = folder / "in" / f"{material}_v{number}.png"
            write_png(file, torch.rand(3, 8, 8))
            samples.append(
                Sample(file, "basecolor", (8, 8), "wall", f"{material}_v{number}", regularisation=material == "r")
            )
    return TextureDataset(tuple(samples))


def test_a_material_is_held_back_with_all_its_views(tmp_path):
    dataset = views(tmp_path)
    held = held_back(dataset, 0.2, 0)
    assert len(held) == 3 and len({dataset.samples[place].family for place in held}) == 1
    write_dataset(tmp_path / "set", dataset, Writing(), lambda done, total: None, held=held)
    train, measured = json.loads((tmp_path / "set" / CONFIG_NAME).read_text())["datasets"]
    assert (train["validation_split"], measured["validation_split"]) == (0, 1)
    ((subset,), (held_subset,)) = train["subsets"], measured["subsets"]
    (material,) = {file.stem.split()[1][0] for file in (tmp_path / "set" / "validation_1").glob("*.png")}
    assert len(list((tmp_path / "set" / "train_1").glob(f"*{material}_v*.png"))) == 0
    assert len(list((tmp_path / "set" / "train_1").glob("*.png"))) == 6
    assert subset["image_dir"].endswith("train_1") and held_subset["image_dir"].endswith("validation_1")
    assert held_back_notes(dataset, held) == [f"3 images held back for validation, all views of {material}."]


def test_regularisation_is_always_trained(tmp_path):
    dataset = views(tmp_path, "abr")
    held = held_back(dataset, 0.5, 1)
    assert {dataset.samples[place].family for place in held} < {"a", "b"}


def test_of_one_material_nothing_is_held_back_and_that_is_told(tmp_path):
    dataset = views(tmp_path, "a")
    assert held_back(dataset, 0.5, 0) == frozenset()
    assert held_back_notes(dataset, frozenset()) == [
        "All images show one material, so none is held back for validation."
    ]
    write_dataset(tmp_path / "set", dataset, Writing(), lambda done, total: None, held=frozenset())
    (only,) = json.loads((tmp_path / "set" / CONFIG_NAME).read_text())["datasets"]
    assert only["validation_split"] == 0


@pytest.mark.parametrize(("count", "share"), [(1, 0.3), (3, 0.0)])
def test_where_no_views_are_parted_sd_scripts_parts_the_images(tmp_path, count, share):
    dataset = views(tmp_path, count=count)
    assert held_back(dataset, share, 0) is None and held_back_notes(dataset, None) == []
    assert shares_materials(dataset.samples) == (count > 1)
    write_dataset(tmp_path / "set", dataset, Writing(), lambda done, total: None)
    (only,) = json.loads((tmp_path / "set" / CONFIG_NAME).read_text())["datasets"]
    assert "validation_split" not in only


def test_a_share_of_the_materials_is_held_out():
    held = held_out_materials(["a", "a", None, "b", "c", "d"], 0.5, 0)
    assert 2 not in held and (0 in held) == (1 in held)
    assert len({["a", "a", None, "b", "c", "d"][place] for place in held}) == 2
