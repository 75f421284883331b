"""A training render is found again wherever it was rolled, turned and saved; a new render is not taken for one."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from tiles import render
from tilewright.evaluation.copies import calibrate, fingerprints, nearest, nearest_each, pair_correlations, turns

pytestmark = pytest.mark.slow

TRAINING = torch.stack([render(m, s) for m in range(3) for s in range(3)])
SPECTRA = fingerprints(TRAINING)


def saved_as_jpeg(picture, quality=60):
    file = io.BytesIO()
    Image.fromarray((picture.movedim(0, -1).numpy() * 255).round().astype(np.uint8)).save(file, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(file))).movedim(-1, 0) / 255


@pytest.mark.parametrize("position", range(8))
def test_the_correlation_does_not_depend_on_where_and_how_a_picture_lies(position):
    picture = render(1, 77)
    moved = turns(picture.roll((5, 23), (-2, -1)))[:, position]
    straight, turned = (nearest(fingerprints(one[None])[0], SPECTRA) for one in (picture, moved))
    assert turned.correlation == pytest.approx(straight.correlation, abs=1e-6)
    assert turned.render == straight.render


def test_a_copy_between_the_places_that_are_looked_up_is_found_exactly():
    large = torch.stack([render(m, 5, 256) for m in range(3)])
    moved = large[1].roll((37, 91), (-2, -1))
    match = nearest(fingerprints(moved[None])[0], fingerprints(large))
    assert match.render == 1
    assert match.correlation == pytest.approx(1, abs=1e-9)


def test_the_match_says_how_the_render_lies_on_the_picture():
    picture = turns(TRAINING[4].roll((10, 3), (-2, -1)))[:, 6]
    match = nearest(fingerprints(picture[None])[0], SPECTRA)
    render_laid = turns(TRAINING[match.render])[:, match.position]
    shift = tuple(round(share * 64) for share in match.shift)
    candidates = [render_laid.roll((shift[0] + a, shift[1] + b), (-2, -1)) for a in (-1, 0, 1) for b in (-1, 0, 1)]
    assert min((laid - picture).abs().max() for laid in candidates) < 1e-6


def test_a_rolled_turned_and_compressed_render_is_a_copy_and_a_new_one_is_not():
    held_out = fingerprints(torch.stack([render(m, s) for m in range(3) for s in (10, 11, 12)]))
    calibration = calibrate(held_out, SPECTRA)
    copy = saved_as_jpeg(turns(TRAINING[7].roll((9, 40), (-2, -1)))[:, 3])
    assert nearest(fingerprints(copy[None])[0], SPECTRA).correlation > calibration.threshold
    new = fingerprints(torch.stack([render(m, s) for m in range(3) for s in range(20, 40)]))
    copied = torch.tensor([nearest(one, SPECTRA).correlation > calibration.threshold for one in new]).double().mean()
    expected = calibration.expected
    assert copied <= expected + 3 * (expected * (1 - expected) / len(new)) ** 0.5


def test_a_set_that_holds_a_render_twice_does_not_call_only_that_a_copy():
    doubled = torch.cat([SPECTRA, fingerprints(TRAINING[:1].roll(3, -1))])
    calibration = calibrate(doubled[-1:], doubled)
    assert calibration.highest < 0.95
    assert (calibration.twins, calibration.repeated) == ((0,), (0, len(SPECTRA)))
    assert calibrate(SPECTRA[:0], SPECTRA).repeated == ()


def test_fingerprints_of_many_are_those_of_each():
    assert torch.equal(torch.cat([fingerprints(one[None]) for one in TRAINING[:3]]), SPECTRA[:3])
    assert fingerprints([]).shape == SPECTRA[:0].shape


def test_no_set_is_so_varied_that_a_faint_likeness_counts_as_a_copy():
    fine = fingerprints(torch.rand(6, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    calibration = calibrate(fine[:3], fine[3:])
    assert calibration.highest < 0.3
    assert calibration.threshold == 0.4


def test_a_picture_of_one_colour_is_like_nothing():
    assert nearest(fingerprints(torch.full((1, 3, 64, 64), 0.5))[0], SPECTRA).correlation == 0


def test_many_pictures_at_once_match_as_each_does_by_itself():
    pictures = fingerprints(torch.stack([render(m, 90).roll((m, 7), (-2, -1)) for m in range(3)]))
    for picture, match in zip(pictures, nearest_each(pictures, SPECTRA), strict=True):
        alone = nearest(picture, SPECTRA)
        assert (match.render, match.position) == (alone.render, alone.position)
        assert match.correlation == pytest.approx(alone.correlation, abs=1e-9)
    assert nearest_each(pictures[:0], SPECTRA) == []


def test_a_pair_is_as_alike_as_the_one_is_to_the_other():
    both = torch.cat([SPECTRA[:2], fingerprints(turns(TRAINING[:1].roll(5, -1))[:, :, 3])])
    pairs = pair_correlations(both, [(0, 1), (0, 2), (2, 1)])
    assert pairs.tolist() == pytest.approx([nearest(both[0], both[1:2]).correlation, 1, float(pairs[0])], abs=1e-6)
    assert len(pair_correlations(both, [])) == 0
