"""The statistics that cells are scored by know neither where a tile begins nor how it is turned."""

import pytest
import torch
from tiles import MATERIALS, noise_tile, render
from tilewright.evaluation import pictures
from tilewright.evaluation.copies import fingerprints, turns, unit_length
from tilewright.evaluation.features import color_features, grey_spectrum, structure_features, texture_features
from tilewright.evaluation.pictures import measure
from tilewright.evaluation.spectrum import lowest_frequencies, on_grid


@pytest.mark.parametrize("shift", [(1, 0), (0, 7), (13, 29)])
def test_rolling_a_tile_changes_no_statistic(shift):
    tile = render(2, 1)[None]
    difference = texture_features(tile.roll(shift, (-2, -1))) - texture_features(tile)
    assert difference.abs().max() <= 1e-6


def test_turning_and_mirroring_a_tile_changes_no_statistic():
    tile = render(2, 1)[None]
    turned = turns(tile).squeeze(0).movedim(1, 0)  # (8, 3, H, W)
    assert (texture_features(turned) - texture_features(tile)).abs().max() <= 1e-6


def test_a_larger_copy_moves_the_statistics_less_than_another_material_does():
    small, large = (torch.stack([render(m, 3, size) for m in range(len(MATERIALS))]) for size in (256, 512))
    features = texture_features(small)
    by_size = (texture_features(large) - features).norm(dim=1)
    assert by_size.max() < 0.25 * torch.pdist(features).min()


def test_another_seed_of_a_material_lies_nearer_than_another_material():
    first, second = (texture_features(torch.stack([render(m, s) for m in range(4)])) for s in (1, 2))
    scale = torch.cat([first, second]).std(0).clamp(min=0.05)
    assert torch.equal(torch.cdist(first / scale, second / scale).argmin(1), torch.arange(4))


@pytest.mark.parametrize("picture", [torch.zeros(1, 3, 64, 64), torch.full((1, 3, 48, 80), 0.3)])
def test_a_picture_of_one_colour_has_finite_statistics(picture):
    assert texture_features(picture).isfinite().all()


def test_a_single_wave_is_where_it_should_be():
    x = torch.arange(64) / 64
    wave = torch.cos(2 * torch.pi * 5 * x).expand(1, 64, 64)
    spectrum = lowest_frequencies(wave, 24)
    assert spectrum[0, 24, 24 + 5].real == pytest.approx(0.5)
    assert spectrum.abs().sum() == pytest.approx(1.0, abs=1e-5)
    assert torch.allclose(on_grid(spectrum, 64), wave.double(), atol=1e-6)


def test_frequencies_that_an_image_cannot_hold_are_none():
    assert lowest_frequencies(torch.rand(1, 16, 16), 24)[0, 24, 24 + 8 :].abs().max() == 0


def test_the_parts_of_the_statistics_are_those_of_pictures_measured_together():
    tiles = torch.stack([render(m, 5, size=96) for m in range(len(MATERIALS))])
    spectra = torch.cat([grey_spectrum(tile[None]) for tile in tiles])
    parts = torch.cat([structure_features(spectra), color_features(tiles)], 1)
    alone = torch.cat([texture_features(tile[None]) for tile in tiles])
    assert (parts - alone).abs().max() < 1e-9
    assert (unit_length(spectra) - fingerprints(tiles)).abs().max() < 1e-12
    measured = measure(tile for tile in tiles)
    assert torch.equal(measured.features, parts) and len(measured) == len(tiles)


def test_more_pictures_than_are_summed_up_together_keep_their_order(monkeypatch):
    tiles = [render(m, 5, size=64) for m in range(3)]
    whole, counted = measure(tiles), []
    monkeypatch.setattr(pictures, "AT_ONCE", 2)
    parted = measure(iter(tiles), lambda: counted.append(1))
    assert (parted.features - whole.features).abs().max() < 1e-9
    assert torch.equal(parted.fingerprints, whole.fingerprints) and torch.equal(parted.seamless, whole.seamless)
    assert len(parted) == len(counted) == 3


def test_pictures_are_measured_together_as_each_by_itself():
    sizes = [64] * 12 + [96, 64, 20, 300]
    pictures = [noise_tile(size, seed) for seed, size in enumerate(sizes)]
    pictures[3][:, 10:12, 5] = torch.nan
    pictures[5] = torch.full((3, 64, 64), 0.25)
    pictures[7] *= torch.linspace(0.3, 1, 64)  # which does not tile
    seen = []
    together = measure(pictures, lambda: seen.append(1))
    alone = [measure([picture]) for picture in pictures]
    assert len(seen) == len(pictures)
    for name in ("features", "fingerprints", "sound", "seamless"):
        torch.testing.assert_close(getattr(together, name), torch.cat([getattr(one, name) for one in alone]))
    assert together.sound.tolist() == [number not in (3, 5) for number in range(len(sizes))]
    assert not together.seamless[[3, 5, 7, 14]].any() and together.seamless[0]


def test_the_brightness_of_a_wave_is_its_spectrum_and_its_colours_are_grey():
    x = torch.arange(64) / 64
    wave = (0.5 + 0.25 * torch.cos(2 * torch.pi * 3 * x)).expand(1, 3, 64, 64)
    spectrum = grey_spectrum(wave)
    assert spectrum.abs()[0, 64, [61, 64, 67]].tolist() == pytest.approx([0.125, 0, 0.125], abs=1e-6)
    assert unit_length(spectrum).abs().square().sum() == pytest.approx(1)
    colors = color_features(wave)[0]
    assert colors[1:3].abs().max() < 1e-3, "neither red or green nor blue or yellow"
