"""Rows of a material: what they see, what they are told, which are known, and how much they follow their prompts."""

import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.sets.given_rows import given_rows, in_place_of, of_all_rows
from tilewright.sets.prompt_rows import lengthened, rows_of_one_length
from tilewright.sets.row_guidance import guidance_scales, guided
from tilewright.sets.shared_rows import check_rows, joined_rows


def numbered(rows, *shape):
    """Tokens that hold the number of their row and, after the point, that of their place."""
    places = torch.arange(shape[-1]) / 10 if len(shape) == 1 else torch.zeros(shape)
    return torch.arange(rows, dtype=torch.float32).view(-1, *(1 for _ in shape)) + places


def test_a_row_sees_the_rows_of_its_material_in_order():
    joined = joined_rows(numbered(4, 2)[..., None], maps=2)
    assert joined.shape == (4, 4, 1)
    first, second = [0.0, 0.1, 1.0, 1.1], [2.0, 2.1, 3.0, 3.1]
    torch.testing.assert_close(joined[..., 0], torch.tensor([first, first, second, second]))


def test_a_window_sees_the_same_window_of_its_siblings():
    rows = torch.arange(8.0).view(8, 1, 1)  # two materials, two maps, two windows
    joined = joined_rows(rows, maps=2, windows=2)[..., 0]
    assert joined.tolist() == [[0, 2], [1, 3], [0, 2], [1, 3], [4, 6], [5, 7], [4, 6], [5, 7]]


def test_heads_stay_apart():
    keys = torch.randn(2, 3, 5, 4)
    joined = joined_rows(keys, maps=2, dim=2)
    assert joined.shape == (2, 3, 10, 4)
    assert torch.equal(joined[0], torch.cat([keys[0], keys[1]], dim=1)) and torch.equal(joined[1], joined[0])


def test_one_map_is_left_alone():
    tokens = torch.randn(3, 5, 4)
    assert joined_rows(tokens, maps=1) is tokens


def test_rows_that_are_no_materials_are_refused():
    check_rows(8, 4)
    with pytest.raises(InputError, match="6 images.*4, 8, 12"):
        check_rows(6, 4)
    with pytest.raises(InputError):
        joined_rows(torch.zeros(6, 2, 2), maps=4)


def test_chunks_of_clip_are_repeated_and_other_texts_go_on_with_their_last_token():
    short, long = torch.randn(1, 77, 3), torch.randn(1, 154, 3)
    rows = rows_of_one_length([short, long])
    assert rows.shape == (2, 154, 3) and torch.equal(rows[0], short[0].repeat(2, 1))
    few, many = torch.randn(1, 4, 3), torch.randn(1, 6, 3)
    rows = rows_of_one_length([few, many])
    assert torch.equal(rows[0, :4], few[0]) and (rows[0, 4:] == few[0, -1]).all() and torch.equal(rows[1], many[0])
    assert lengthened(few, 4) is few


def test_known_rows_are_those_of_which_nothing_is_sampled():
    mask = torch.ones(3, 1, 4, 4)
    mask[0], mask[1, 0, 0, 0] = 0, 0
    assert given_rows(mask, 3).tolist() == [True, False, False]
    assert given_rows(None, 2).tolist() == [False, False]
    assert given_rows(torch.zeros(1, 1, 4, 4), 2).tolist() == [True, True]


def test_known_rows_take_the_place_of_others_whatever_the_batch_repeats():
    given, known, others = torch.tensor([True, False]), torch.ones(2, 3, 2, 2), torch.zeros(2, 3, 2, 2)
    assert in_place_of(given, known, others).flatten(1).amax(1).tolist() == [1, 0]
    assert of_all_rows(given, 4).tolist() == [True, False, True, False]
    assert of_all_rows(given, 8, windows=2).tolist() == [True, True, False, False] * 2


def test_data_maps_are_guided_less_and_never_more():
    kinds = ("basecolor", "normal")
    assert guidance_scales(kinds, 4, 5.0, 2.0).tolist() == [5, 2, 5, 2]
    assert guidance_scales(kinds, 2, 1.5, 2.0).tolist() == [1.5, 1.5]
    cond, uncond = torch.ones(2, 3), torch.zeros(2, 3)
    assert guided(cond, uncond, torch.tensor([5.0, 2.0])).tolist() == [[5] * 3, [2] * 3]
