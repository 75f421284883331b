"""A window cuts out of a latent, and of what is larger or smaller than it by whole factors."""

import torch
from tilewright.upscale.windows import Window, crop_all, crop_controls

WINDOW = Window(top=2, left=3, height=2, width=2)


def test_a_window_reaches_around_the_edge():
    latent = torch.arange(16.0).view(1, 1, 4, 4)
    assert WINDOW.crop(latent).tolist() == [[[[11, 8], [15, 12]]]]
    assert WINDOW.crop(latent.repeat_interleave(2, -1).repeat_interleave(2, -2), 2)[0, 0, 0].tolist() == [11, 11, 8, 8]


def test_what_is_added_under_a_window_lies_where_it_was_cut_out():
    values = torch.zeros(1, 1, 4, 4)
    WINDOW.add(values, torch.ones(1, 1, 2, 2))
    assert values[0, 0].nonzero().tolist() == [[2, 0], [2, 3], [3, 0], [3, 3]]


def test_windows_of_a_batch_stand_image_by_image():
    latent = torch.tensor([0.0, 10.0]).view(2, 1, 1, 1) + torch.arange(4.0)
    windows = [Window(0, 0, 1, 2), Window(0, 3, 1, 2)]
    assert crop_all(latent, windows, 4)[:, 0, 0].tolist() == [[0, 1], [3, 0], [10, 11], [13, 10]]


def test_residuals_of_a_controlnet_are_cut_by_their_own_factor():
    """Half the latent's size; a missing one stays missing."""
    controls = {"output": [torch.arange(4.0).view(1, 1, 2, 2), None]}
    cut = crop_controls(controls, [Window(2, 2, 2, 2)], latent_width=4)
    assert cut["output"][0].tolist() == [[[[3]]]]
    assert cut["output"][1] is None
