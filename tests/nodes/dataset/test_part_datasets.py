from pathlib import Path

import pytest
from tilewright.common.buckets import Buckets
from tilewright.common.errors import InputError
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.nodes.dataset.split_join import JoinDatasets, SplitDataset


def images(*names, **details):
    return tuple(Sample(Path(name), "basecolor", (4, 4), material=name, **details) for name in names)


def test_the_split_is_by_material_and_stays_when_the_dataset_grows():
    def materials(count):
        kinds = ("basecolor", "height")
        return TextureDataset(
            tuple(
                Sample(Path(f"{n}_{kind}.png"), kind, (4, 4), material=str(n)) for n in range(count) for kind in kinds
            )
        )

    train, validation = SplitDataset.execute(materials(400), 0.25, 3)
    held = {one.material for one in validation.samples}
    assert held.isdisjoint({one.material for one in train.samples})
    assert len(validation) == 2 * len(held)
    assert 80 <= len(held) <= 120
    grown = {one.material for one in SplitDataset.execute(materials(500), 0.25, 3)[1].samples}
    assert held == {name for name in grown if int(name) < 400}
    assert len(SplitDataset.execute(materials(40), 0.0, 3)[1]) == 0
    assert len(SplitDataset.execute(materials(40), 1.0, 3)[0]) == 0


def test_more_images_are_trained_on_like_the_first():
    own, more = images("a.png", repeats=2), images("b.png", "c.png", repeats=3)
    dataset = TextureDataset(own, (0.1, 0.2, 0.3), Buckets(320, 768, 32, False))
    joined, report = JoinDatasets.execute(dataset, TextureDataset(more, (0.9, 0.9, 0.9)), "more images", 2)
    assert joined.samples == own + images("b.png", "c.png", repeats=6)
    assert (joined.background, joined.buckets) == (dataset.background, dataset.buckets)
    assert report.splitlines()[0] == "3 images to train on"
    assert "  14 images an epoch, with repeats" in report.splitlines()


def test_regularisation_images_are_marked_and_counted_apart():
    own, ordinary = images("a.png"), images("b.png", "c.png")
    joined, report = JoinDatasets.execute(TextureDataset(own), TextureDataset(ordinary), "regularisation")
    assert joined.samples == own + images("b.png", "c.png", regularisation=True)
    assert [line for line in report.splitlines() if "image" in line] == [
        "1 image to train on",
        "2 regularisation images",
    ]


def test_regularisation_images_stay_so_when_more_are_added():
    ordinary = images("b.png", regularisation=True)
    joined, _ = JoinDatasets.execute(TextureDataset(images("a.png")), TextureDataset(ordinary), "more images")
    assert joined.samples[1].regularisation


def test_a_file_in_both_is_told():
    with pytest.raises(InputError, match="1 files are in both datasets: b.png. Load each folder once"):
        JoinDatasets.execute(TextureDataset(images("a.png", "b.png")), TextureDataset(images("b.png")), "more images")


def test_a_material_is_held_back_with_all_its_views():
    """As views come from Augment in the graph, and as Load finds them by name where they were saved."""
    materials = [f"wall{number}" for number in range(30)]
    in_graph = [
        Sample(Path(f"{name}_v{view}.png"), "basecolor", (8, 8), material=f"{name}_v{view}", origin=name)
        for name in materials
        for view in (1, 2)
    ]
    saved = [Sample(Path(f"{name}_v7.png"), "height", (8, 8), material=f"{name}_v7") for name in materials]
    originals = [Sample(Path(f"{name}.png"), "basecolor", (8, 8), material=name) for name in materials]
    dataset = TextureDataset((*originals, *in_graph, *saved))
    training, validation = SplitDataset.execute(dataset, 0.3, 0)
    families = [{sample.family for sample in part.samples} for part in (training, validation)]
    assert families[0] | families[1] == set(materials)
    assert not families[0] & families[1]
    assert len(validation) == 4 * len(families[1]) > 0
