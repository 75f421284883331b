"""Copies of renders, whole ones and pieces: pictures of which it is known what they are."""

from dataclasses import replace

import pytest
import torch
from tiles import render
from tilewright.evaluation.copies import fingerprints, nearest, turns
from tilewright.evaluation.overfit import check_overfit, laid_like, overfit_picture
from tilewright.evaluation.patches import PatchMatcher, patch_threshold
from tilewright.evaluation.sheet import ALERT

pytestmark = pytest.mark.slow

TRAINING = [render(m, 0) for m in range(4)]
NAMES = [f"render {number}" for number in range(4)]


def copy_of(number, position, down, across):
    return turns(TRAINING[number])[:, position].roll((down, across), (-2, -1))


@pytest.fixture(scope="module")
def pictures():
    return [copy_of(3, 6, 16, 40), render(2, 77)]


@pytest.fixture(scope="module")
def overfit(pictures):
    return check_overfit(pictures, TRAINING, NAMES, [render(m, 30) for m in range(2)])


def test_a_rolled_and_mirrored_render_is_found_out_and_a_new_one_is_not(overfit):
    assert overfit.copied == [True, False]
    assert overfit.matches[0].render == 3
    assert overfit.matches[0].correlation == pytest.approx(1, abs=1e-3)
    assert overfit.copied_share == 0.5
    assert "picture 1: copy" in overfit.report() and "with render 3" in overfit.report()


def test_pictures_are_counted_as_they_are_compared(pictures):
    told = []
    check_overfit(pictures, TRAINING[:1], NAMES, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]


@pytest.mark.parametrize("position", range(8))
def test_a_render_is_laid_as_it_lies_in_the_picture_to_the_pixel(position):
    lying = copy_of(1, position, 9, 30)
    found = nearest(fingerprints(lying[None])[0], fingerprints(torch.stack(TRAINING)))
    assert (found.render, found.position) == (1, position)
    assert torch.equal(laid_like(TRAINING[1], found), lying)


def test_a_render_that_is_not_square_is_laid_as_it_lies_too():
    wide = [torch.nn.functional.interpolate(one[None], (64, 96), mode="bilinear")[0] for one in TRAINING]
    lying = wide[1].flip(-1).roll((9, 30), (-2, -1))
    found = nearest(fingerprints(lying[None])[0], fingerprints(torch.stack(wide)))
    laid = laid_like(wide[1], found)
    assert found.render == 1 and laid.shape == lying.shape
    assert (laid - lying).abs().mean() < 0.25 * (wide[1] - lying).abs().mean()


def test_the_picture_shows_pairs_most_alike_first_and_frames_copied_pieces(overfit, pictures):
    shown = overfit_picture(overfit, list(reversed(pictures)), TRAINING)  # order comes from the matches, not the pixels
    assert shown.shape == (1, 12 + 192 + 44 + 12, 2 * (2 * 192 + 12 + 24) + 12, 3)
    red = torch.tensor([int(ALERT[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    framed = ((shown[0] - red).abs().amax(-1) < 1e-3)[12 : 12 + 192]
    assert framed[:, 12:204].any() and not framed[:, 216:408].any()


def test_pieces_reach_1_where_they_are_pieces_of_a_render_and_the_limit_is_a_percentile():
    renders = torch.stack(TRAINING[:2])
    matcher = PatchMatcher(renders)
    assert matcher(TRAINING[0]).correlations.nan_to_num(1).min() == pytest.approx(1, abs=1e-3)
    limit = patch_threshold(matcher, [], renders)
    among = torch.cat([matcher(one, without=number).correlations.flatten() for number, one in enumerate(renders)])
    assert (among > limit).sum() == 1 and limit < 1
    assert patch_threshold(matcher, [TRAINING[0]], renders) == pytest.approx(1, abs=1e-3)
    doubled = torch.stack([*TRAINING[:2], TRAINING[0].roll(9, -1)])
    twice = PatchMatcher(doubled)
    assert patch_threshold(twice, [], doubled) == pytest.approx(1, abs=1e-3)
    only = twice(TRAINING[1], without=1).correlations
    assert patch_threshold(twice, [], doubled, (0, 2)) == only[only.isfinite()].quantile(0.99) < 1
    assert patch_threshold(PatchMatcher(renders[:1]), [], renders[:1]) == 1.0


def test_many_pairs_lie_in_rows(overfit, pictures):
    four = replace(overfit, matches=overfit.matches * 2, patches=overfit.patches * 2)
    assert overfit_picture(four, pictures * 2, TRAINING).shape == (1, 12 + 2 * 248, 852, 3)


def test_a_picture_that_shows_nothing_is_told_and_not_called_new(pictures):
    blank = check_overfit([torch.full((3, 64, 64), 0.5), pictures[0]], TRAINING, NAMES)
    assert blank.verdict(0) == "shows nothing" and blank.verdict(1) == "copy"
    assert "1 of 2 pictures show one colour only" in blank.report() and "picture 1: shows nothing" in blank.report()
    single = check_overfit([torch.rand(3, 1, 1)], [torch.rand(3, 1, 1)] * 2, NAMES)
    assert "picture 1: shows nothing" in single.report()
