"""The Render Procedural node: files, manifest, dataset, and what happens the second time."""

import hashlib

import folder_paths
import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.common.images import composite, read_image
from tilewright.common.manifest import read_manifest
from tilewright.dataset.procedural.render import MAPS, render_folder, render_material
from tilewright.nodes.dataset.render_procedural import RenderProcedural


@pytest.fixture
def output(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_paths, "get_output_directory", lambda: str(tmp_path))
    return tmp_path


def hashes(folder):
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


def test_renders_carry_all_maps_and_a_record(output):
    dataset, folder, report, _ = RenderProcedural.execute("weave", 2, 64, 7, "cloth").result
    assert folder == str(output / "datasets" / "cloth")
    names = {f"weave_000{index}_{kind}.png" for index in range(2) for kind in MAPS}
    assert set(hashes(output / "datasets" / "cloth")) == names | {"manifest.json"}
    assert [sample.map for sample in dataset.samples] == ["basecolor"] * 2
    assert all(sample.tileable and sample.size == (64, 64) and sample.file.exists() for sample in dataset.samples)
    assert [record.seed for record in read_manifest(output / "datasets" / "cloth")] == [7, 8]
    assert dataset.samples[0].record == read_manifest(output / "datasets" / "cloth")[0]
    assert "weave_0001 (seed 8)" in report


def test_the_same_settings_give_the_same_files(output):
    RenderProcedural.execute("bricks", 2, 64, 1, "walls")
    first = hashes(output / "datasets" / "walls")
    RenderProcedural.execute("bricks", 2, 64, 1, "walls")
    assert hashes(output / "datasets" / "walls") == first


def test_other_files_and_other_materials_stay(output):
    folder = output / "datasets" / "mixed"
    RenderProcedural.execute("rock", 1, 64, 0, "mixed")
    (folder / "notes.txt").write_text("mine")
    RenderProcedural.execute("hexagons", 1, 64, 0, "mixed")
    assert (folder / "notes.txt").read_text() == "mine"
    assert [record.name for record in read_manifest(folder)] == ["hexagons_0000", "rock_0000"]


def test_what_earlier_runs_left_in_the_folder_is_named(output):
    assert "earlier run" not in RenderProcedural.execute("bricks", 3, 64, 0, "walls").result[2]
    assert "earlier run" not in RenderProcedural.execute("bricks", 3, 64, 9, "walls").result[2]
    report = RenderProcedural.execute("bricks", 1, 64, 20, "walls").result[2]
    assert "2 materials of earlier runs lie in the same folder" in report
    assert report.endswith("bricks_0001, bricks_0002")


def test_the_images_are_those_of_this_run_whatever_lies_in_the_folder(output):
    RenderProcedural.execute("bricks", 2, 64, 0, "walls")
    dataset, _, _, images = RenderProcedural.execute("rock", 2, 64, 5, "walls", map="height").result
    assert images.shape == (2, 64, 64, 3)
    assert torch.equal(images[1, ..., 1], render_material("rock", 6, 64).maps["height"][0])
    assert [sample.file.name for sample in dataset.samples] == ["rock_0000_height.png", "rock_0001_height.png"]


def test_the_images_follow_the_dataset_up_to_their_limit(output):
    dataset, _, _, images = RenderProcedural.execute("weave", 2, 64, 0, "cloth", map="any", image_limit=8).result
    assert (len(dataset), len(images)) == (2 * len(MAPS), 8)
    for sample, image in zip(dataset.samples, images, strict=False):
        in_file = composite(read_image(sample.file), (0, 0, 0))
        assert (image.movedim(-1, 0) - in_file).abs().max() <= 0.5 / 255 + 1e-6


def test_any_map_and_all_materials(output):
    dataset = RenderProcedural.execute("all", 1, 64, 0, "everything", map="any").result[0]
    materials = {"bricks", "planks", "cobblestone", "weave", "hexagons", "rock", "terrazzo"}
    assert {sample.record.category for sample in dataset.samples} == materials
    assert len(dataset) == len(materials) * len(MAPS)


def test_lace_brings_its_opacity_along(output):
    dataset, _, report, images = RenderProcedural.execute("lace", 1, 64, 3, "trims", map="any").result
    assert [sample.map for sample in dataset.samples] == [*MAPS, "opacity"]
    exact = render_material("lace", 3, 64).maps["opacity"][0]
    assert torch.equal(images[-1, ..., 0], exact)
    assert (read_image(dataset.samples[-1].file)[0] - exact).abs().max() <= 0.5 / 255 + 1e-6
    assert "opacity" in report.splitlines()[0]


def test_a_map_that_a_material_lacks_is_told_before_anything_is_written(output):
    with pytest.raises(InputError, match="bricks has no opacity map"):
        RenderProcedural.execute("bricks", 1, 64, 0, "walls", map="opacity")
    assert not (output / "datasets" / "walls" / "manifest.json").exists()


def test_the_case_studies_are_a_group_of_their_own(output):
    dataset = RenderProcedural.execute("case studies", 1, 64, 0, "sets", leave_out="facade").result[0]
    assert [sample.record.category for sample in dataset.samples] == ["lace", "stylised"]


def test_all_but_one(output):
    dataset = RenderProcedural.execute("all", 1, 64, 0, "known", leave_out="terrazzo").result[0]
    assert [sample.record.category for sample in dataset.samples] == [
        "bricks", "planks", "cobblestone", "weave", "hexagons", "rock"
    ]  # fmt: skip


def test_a_single_material_is_rendered_whatever_is_left_out(output):
    dataset = RenderProcedural.execute("terrazzo", 1, 64, 0, "chips", leave_out="terrazzo").result[0]
    assert [sample.record.category for sample in dataset.samples] == ["terrazzo"]


def test_files_hold_what_the_generator_made(output):
    import cv2

    dataset = RenderProcedural.execute("planks", 1, 64, 3, "boards", map="height").result[0]
    height = cv2.imread(str(dataset.samples[0].file), cv2.IMREAD_UNCHANGED)
    exact = render_material("planks", 3, 64).maps["height"][0].numpy()
    assert height.dtype.name == "uint16"
    assert abs(height / 65535 - exact).max() < 1e-5


def test_an_interrupted_run_keeps_what_it_has_rendered(tmp_path):
    def interrupt(tile):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_folder(tmp_path, ["bricks"], 3, 64, 0, rendered=interrupt)
    assert [record.name for record in read_manifest(tmp_path)] == ["bricks_0000"]


@pytest.mark.parametrize("folder", ["", "../elsewhere", "a/b", "/tmp/x", "con"])
def test_a_folder_that_cannot_be_one_is_told_before_anything_runs(folder):
    assert "folder" in RenderProcedural.validate_inputs(folder=folder)
    with pytest.raises(InputError):
        RenderProcedural.execute("bricks", 1, 64, 0, folder)
