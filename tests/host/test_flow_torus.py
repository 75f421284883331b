"""Rotary positions that close on themselves: rolling what goes in rolls what comes out, once the text moves along."""

import pytest
import torch
from small_flows import ROTARY, Case, relative
from tilewright.common.axes import Axes
from tilewright.host.flow.positions import patch_of, periodic_positions
from tilewright.seamless.harmonic_positions import rotary_positions


def rolled_back(case, offset):
    """The velocity of latents that are rolled by so many latent pixels, rolled back."""
    with torch.no_grad():
        return case.denoise(case.noisy.roll(offset, (-2, -1)), case.sigmas, case.text).roll(
            [-part for part in offset], (-2, -1)
        )


@pytest.mark.parametrize("name", ROTARY)
def test_rolling_the_latents_equals_moving_the_text(name):
    """With ids moved to 1e-5; with the text where it was, or with ordinary positions, by more than 1e-2."""
    offset = (4, 6)
    case, plain = Case(name, wraps=True), Case(name)
    with torch.no_grad():
        begin = case.denoise.positions.begin
        still = case.denoise(case.noisy, case.sigmas, case.text)
        case.denoise.positions.begin = lambda size, words: begin(size, words, offset)
        if name in ("Lumina2", "ZImage"):
            moved_by_host(case, offset)
        moved = case.denoise(case.noisy, case.sigmas, case.text)
        case.denoise.positions.begin = begin
        if name in ("Lumina2", "ZImage"):
            moved_by_host(case, (0, 0))
    reference = rolled_back(case, offset)
    if name == "Anima":  # its text is looked at from each place alike
        assert relative(still, reference) < 1e-5
    else:
        assert relative(moved, reference) < 1e-5
        assert relative(still, reference) > 1e-2
    assert relative(rolled_back(plain, offset), plain_velocity(plain)) > 1e-2


def moved_by_host(case, offset):
    """The host's own option moves the image of Lumina's kind, by patches."""
    rows, columns = (part // patch_of(case.net) for part in offset)
    forward = type(case.net).forward.__get__(case.net)
    moving = {"rope_options": {"shift_y": rows, "shift_x": columns}}

    def run(*given, transformer_options, **named):
        return forward(*given, transformer_options={**transformer_options, **moving}, **named)

    case.net.forward = run


def plain_velocity(case):
    with torch.no_grad():
        return case.denoise(case.noisy, case.sigmas, case.text)


@pytest.mark.parametrize("name", ROTARY)
def test_without_a_period_the_positions_are_the_hosts(name):
    case = Case(name)
    before = plain_velocity(case)
    positions = periodic_positions(case.net, Axes(True, True))
    positions.embedder.forward = positions
    assert relative(plain_velocity(case), before) < 1e-5
    positions.begin((8, 12), 5)
    assert relative(plain_velocity(case), before) > 1e-2
    positions.end()
    assert relative(plain_velocity(case), before) < 1e-5


def test_only_the_axes_that_wrap_have_a_period():
    case = Case("Flux")
    positions = periodic_positions(case.net, Axes(x=True, y=False))
    positions.begin((8, 12))
    assert positions.periods == {2: 6}


def test_one_turn_further_lies_the_same_place_in_every_family():
    for theta in (256.0, 2000.0, 10000.0):
        here, there = (rotary_positions(torch.arange(16.0)[None] + shift, 24, theta, 16) for shift in (0, 16))
        torch.testing.assert_close(here, there, atol=1e-5, rtol=0)
