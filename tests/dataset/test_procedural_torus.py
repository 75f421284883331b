"""Noise, cells and occlusion on the torus, on their own."""

import math

import pytest
import torch
from tilewright.common.axes import Axes
from tilewright.dataset.procedural.cells import random_sites, voronoi
from tilewright.dataset.procedural.maps import normal_from_height, occlusion_from_height
from tilewright.dataset.procedural.torus import Torus, shortest_way
from tilewright.material.derivatives import height_gradient
from tilewright.nodes.material import Occlusion


def test_noise_is_the_same_function_at_every_resolution():
    """A band that both can show: the mean of two by two pixels of the larger is the smaller."""
    small, large = (Torus(size, 7).noise("clouds", 2, 8) for size in (64, 512))
    averaged = torch.nn.functional.avg_pool2d(large[None, None], 8)[0, 0]
    assert (averaged - small).abs().max() < 0.15 * small.std()


def test_noise_has_unit_variance_and_no_mean():
    tiles = torch.stack([Torus(256, seed).noise("grain", 8, slope=1.0) for seed in range(8)])
    assert abs(tiles.mean()) < 1e-4
    assert tiles.std() == pytest.approx(1, abs=0.05)


def test_stretched_noise_runs_along_its_axis():
    fibres = Torus(128, 0).noise("fibres", 8, stretch=(10, 1))
    along, across = height_gradient(fibres, "eighth_order", Axes(True, True))
    assert along.abs().mean() < 0.5 * across.abs().mean()


def test_names_have_random_numbers_of_their_own():
    torus = Torus(64, 3)
    first = torus.table("a", 5)
    torus.table("b", 5)
    assert torch.equal(torus.table("a", 5), first)
    assert not torch.equal(torus.table("b", 5), first)


def test_sampling_shifts_and_wraps():
    torus = Torus(32, 0)
    image = torus.noise("any")
    moved = torus.sample(image, torus.u + 3 / 32, torus.v - 5 / 32)
    assert torch.allclose(moved, image.roll((5, -3), (0, 1)), atol=1e-5)


def test_the_short_way_round():
    assert shortest_way(torch.tensor([0.9, -0.7, 0.4])).tolist() == pytest.approx([-0.1, 0.3, 0.4])


def test_cells_of_a_square_lattice():
    """Sites at quarter points: cells are squares of side 1/2, and a site is 1/4 from its borders."""
    sites = torch.tensor([[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]])
    torus = Torus(64, 0)
    cells = voronoi(sites, torus.u, torus.v)
    assert torch.bincount(cells.ids.flatten()).tolist() == [1024] * 4
    assert cells.border.max() == pytest.approx(0.25 - torus.pixel / 2, abs=1e-4)
    assert cells.border.min() >= 0


def test_cells_move_with_their_sites():
    torus, sites = Torus(64, 1), random_sites(Torus(64, 1), "sites", 30, relaxations=2)
    still = voronoi(sites, torus.u, torus.v, 0.01).border
    moved = voronoi((sites + 0.25) % 1, torus.u, torus.v, 0.01).border
    assert torch.allclose(moved, still.roll((16, 16), (0, 1)), atol=1e-4)


def test_relaxed_sites_keep_apart():
    def closest(relaxations):
        sites = random_sites(Torus(64, 4), "sites", 40, relaxations)
        distance = shortest_way(sites[:, None] - sites).norm(dim=-1) + torch.eye(40)
        return distance.min().item()

    assert closest(8) > 3 * closest(0)


def test_the_upper_half_of_a_dome_is_green_in_opengl():
    torus = Torus(64, 0)
    dome = (0.16 - shortest_way(torus.u - 0.5).square() - shortest_way(torus.v - 0.5).square()).clamp(min=0).sqrt()
    normal = normal_from_height(dome, 1.0)
    assert normal[1, 22, 32] > 0.6 and normal[1, 42, 32] < 0.4
    assert normal[0, 32, 42] > 0.6 and normal[0, 32, 22] < 0.4


def test_flat_ground_sees_the_whole_sky_and_a_slot_little_of_it():
    assert torch.equal(occlusion_from_height(torch.zeros(32, 32), 10.0), torch.ones(32, 32))
    slot = torch.ones(64, 64) * 5
    slot[:, 30:34] = 0
    visible = occlusion_from_height(slot, 64.0)
    assert visible[0, 31] < 0.6 and visible[0, 10] == 1


def test_occlusion_wraps():
    height = Torus(64, 0).noise("hills", 2, 12)
    still = occlusion_from_height(height, 20.0)
    assert torch.allclose(occlusion_from_height(height.roll((9, 30), (0, 1)), 20.0), still.roll((9, 30), (0, 1)))


def test_the_rendered_occlusion_is_that_of_the_occlusion_node():
    height = Torus(64, 0).noise("hills", 2, 12)
    rise = float(height.max() - height.min())
    unit = ((height - height.min()) / rise)[None]
    by_node = Occlusion.execute(unit, height_cm=rise, size_cm=40.0, radius_cm=5.0, slices=8)[0]
    torch.testing.assert_close(occlusion_from_height(height, 40.0), by_node[0, ..., 0], rtol=0, atol=1e-4)


def test_the_rendered_occlusion_at_the_foot_of_a_wall_is_the_closed_form():
    """(1 + d / sqrt(d^2 + H^2)) / 2 at the distance d from a long wall of height H."""
    height = torch.zeros(256, 256)
    height[:, 128:] = 1.0
    found = occlusion_from_height(height, 64.0)[10, 128 - 8]  # 2 cm away
    assert found == pytest.approx((1 + 2 / math.hypot(2, 1)) / 2, abs=0.01)
