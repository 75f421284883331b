"""Taggers: their lists of tags, their input, and the tags that become words."""

import numpy as np
import pytest
import torch
from tilewright.captions.tagging import (
    CHARACTER,
    GENERAL,
    RATING,
    TagChoice,
    prepare_deepdanbooru,
    read_vocabulary,
    tagger,
)
from tilewright.common.errors import InputError


@pytest.fixture
def wd(tmp_path):
    rows = ["tag_id,name,category,count", "1,general,9,5", "2,brick_wall,0,9", "3,moss,0,7", "4,^_^,0,1"]
    (tmp_path / "selected_tags.csv").write_text("\n".join(rows), encoding="utf-8")
    return read_vocabulary(tmp_path)


def test_a_wd_list_has_a_category_for_each_tag(wd):
    assert wd.wd and wd.names == ("general", "brick_wall", "moss", "^_^")
    assert wd.categories == (RATING, GENERAL, GENERAL, GENERAL)


def test_a_deepdanbooru_list_knows_characters_from_a_second_file(tmp_path):
    (tmp_path / "tags.txt").write_text("rating:safe\nstone\nsaber\n", encoding="utf-8")
    (tmp_path / "tags-character.txt").write_text("saber\n", encoding="utf-8")
    vocabulary = read_vocabulary(tmp_path)
    assert vocabulary.categories == (RATING, GENERAL, CHARACTER) and not vocabulary.wd


def test_a_list_without_its_columns_is_named(tmp_path):
    (tmp_path / "selected_tags.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="'category'"):
        read_vocabulary(tmp_path)


def test_tags_above_their_threshold_are_written_the_most_probable_first(wd):
    describe = tagger(lambda images: np.array([[0.99, 0.5, 0.8, 0.1]] * len(images)), (4, 4), wd, TagChoice())
    assert describe([torch.zeros(3, 8, 8)]) == ["moss, brick wall"]


def test_a_model_that_does_not_fit_its_list_is_told(wd):
    describe = tagger(lambda images: np.zeros((len(images), 7)), (4, 4), wd, TagChoice())
    with pytest.raises(InputError, match="gives 7 values .* has 4 entries"):
        describe([torch.zeros(3, 8, 8)])


def test_deepdanbooru_sees_rgb_in_0_to_1_with_its_edges_repeated():
    image = torch.tensor([1.0, 0.5, 0.0])[:, None, None].expand(3, 4, 8)  # wide: rows are repeated above and below
    prepared = prepare_deepdanbooru(image, (8, 8))
    assert prepared.shape == (8, 8, 3)
    assert np.allclose(prepared, [1.0, 0.5, 0.0], atol=1e-6)
