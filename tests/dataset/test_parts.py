"""Datasets joined, split and put into buckets."""

from dataclasses import replace
from pathlib import Path

import pytest
from tilewright.common.errors import InputError
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.dataset.bucketing import bucket_dataset
from tilewright.dataset.report import bucket_report, join_report
from tilewright.dataset.split_join import MORE, REGULARISATION, join_datasets, split_by_material


def dataset(*names, size=(512, 512), **fields):
    samples = [Sample(Path(f"{name}.png"), "basecolor", size, name, material=name, **fields) for name in names]
    return TextureDataset(tuple(samples))


def test_joined_samples_follow_their_own_seen_more_often_and_marked():
    joined = join_datasets(dataset("a"), dataset("b", repeats=2), REGULARISATION, repeats=3)
    assert [(sample.caption, sample.repeats, sample.regularisation) for sample in joined.samples] == [
        ("a", 1, False),
        ("b", 6, True),
    ]
    assert "1 regularisation image" in join_report(joined)


def test_a_file_in_both_datasets_is_named():
    with pytest.raises(InputError, match="1 files are in both datasets: a.png"):
        join_datasets(dataset("a", "b"), dataset("a"), MORE)


def test_all_maps_and_views_of_a_material_stay_on_one_side():
    walls = dataset(*(f"wall {number}" for number in range(40)))
    views = [replace(one, file=Path(f"{one.material}_v1.png"), origin=one.material) for one in walls.samples]
    whole = replace(walls, samples=(*walls.samples, *views))
    training, validation = split_by_material(whole, 0.25, seed=1)
    sides = [{sample.family for sample in part.samples} for part in (training, validation)]
    assert not sides[0] & sides[1] and len(training) + len(validation) == 80
    assert 4 <= len(sides[1]) <= 17  # a quarter of forty, give or take what chance gives


def test_a_dataset_that_grows_keeps_its_split_and_regularisation_is_trained():
    few, more = dataset("a", "b", "c"), dataset("a", "b", "c", "d", "e")
    held = {sample.material for sample in split_by_material(few, 0.5, 3)[1].samples}
    assert held == {one.material for one in split_by_material(more, 0.5, 3)[1].samples} & {"a", "b", "c"}
    assert len(split_by_material(dataset("a", "b", regularisation=True), 1.0, 0)[1]) == 0


def test_buckets_count_an_epoch_and_name_what_is_enlarged_cut_or_stretched():
    square = bucket_dataset(dataset("small", size=(256, 256), repeats=3), 512)
    assert square.counts == {(512, 512): 3}
    assert [(sample.caption, factor) for sample, factor in square.enlarged] == [("small", 2.0)]
    wide = bucket_dataset(dataset("wide", size=(3000, 500)), 512)
    assert [sample.caption for sample, _ in wide.cut] == ["wide"] and wide.stretched == []
    tile = bucket_dataset(dataset("tile", size=(3000, 500), tileable=True), 512)
    assert [sample.caption for sample, _ in tile.stretched] == ["tile"] and tile.cut == []
    assert "1 enlarged by more than a tenth: small.png (×2.00)" in bucket_report(square, 512)
