"""Maps of a material in training: which come together, which are given, and that everything else stays as it was."""

from dataclasses import replace

import pytest
import torch
from test_batches import batches, same
from tilewright.common.errors import InputError
from tilewright.training.batches import Batches
from tilewright.training.config import ObjectiveConfig, TrainingConfig
from tilewright.training.data import BatchOrder, Example, split_validation
from tilewright.training.flow import FlowSchedule, FlowTimes
from tilewright.training.material_sets import check_set_sizes, draw_set_noise, material_sets, noise_alone
from tilewright.training.noise import NoiseSchedule

KINDS = ("basecolor", "normal", "height", "roughness")
TOGETHER = ObjectiveConfig(maps="together", sharing_dropout=0.0, caption_dropout=0.5)
DISCRETE = NoiseSchedule(torch.linspace(0.99, 0.01, 50), "eps")


def example(material, kind, latent=None, **facts):
    drawn = torch.randn(4, 8, 8) if latent is None else latent
    caption, word = f"{kind} of {material}", kind
    given = {"material": material, "material_set": material, "map": kind, "map_word": word, "tileable": True}
    return Example(drawn, caption, (64, 64), **{**given, **facts})


def examples(materials=6, kinds=KINDS):
    """Sets whose maps come one kind after the other, as a folder may list them."""
    ramp = torch.arange(64.0).view(1, 8, 8).expand(4, 8, 8)
    return [example(f"m{number}", kind, ramp + 100 * number) for kind in kinds for number in range(materials)]


def made(objective=TOGETHER, batch_size=2, rows=None):
    config = TrainingConfig(batch_size=batch_size, resolution=64, seed=3, objective=objective)
    return Batches(rows or examples(), config, DISCRETE)


def test_maps_of_a_material_belong_together_and_others_stand_alone():
    rows = [example("a", "height"), example("b", "basecolor", material_set=""), example("a", "basecolor")]
    assert material_sets(rows) == [(2, 0), (1,)]


def test_maps_of_unlike_latents_are_refused_by_the_name_of_their_material():
    rows = [
        Example(torch.zeros(4, 8, width), kind, (8 * width, 64), material_set="wall", map=kind)
        for kind, width in (("basecolor", 8), ("normal", 9))
    ]
    with pytest.raises(InputError, match="material wall.*basecolor 64 x 64, normal 72 x 64"):
        check_set_sizes(rows)
    check_set_sizes([rows[0], replace(rows[1], material_set="plank")])


def test_batches_hold_whole_materials_rolled_alike():
    batch = made()[0]
    assert len(batch.latents) == 8 and batch.given.shape == (2, 4)
    for material in (batch.latents[:4], batch.latents[4:]):
        assert all(torch.equal(row, material[0]) for row in material)
    words = [caption.split()[0] for caption in batch.captions]
    assert words == ["basecolor", "normal", "roughness", "height"] * 2
    shifted = made(replace(TOGETHER, roll=False))[0]
    assert not torch.equal(shifted.latents, batch.latents)


def test_an_epoch_visits_every_material_once_and_does_not_mix_sets_of_unlike_maps():
    rows = [*examples(3), example("few", "basecolor"), example("few", "normal"), example("one", "basecolor")]
    order = BatchOrder(rows, 2, 0, material_sets(rows))
    for step in range(order.batches_per_epoch):
        units = order.units(step)
        assert len({tuple(rows[index].map for index in unit) for unit in units}) == 1
    seen = {unit for step in range(order.batches_per_epoch) for unit in order.units(step)}
    assert seen == set(material_sets(rows))


def test_given_rows_do_not_count_and_the_loss_keeps_its_scale():
    source, found = made(batch_size=4), 0
    for number in range(20):
        batch = source[number]
        given = batch.given.flatten()
        assert (batch.loss_weights[given] == 0).all() and (batch.timesteps[given] == 0).all()
        assert batch.loss_weights.mean().item() == pytest.approx(1)
        found += int(given.any())
    assert found > 5


def test_noise_is_shared_given_or_apart_in_the_shares_that_are_meant():
    draw = torch.Generator().manual_seed(0)
    noise = draw_set_noise(DISCRETE, KINDS, 4000, (8, 8), draw)
    timesteps, given = noise.timesteps.view(4000, 4), noise.given
    some = given.any(1)
    assert some.float().mean().item() == pytest.approx(0.35, abs=0.03)
    assert not given.all(1).any()
    alone = given[some, 0] & (given[some].sum(1) == 1)
    assert 0.5 < alone.float().mean().item() < 0.65
    others = timesteps[~some]
    same_for_all = (others == others[:, :1]).all(1).float().mean().item()
    assert same_for_all == pytest.approx(0.5 / 0.65, abs=0.03)


def test_flow_timesteps_can_be_given_too():
    schedule = FlowSchedule(FlowTimes(), "uniform", 1.0)
    noise = draw_set_noise(schedule, KINDS, 50, (8, 8), torch.Generator().manual_seed(0))
    assert (noise.timesteps[noise.given.flatten()] == 0).all() and noise.timesteps.is_floating_point()


def test_without_sharing_rows_stand_alone():
    batch = made(replace(TOGETHER, sharing_dropout=0.9))[0]
    assert batch.given.shape == (8, 1) and not batch.given.any()
    assert noise_alone(torch.tensor([3, 4])).given.tolist() == [[False], [False]]


def test_a_dropped_caption_keeps_the_maps_word():
    captions = [caption for number in range(10) for caption in made()[number].captions]
    assert {caption for caption in captions if " of " not in caption} == set(KINDS)


def test_processes_share_materials_not_rows():
    batch = made(batch_size=4)[0]
    first, second = batch.every(0, 2), batch.every(1, 2)
    assert torch.equal(first.latents, batch.latents[[0, 1, 2, 3, 8, 9, 10, 11]])
    assert torch.equal(second.given, batch.given[[1, 3]])
    assert second.captions == [batch.captions[row] for row in (4, 5, 6, 7, 12, 13, 14, 15)]


def test_measured_materials_are_whole_and_without_given_rows():
    source = made()
    units = [(unit, 0.5) for unit in source.units_of(source.examples)]
    assert [len(unit) for unit, _ in units] == [4] * 6
    measured = list(source.fixed(units, "validation"))
    assert [len(batch.latents) for batch in measured] == [8, 8, 8]
    assert all(batch.given.shape == (2, 4) and not batch.given.any() for batch in measured)
    assert all((batch.timesteps == 25).all() for batch in measured)


def test_materials_are_held_back_whole():
    trained, held = split_validation(examples(), 0.3, seed=0)
    assert {one.material_set for one in trained}.isdisjoint({one.material_set for one in held})


def test_images_that_are_trained_on_apart_know_nothing_of_sets():
    assert batches()[0].given is None
    assert same(batches()[3], batches()[3])
    apart = made(replace(TOGETHER, maps="apart", caption_dropout=0.9), rows=examples(2))[0]
    assert apart.given is None and "" in apart.captions
