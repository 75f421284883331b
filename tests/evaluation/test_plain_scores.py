"""Scores of pictures without an encoder, of pictures whose values are known."""

import pytest
import torch
from tiles import render
from tilewright.common.errors import InputError
from tilewright.evaluation.image_scores import ImageScores, plain_scores, prompts_of


def test_prompts_are_one_for_all_or_stand_together():
    assert prompts_of("a wall", 3) == ["a wall"] * 3
    assert prompts_of("a\n\n b \n", 4) == ["a", "a", "b", "b"]
    assert prompts_of("", 2) == ["", ""]
    with pytest.raises(InputError, match="2 lines for 3 images"):
        prompts_of("a\nb", 3)


def test_contrast_and_colourfulness_are_deviations_over_places_and_over_channels():
    """Half black and half white has no colour; pure red has no contrast, and its channels deviate by sqrt(1/3)."""
    halves, red = torch.zeros(3, 48, 48), torch.zeros(3, 48, 48)
    halves[:, :24], red[0] = 1, 1
    found = plain_scores(torch.stack([halves, red]))
    assert found["contrast"].tolist() == pytest.approx([0.5, 0.0], abs=1e-3)
    assert found["colourfulness"].tolist() == pytest.approx([0.0, (1 / 3) ** 0.5])


def test_the_seam_is_that_of_the_worse_axis_and_unknown_for_small_pictures():
    tile = render(0, 1)
    ramp = tile + torch.linspace(0, 0.5, 64)
    found = plain_scores(torch.stack([tile, ramp, ramp.mT]))["seam"]
    assert found[0] < 1.5 < 3 < found[1]
    assert found[1] == pytest.approx(float(found[2]), rel=0.2)
    assert plain_scores(torch.rand(1, 3, 8, 8))["seam"].isnan().all()


def test_means_stand_in_a_line_each_and_the_rest_of_the_summary_below():
    scores = ImageScores("mine", ["a", "a", "b"], {"seam": torch.tensor([0.2, 0.4, 0.6]), "contrast": torch.ones(3)})
    assert scores.means.splitlines() == [
        "mine: 3 pictures of 2 prompts",
        "seam: mean 0.4000 ± 0.1155 (for one picture: up to 1.05 no line shows)",
        "contrast: mean 1.0000 ± 0.0000",
    ]
    assert scores.report().splitlines()[1:4] == [
        "seam: mean 0.4000 ± 0.1155",
        "  deviation 0.2000, from 0.2000 to 0.6000",
        "  quartiles 0.3000 / 0.4000 / 0.5000",
    ]


def test_scores_that_pictures_do_not_have_are_told():
    tiny = ImageScores("model", ["a"], plain_scores(torch.rand(1, 3, 1, 1)))
    assert tiny.means.splitlines()[0] == "model: 1 picture of 1 prompt"
    for words in (tiny.means, tiny.report()):
        assert "seam: not known of 1 of 1 picture: it needs 24 px a side" in words
        assert "contrast: not known of 1 of 1 picture" in words
    whole = ImageScores("model", ["a", "b"], plain_scores(torch.rand(2, 3, 32, 32)))
    assert "not known" not in whole.means + whole.report()
