"""The pictures of a run: its samples by the names that trainers give, and the images it learns from beside them."""

import pytest
import torch
from tilewright.common.image_writing import write_png
from tilewright.common.images import read_image
from tilewright.common.map_files import Reading
from tilewright.common.texture_dataset import Sample
from tilewright.training.reference_pictures import MOST, SIDE, reference_files, write_references
from tilewright.training.sample_files import sample_files


def test_samples_are_read_off_their_names(tmp_path):
    for name in ("step00000100_1", "step00000020_0", "bricks_000040_01_20260101120000_7", "notes", "x_e000001_00_1"):
        write_png(tmp_path / "samples" / f"{name}.png", torch.zeros(3, 4, 4))
    assert [(one.step, one.prompt) for one in sample_files(tmp_path)] == [(20, 0), (40, 1), (100, 1)]
    assert sample_files(tmp_path / "nothing") == []


def samples(tmp_path, count, size=(8, 8)):
    files = [tmp_path / f"{number}.png" for number in range(count)]
    for file in files:
        write_png(file, torch.full((3, size[1], size[0]), 0.5))
    return [Sample(file, "basecolor", size, caption=f"number {file.stem}") for file in files]


def test_references_are_spread_over_the_set(tmp_path):
    told = write_references(tmp_path / "run", samples(tmp_path, 30))
    assert len(told) == MOST and told[-1]["caption"] == "number 27"
    assert set(reference_files(tmp_path / "run")) == {one["picture"] for one in told}


def test_a_large_image_is_shrunk_and_keeps_its_look(tmp_path):
    (told,) = write_references(tmp_path / "run", samples(tmp_path, 1, (2048, 1024)))
    picture = read_image(reference_files(tmp_path / "run")[told["picture"]])
    assert picture.shape[1:] == (SIDE // 2, SIDE)
    assert (picture - 0.5).abs().max() < 0.01


def test_what_cannot_be_read_is_passed_over(tmp_path):
    (one,) = samples(tmp_path, 1)
    one.file.write_bytes(b"no picture")
    assert write_references(tmp_path / "run", [one]) == []


def test_a_reference_looks_as_its_dataset_reads_it(tmp_path):
    file = tmp_path / "n.png"
    write_png(file, torch.tensor([0.2, 0.4, 1.0])[:, None, None].expand(3, 8, 8))
    write_references(tmp_path / "run", [Sample(file, "normal", (8, 8), reading=Reading(flip_green=True))])
    (written,) = reference_files(tmp_path / "run").values()
    assert read_image(written)[:, 0, 0].tolist() == pytest.approx([0.2, 0.6, 1.0], abs=1e-6)
