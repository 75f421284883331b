"""Scores from embeddings, of vectors whose angles are known."""

import math

import torch
from tilewright.evaluation.embeddings import contrast, cosines, likeness, views


def test_likeness_is_the_mean_cosine_with_the_renders():
    """Cosines with (1, 0) and (1, 1): of (3, 0) 1 and 1/sqrt(2), of (0, 1) 0 and 1/sqrt(2). Length does not count."""
    renders = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    found = likeness(torch.tensor([[3.0, 0.0], [0.0, 1.0]]), renders)
    half = math.sqrt(0.5)
    torch.testing.assert_close(found, torch.tensor([(1 + half) / 2, half / 2], dtype=torch.float64))


def test_contrast_leaves_alone_what_lowers_all_cosines_alike():
    cosine = cosines(torch.eye(3)[:2], torch.eye(3))
    torch.testing.assert_close(contrast(cosine, [0, 1]), torch.ones(2, dtype=torch.float64))
    torch.testing.assert_close(contrast(cosine - 0.3, [0, 1]), torch.ones(2, dtype=torch.float64))
    assert contrast(cosine[:, :1], [0, 0]) is None


def test_crops_wrap_and_a_small_image_is_its_own_view():
    image = torch.arange(3 * 16 * 16.0).view(3, 16, 16)
    whole, *crops = views(image, 8)
    assert whole is image and [tuple(crop.shape) for crop in crops] == [(3, 8, 8)] * 5
    assert torch.equal(crops[1], image.roll((-12, -9), (-2, -1))[:, :8, :8])
    assert views(image, 16) == [image]
