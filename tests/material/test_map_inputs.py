"""Maps at the door: channels, size, encoding."""

import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.material.map_inputs import alpha_note, check_same_size, read_height, read_normals, single_channel
from tilewright.material.normal_encodings import is_dxt5nm

NORMALS = torch.tensor([0.5, 0.5, 1.0]).expand(1, 4, 4, 3).clone()
NORMALS[0, 0, 0] = torch.tensor([0.8, 0.5, 0.9])  # (0.6, 0, 0.8)


def test_three_equal_channels_are_one_and_colours_give_their_luminance():
    grey = torch.rand(1, 1, 4, 4)
    assert torch.equal(single_channel(grey.expand(1, 3, 4, 4))[0], grey)
    red = torch.tensor([1.0, 0.0, 0.0])[None, :, None, None].expand(1, 3, 4, 4)
    channel, note = single_channel(red)
    assert note == "luminance" and torch.allclose(channel, torch.full((1, 1, 4, 4), 0.2126))


def test_a_height_is_one_channel_and_a_colour_image_is_told():
    heights, notes = read_height(torch.rand(1, 4, 4, 3), what="The height")
    assert heights.shape == (1, 1, 4, 4) and notes == ["The height is a colour image: its luminance was used."]
    with pytest.raises(InputError, match="at least 3 x 3"):
        read_height(torch.rand(1, 2, 4, 3))


def test_normals_come_encoded_as_they_are():
    normals, notes = read_normals(NORMALS, "The normal map")
    assert torch.equal(normals, NORMALS.movedim(-1, 1)) and notes == []
    with pytest.raises(InputError, match="has 1 channel"):
        read_normals(NORMALS[..., :1], "The normal map")


def test_maps_of_other_sizes_are_listed():
    maps = {"height": torch.zeros(1, 1, 4, 4), "normal": torch.zeros(1, 3, 4, 8)}
    check_same_size({"height": maps["height"], "again": maps["height"]})
    with pytest.raises(InputError, match=r"height 4 x 4 \(1\), normal 8 x 4 \(1\)"):
        check_same_size(maps)


def test_dxt5nm_keeps_x_in_alpha_and_nothing_in_red():
    x, y = torch.rand(1, 1, 8, 8) * 0.5 + 0.25, torch.rand(1, 1, 8, 8) * 0.5 + 0.25
    assert is_dxt5nm(torch.cat([torch.ones_like(x), y, torch.zeros_like(x), x], dim=1))
    assert not is_dxt5nm(torch.rand(1, 4, 8, 8))


@pytest.mark.parametrize(
    ("channels", "alpha", "told"), [(4, 0.5, True), (2, 0.0, True), (4, 1.0, False), (3, 0.5, False), (1, 0.0, False)]
)
def test_an_alpha_that_is_left_out_is_told_where_it_is_one(channels, alpha, told):
    pixels = torch.rand(1, channels, 4, 4)
    pixels[:, -1, 0, 0] = alpha
    pixels[:, -1, 1:] = 1.0
    pixels[:, -1, 0, 1:] = 1.0
    found = alpha_note(pixels, "The image")
    assert [note.startswith("The image is see-through in places; its alpha was left out") for note in found] == [
        True
    ] * told
