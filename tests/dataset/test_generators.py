"""Every generator at its typical parameters: how large a tile is, what it is made of, and what a parameter does."""

import pytest
import torch
from tilewright.common.seams import seam_statistics
from tilewright.dataset.procedural import (
    bricks,
    cobblestone,
    concrete,
    facade,
    gravel,
    herringbone,
    hexagons,
    lace,
    leather,
    marble,
    planks,
    rock,
    roof,
    stylised,
    terrazzo,
    tread,
    weave,
)
from tilewright.dataset.procedural.parameters import draw_parameters
from tilewright.dataset.procedural.render import MAPS, SEE_THROUGH_MAPS, maps_of
from tilewright.dataset.procedural.torus import Torus

pytestmark = pytest.mark.slow

# Generator, its tile's width in cm as so many elements of so many cm, its parts, and what has no effect.
TYPICAL = [
    (bricks, 8 * 7.5, {"brick", "mortar"}, set()),
    (planks, 5 * 13, {"wood", "gaps"}, set()),
    (cobblestone, 6 * 11, {"stone", "gaps"}, set()),
    (weave, 48 * 0.16, {"warp", "weft"}, set()),
    (hexagons, 7 * 5, {"tile", "joint"}, {"metal"}),
    (rock, 120, {"rock"}, set()),
    (terrazzo, 9 * 2.2, {"chips", "cement"}, set()),
    (roof, 7 * 18, {"tiles"}, set()),
    (herringbone, 8 * 7 * 2**0.5, {"wood", "joints"}, set()),
    (concrete, 2 * 120, {"concrete"}, {"boards"}),
    (gravel, 13 * 3, {"stones"}, set()),
    (leather, 14, {"leather"}, set()),
    (marble, 120, {"stone", "veins"}, set()),
    (tread, 6 * 4.2, {"lugs", "plate"}, {"palette"}),
    (lace, 9, {"lace", "ground"}, set()),
    (facade, 2 * 360, {"wall", "trim", "glass"}, set()),
    (stylised, 300, {"stone", "leaves"}, set()),
]

# Generator, a number, and the part that grows with it (1) or shrinks (-1).
EFFECTS = [
    (bricks, "gap", "mortar", 1),
    (planks, "gap", "wood", -1),
    (cobblestone, "gap", "stone", -1),
    (hexagons, "gap", "joint", 1),
    (terrazzo, "filling", "chips", 1),
    (roof, "moss", "tiles", -1),
    (herringbone, "gap", "joints", 1),
    (concrete, "blowholes", "concrete", -1),
    (gravel, "sand", "stones", -1),
    (marble, "veins", "veins", 1),
    (tread, "dirt", "plate", -1),
    (lace, "cord", "lace", 1),
    (stylised, "growth", "leaves", 1),
]

# Generator, and a number of cm that its height spans more of.
RELIEFS = [
    (bricks, "depth"),
    (cobblestone, "dome"),
    (weave, "thickness"),
    (hexagons, "gap"),
    (rock, "ruggedness"),
    (roof, "thickness"),
    (herringbone, "gap"),
    (leather, "depth"),
    (tread, "relief"),
    (lace, "relief"),
    (facade, "cornice"),
]


def name_of(generator):
    return generator.__name__.rpartition(".")[2]


def typical(generator, seed=3, **changes):
    torus = Torus(64, seed, name_of(generator))
    values = draw_parameters(generator.PARAMETERS, torus.rng("parameters"), 0.0) | changes
    return generator.build(torus, values, generator.PALETTES[0].drawn(torus.rng("colors"), 0.0))


def low_and_high(generator, parameter):
    span = generator.PARAMETERS[parameter]
    return [typical(generator, **{parameter: value}) for value in (span.low, span.high)]


@pytest.mark.parametrize(
    ("generator", "size_cm", "parts", "unseen"), TYPICAL, ids=[name_of(generator) for generator, *_ in TYPICAL]
)
def test_a_typical_tile(generator, size_cm, parts, unseen):
    surface, again, other = typical(generator), typical(generator), typical(generator, seed=4)
    assert surface.size_cm == pytest.approx(size_cm)
    assert set(surface.parts) == parts and surface.unseen == unseen
    assert (surface.opacity is not None) == (generator is lace)
    assert surface.color.shape == (3, 64, 64) and surface.height.shape == surface.roughness.shape == (64, 64)
    assert torch.equal(surface.height, again.height) and torch.equal(surface.color, again.color)
    assert not torch.equal(surface.height, other.height)
    assert sum(surface.parts.values()).max() <= 1 + 1e-5
    assert 0 <= surface.metallic.min() and surface.metallic.max() <= 1
    assert (surface.metallic.max() > 0.5) == (generator is tread)
    for axis in ("x", "y"):
        assert seam_statistics(surface.height[None, None], axis).q <= 1.05


@pytest.mark.parametrize(
    ("generator", "parameter", "part", "sign"), EFFECTS, ids=[name_of(generator) for generator, *_ in EFFECTS]
)
def test_a_part_grows_or_shrinks_with_its_parameter(generator, parameter, part, sign):
    low, high = (surface.parts.get(part, torch.zeros(1)).mean() for surface in low_and_high(generator, parameter))
    assert sign * (high - low) > 0.002


@pytest.mark.parametrize(("generator", "parameter"), RELIEFS, ids=[name_of(generator) for generator, _ in RELIEFS])
def test_the_relief_grows_with_its_parameter(generator, parameter):
    low, high = (float(surface.height.amax() - surface.height.amin()) for surface in low_and_high(generator, parameter))
    assert high > 1.05 * low


def test_only_lace_has_an_opacity_among_its_maps():
    assert maps_of("bricks") == MAPS and maps_of("lace") == SEE_THROUGH_MAPS
    assert maps_of("bricks", ["height", "basecolor"]) == ("height", "basecolor")
