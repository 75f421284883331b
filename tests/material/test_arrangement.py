"""Which maps go into which files: alpha, opacity, the direction of green."""

import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.material.arrangement import check_batches, engine_normals, opacity_of_alpha
from tilewright.material.engine_presets import PRESETS

FLAT = torch.tensor([0.5, 0.5, 1.0])[None, :, None, None].expand(1, 3, 4, 4)


def basecolor(alpha):
    return torch.cat([torch.full((1, 3, 2, 2), 0.2), torch.full((1, 1, 2, 2), alpha)], dim=1)


def test_batches_of_one_size_pass_and_others_are_named():
    check_batches({"height": torch.zeros(2, 1, 4, 4), "normal": torch.zeros(2, 3, 4, 4)})
    with pytest.raises(InputError, match="height 2, normal 1"):
        check_batches({"height": torch.zeros(2, 1, 4, 4), "normal": torch.zeros(1, 3, 4, 4)})
    with pytest.raises(InputError, match="No map is connected"):
        check_batches({})


def test_two_channel_normals_get_their_third_and_a_single_channel_is_refused():
    maps, notes = engine_normals({"normal": FLAT[:, :2], "height": FLAT[:, :1]})
    assert torch.equal(maps["normal"], FLAT) and len(notes) == 1
    assert engine_normals({"height": FLAT[:, :1]})[1] == []
    with pytest.raises(InputError, match="one channel"):
        engine_normals({"normal": FLAT[:, :1]})


def test_a_basecolors_alpha_takes_the_place_of_opacity_where_the_engine_has_one():
    maps, notes = opacity_of_alpha({"basecolor": basecolor(0.5)}, PRESETS["Unreal"])
    assert float(maps["opacity"].mean()) == 0.5 and notes == ["opacity: taken from the basecolor's alpha."]


@pytest.mark.parametrize(("alpha", "preset"), [(1.0, "Unreal"), (0.5, "plain")])
def test_an_alpha_that_says_nothing_or_has_its_own_place_stays(alpha, preset):
    assert "opacity" not in opacity_of_alpha({"basecolor": basecolor(alpha)}, PRESETS[preset])[0]


def test_a_connected_opacity_map_wins_over_alpha_and_that_is_said():
    given = {"basecolor": basecolor(0.5), "opacity": torch.zeros(1, 1, 2, 2)}
    maps, notes = opacity_of_alpha(given, PRESETS["Unreal"])
    assert float(maps["opacity"].max()) == 0 and "its alpha was left out" in notes[0]
