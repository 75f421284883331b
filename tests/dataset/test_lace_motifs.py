"""Ornaments of lace: their symmetries, and their outlines at places where they are known."""

import math

import numpy as np
import pytest
import torch
from tilewright.dataset.procedural.lace_motifs import garland, ogee, picots, rosette, sprig

PLACES = (torch.rand(2, 500, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 0.5) * 0.9


def turned(x, y, angle):
    return x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle)


def distances(shapes):
    return torch.stack([shape.distance for shape in shapes])


@pytest.mark.parametrize("seed", range(4))
def test_a_rosette_looks_the_same_turned_by_a_petal_and_mirrored(seed):
    def drawn(x, y):
        return distances(rosette(x, y, 8, "round", 0.4, np.random.default_rng(seed), 0.01))

    still = drawn(*PLACES)
    torch.testing.assert_close(drawn(*turned(*PLACES, 2 * math.pi / 8)), still, atol=1e-6, rtol=0)
    torch.testing.assert_close(drawn(PLACES[0], -PLACES[1]), still, atol=1e-6, rtol=0)
    assert not torch.allclose(drawn(*turned(*PLACES, math.pi / 8)), still, atol=1e-2)


def test_a_rosette_has_an_eyelet_in_its_heart_and_ends_at_its_radius():
    shapes = rosette(*PLACES, 8, "pointed", 0.4, np.random.default_rng(1), 0.01)
    assert shapes[-1].fill == "open"
    outside = torch.hypot(*PLACES) > 0.401
    assert outside.any() and distances(shapes)[:, outside].max() < 0
    heart = rosette(torch.zeros(1), torch.zeros(1), 8, "pointed", 0.4, np.random.default_rng(1), 0.01)
    assert heart[-1].distance > 0


def test_picots_are_loops_around_a_circle():
    """Twelve of radius 0.02 at 0.4 from the middle."""
    angle = torch.arange(24) * math.pi / 12
    (loops,) = picots(0.4 * torch.cos(angle), 0.4 * torch.sin(angle), 12, 0.4, 0.02, 0.01)
    assert loops.fill == "open"
    assert loops.distance[::2].tolist() == pytest.approx([0.02] * 12, abs=1e-6)
    assert (loops.distance[1::2] < -0.05).all()


def test_a_sprig_is_a_ring_of_petals_around_an_eyelet():
    x = torch.tensor([0.0, 0.02, 0.1, 0.25])
    petals, vein, middle, eyelet = sprig(x, torch.zeros(4), 5, "round", 0.2, 0.01)
    assert [shape.fill for shape in (petals, vein, middle, eyelet)] == ["cloth", "open", "cloth", "open"]
    assert eyelet.distance.tolist() == pytest.approx([0.024, 0.004, -0.076, -0.226], abs=1e-6)
    assert middle.distance.tolist() == pytest.approx([0.06, 0.04, -0.04, -0.19], abs=1e-6)
    assert petals.distance[2] > 0 > petals.distance[3]
    between = [torch.tensor([0.15 * f(math.pi / 5)]) for f in (math.cos, math.sin)]
    assert sprig(*between, 5, "round", 0.2, 0.01)[0].distance < 0


def test_an_ogee_winds_between_the_motifs():
    """Its middle runs through (0, 1/2) and (1/2, 0); motifs at whole and at half places are far from it."""
    u, v = torch.tensor([0.0, 0.5, 0.0, 0.5, 1.0]), torch.tensor([0.5, 0.0, 0.0, 0.5, 1.5])
    found = ogee(u, v, 0.06, 0.2)
    assert found[[0, 1, 4]].tolist() == pytest.approx([0.03] * 3, abs=1e-6)
    assert (found[2:4] < -0.5).all()
    straight = ogee(torch.tensor([0.25, 0.1]), torch.tensor([0.25, 0.4]), 0.06, 0.0)
    assert straight.tolist() == pytest.approx([0.03, 0.03], abs=1e-6)
    torch.testing.assert_close(ogee(*PLACES, 0.06, 0.3), ogee(PLACES[0] + 1, PLACES[1] - 2, 0.06, 0.3))


def test_a_garland_winds_past_the_motifs_and_is_its_own_mirror_image():
    """Its stem is 0.42 wide of a whole place and 0.13 wide half way, where the next motif is."""
    x, y = torch.tensor([0.42, 0.13, -0.42, 0.2]), torch.tensor([0.0, 0.5, 0.0, 0.0])
    *leaves, stem = garland(x, y, 8, 0.1, 0.01)
    assert len(leaves) == 2 and {shape.fill for shape in (*leaves, stem)} == {"cloth"}
    assert stem.distance.tolist() == pytest.approx([0.008, 0.008, 0.008, -0.212], abs=1e-6)
    still = distances(garland(*PLACES, 8, 0.1, 0.01))
    assert torch.equal(distances(garland(-PLACES[0], PLACES[1], 8, 0.1, 0.01)), still)
    torch.testing.assert_close(distances(garland(PLACES[0], -PLACES[1], 8, 0.1, 0.01)), still)
