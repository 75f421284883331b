"""Renders that pictures are compared with, read from a dataset on disk."""

import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.common.image_writing import write_png
from tilewright.common.map_files import Reading
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.evaluation.renders import MOST_RENDERS, read_renders


def framed(image, size, tileable):
    return image[:, : size[1], : size[0]] if tileable else 1 - image[:, : size[1], : size[0]]


def sample(folder, number, **others):
    file = folder / f"{number}.png"
    write_png(file, torch.full((3, 8, 8), number / 255))
    return Sample(file, "basecolor", (8, 8), **others)


def test_images_come_in_the_frame_asked_for_and_regularisation_stays_out(tmp_path):
    samples = (sample(tmp_path, 51, tileable=True), sample(tmp_path, 102), sample(tmp_path, 9, regularisation=True))
    found = read_renders(TextureDataset(samples), (6, 4), framed, "training")
    assert found.samples == list(samples[:2]) and found.notes == []
    torch.testing.assert_close(found.pictures[0], torch.full((3, 4, 6), 0.2))
    torch.testing.assert_close(found.pictures[1], torch.full((3, 4, 6), 0.6))


def test_a_damaged_file_is_named_and_left_out_unless_it_is_all_there_is(tmp_path):
    broken = Sample(tmp_path / "broken.png", "basecolor", (8, 8))
    broken.file.write_bytes(b"no image")
    found = read_renders(TextureDataset((broken, sample(tmp_path, 1, tileable=True))), (8, 8), framed, "training")
    assert len(found.pictures) == 1 and "broken.png" in found.notes[0]
    with pytest.raises(InputError, match="held_out has no images to compare with.*broken.png"):
        read_renders(TextureDataset((broken,)), (8, 8), framed, "held_out")


def test_a_render_is_compared_as_its_dataset_reads_it(tmp_path):
    file = tmp_path / "n.png"
    write_png(file, torch.tensor([0.2, 0.4, 1.0])[:, None, None].expand(3, 8, 8))
    normal = Sample(file, "normal", (8, 8), tileable=True, reading=Reading(flip_green=True))
    (picture,) = read_renders(TextureDataset((normal,)), (8, 8), framed, "training").pictures
    assert picture[:, 0, 0].tolist() == pytest.approx([0.2, 0.6, 1.0], abs=1e-6)


def test_of_a_large_set_evenly_spread_ones_are_taken(tmp_path):
    one = sample(tmp_path, 1, tileable=True)
    many = [Sample(one.file, "basecolor", (8, 8), caption=str(n), tileable=True) for n in range(2 * MOST_RENDERS)]
    found = read_renders(TextureDataset(tuple(many)), (8, 8), framed, "training")
    assert [sample.caption for sample in found.samples] == [str(n) for n in range(0, 2 * MOST_RENDERS, 2)]
    assert found.notes == [f"{MOST_RENDERS} of the {2 * MOST_RENDERS} images of training were compared with"]
