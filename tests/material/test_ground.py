"""What the algorithms stand on: strips, what lies beyond the border, filters, and maps as they arrive."""

import math

import pytest
import torch
from tilewright.common.axes import Axes
from tilewright.common.errors import InputError
from tilewright.material.blending import udn, whiteout
from tilewright.material.derivatives import KERNELS, Kernel, kernel_gradient, kernel_slope
from tilewright.material.extrapolate import extend, parabola, strip_around
from tilewright.material.filters import filter_lines
from tilewright.material.height_from_normal import slope_response
from tilewright.material.map_inputs import check_same_size, read_height, read_map, read_normals, single_channel
from tilewright.material.normal_encodings import is_dxt5nm
from tilewright.material.normals import decode_unit_normals, encode_normals, length_error, unit
from tilewright.material.strips import empty_image, lines_at_once, row_strips
from tilewright.material.validation import Agreement, agreement_line

BOTH, NONE = Axes(True, True), Axes(False, False)


def test_row_strips_cover_every_row_once():
    assert list(row_strips(10, 4)) == [slice(0, 4), slice(4, 8), slice(8, 10)]


def test_a_sample_of_strips_is_one_in_so_many_all_over():
    sampled = [strip.start for strip in row_strips(1000, 1, every=10)]
    assert len(sampled) == 100
    assert [start // 10 for start in sampled] == list(range(100))
    assert len({start % 10 for start in sampled}) == 10


def test_lines_at_once_hold_so_many_pixels_and_are_one_at_least():
    image = torch.zeros(2, 1, 100, 50)
    assert lines_at_once(image, 1000) == 10
    assert lines_at_once(image, 1000, -2) == 5
    assert lines_at_once(image, 1) == 1


def test_empty_images_are_like_their_model_unless_told():
    like = torch.zeros(2, 3, 4, 5, dtype=torch.float64)
    assert (empty_image(like, 1).shape, empty_image(like, 1).dtype) == ((2, 1, 4, 5), torch.float64)
    assert (empty_image(like, 2, torch.float32, 9).shape, empty_image(like, 2, torch.complex64).dtype) == (
        (2, 2, 4, 9),
        torch.complex64,
    )


def test_a_parabola_goes_on_as_it_is():
    x = torch.arange(-3.0, 5.0)
    assert torch.equal(parabola((x**2)[None, 3:], 3), (x**2)[None, :3])


def test_what_wraps_sees_its_other_side_and_what_does_not_goes_on():
    image = torch.arange(4.0).expand(1, 1, 4, 4)
    assert extend(image, 1, BOTH)[0, 0, 0].tolist() == [3, 0, 1, 2, 3, 0]
    assert extend(image, 1, NONE)[0, 0, 0].tolist() == [-1, 0, 1, 2, 3, 4]
    level = extend(image, 2, NONE, lambda edge, pad: edge[..., :1].expand(*edge.shape[:-1], pad))
    assert level[0, 0, 0].tolist() == [0, 0, 0, 1, 2, 3, 3, 3]


@pytest.mark.parametrize("axes", [BOTH, NONE])
def test_a_strip_with_its_surroundings_is_a_part_of_the_whole(axes):
    image = torch.rand(1, 1, 9, 7)
    whole = extend(image, 2, axes)
    assert torch.equal(strip_around(image, slice(3, 6), 2, axes), whole[..., 3:10, :])
    assert torch.equal(strip_around(image, slice(0, 2), 2, axes), whole[..., :6, :])


def test_a_filter_multiplies_each_wave_by_its_response():
    wave = torch.sin(2 * math.pi * 5 * torch.arange(64) / 64).expand(1, 1, 3, 64)
    halved = filter_lines(
        wave, lambda omega: torch.where((omega - 2 * math.pi * 5 / 64).abs() < 1e-6, 0.5, 1.0), -1, True
    )
    torch.testing.assert_close(halved, wave / 2)


def test_kernels_know_their_reach_and_answer_a_ramp_by_its_slope():
    assert {name: kernel.radius for name, kernel in KERNELS.items()} == {
        "central": 1, "sobel": 1, "scharr": 1, "scharr_5": 2, "eighth_order": 4
    }  # fmt: skip
    ramp = (3 * torch.arange(7.0)).expand(1, 1, 7, 7)
    p, q = kernel_gradient(ramp, Kernel((1 / 2,), (1 / 2, 1 / 4)))
    assert torch.equal(p, torch.full((1, 1, 5, 5), 3.0)) and q.abs().max() == 0
    assert torch.equal(kernel_slope(ramp, KERNELS["central"], -1), torch.full((1, 1, 7, 5), 3.0))


def test_the_response_of_central_differences_is_the_sine():
    """To a wave that runs along the axis and one that runs across it."""
    along, still = torch.tensor([0.5, math.pi]), torch.zeros(2)
    torch.testing.assert_close(slope_response(along, still, "central"), torch.sin(along))
    assert slope_response(still, along, "scharr").tolist() == [0, 0]
    assert slope_response(along, still, "spectral").tolist() == [0.5, 0]  # none at the Nyquist frequency


def leaning(x, y):
    return unit(torch.tensor([x, y, 1.0])[None, :, None, None])


def test_whiteout_adds_slopes_and_multiplies_what_points_up():
    torch.testing.assert_close(whiteout(leaning(0.3, 0.0), leaning(0.0, 0.0)), leaning(0.3, 0.0))
    ground, detail = leaning(0.75, 0.0), leaning(0.0, 0.75)  # (0.6, 0, 0.8) and (0, 0.6, 0.8)
    torch.testing.assert_close(whiteout(ground, detail), unit(torch.tensor([0.6, 0.6, 0.64])[None, :, None, None]))
    torch.testing.assert_close(udn(ground, detail), unit(torch.tensor([0.6, 0.6, 0.8])[None, :, None, None]))


def test_lengths_and_unit_normals():
    short = torch.tensor([0.0, 0.3, 0.4])[None, :, None, None]
    assert length_error(short) == pytest.approx(0.5)
    torch.testing.assert_close(decode_unit_normals(encode_normals(short)), 2 * short)


def test_maps_arrive_channels_first_in_float32_and_three_pixels_wide():
    pixels, notes = read_map(torch.rand(2, 4, 5, 3, dtype=torch.float16), "The map")
    assert (pixels.shape, pixels.dtype, notes) == ((2, 3, 4, 5), torch.float32, [])
    with pytest.raises(InputError, match="The map is 2 x 4 pixels"):
        read_map(torch.rand(1, 4, 2, 3), "The map")


def test_heights_beyond_0_to_1_are_named_with_what_their_unit_is_in_cm():
    metres, notes = read_height(torch.linspace(363, 1397, 25).reshape(1, 5, 5))
    assert metres.max() == 1397
    (note,) = notes
    assert note.startswith(
        "The height goes from 363 to 1397, beyond 0..1. A rise of 1 counts as height_cm: 100 for heights"
    )


def test_normals_arrive_whole():
    flat = torch.tensor([0.5, 0.5, 1.0]).repeat(1, 4, 4, 1)
    normals, notes = read_normals(flat, "The normal map")
    assert torch.equal(normals, flat.movedim(-1, 1)) and notes == []


def test_grey_is_taken_from_equal_channels_exactly_and_from_colours_by_luminance():
    grey = torch.rand(1, 1, 3, 3)
    assert torch.equal(single_channel(grey.expand(-1, 3, -1, -1))[0], grey)
    values, note = single_channel(torch.tensor([1.0, 0.0, 0.0])[None, :, None, None])
    assert (float(values), note) == (pytest.approx(0.2126), "luminance")


def test_maps_of_two_sizes_are_named():
    check_same_size({"a": torch.zeros(1, 3, 4, 5), "b": torch.zeros(1, 1, 4, 5)})
    with pytest.raises(InputError, match=r"a 5 x 4 \(1\), b 4 x 4 \(1\)"):
        check_same_size({"a": torch.zeros(1, 3, 4, 5), "b": torch.zeros(1, 3, 4, 4)})


def test_dxt5nm_has_nothing_in_red_and_x_in_alpha():
    x, y, one = torch.rand(1, 1, 8, 8) * 0.4 + 0.3, torch.rand(1, 1, 8, 8) * 0.4 + 0.3, torch.ones(1, 1, 8, 8)
    assert is_dxt5nm(torch.cat([one, y, y, x], dim=1))
    assert not is_dxt5nm(torch.cat([x, y, one, one], dim=1))


@pytest.mark.parametrize(
    ("correlation", "told"), [(0.9, "show the same surface"), (-0.9, "are opposite"), (0.1, "show different surfaces")]
)
def test_agreement_in_words(correlation, told):
    assert told in agreement_line(Agreement(correlation, 1.0))
