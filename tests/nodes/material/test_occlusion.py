"""Occlusion against surfaces whose open sky is known on paper."""

import math

import pytest
import torch
from tilewright.common.axes import Axes
from tilewright.material.occlusion import horizon_occlusion, ray_distances
from tilewright.nodes.material import Occlusion

BOTH, NONE, ONLY_X = Axes(True, True), Axes(False, False), Axes(True, False)


@pytest.mark.parametrize("distance", [5, 10, 20, 40])
@pytest.mark.parametrize("height", [5.0, 20.0])
def test_the_foot_of_a_wall(height, distance):
    """Half the sky, and of the other half what is above a long wall: (1 + d / sqrt(d^2 + H^2)) / 2."""
    surface = torch.zeros(1, 1, 301, 100)
    surface[..., 60:] = height
    found = horizon_occlusion(surface, 150, 16, NONE).visibility[0, 0, 150, 60 - distance]
    assert found == pytest.approx((1 + distance / math.hypot(distance, height)) / 2, abs=0.01)


@pytest.mark.parametrize("degrees", [30, 60, 80])
def test_a_bowl_is_equally_dark_everywhere(degrees):
    """A spherical bowl of half-angle a sees (1 + cos a) / 2 of the sky from each of its points."""
    alpha, rim = math.radians(degrees), 60.0
    radius = rim / math.sin(alpha)
    axis = torch.arange(161.0) - 80
    squared = axis[None, :] ** 2 + axis[:, None] ** 2
    bowl = torch.where(squared < rim**2, -torch.sqrt((radius**2 - squared).clamp(min=0)), -radius * math.cos(alpha))
    found = horizon_occlusion(bowl[None, None], 200, 16, NONE).visibility[0, 0]
    inside = squared < (rim - 5) ** 2
    assert (found[inside] - (1 + math.cos(alpha)) / 2).abs().max() < 0.01


def test_open_ground_is_white_and_looks_up():
    sky = horizon_occlusion(torch.full((2, 1, 8, 9), 3.0), 5, 4, BOTH, bent=True)
    assert torch.equal(sky.visibility, torch.ones(2, 1, 8, 9))
    torch.testing.assert_close(sky.bent_normals[:, 2], torch.ones(2, 8, 9))


def test_bent_normals_lean_away_from_the_wall():
    surface = torch.zeros(1, 1, 41, 60)
    surface[..., 40:] = 10.0
    bent = horizon_occlusion(surface, 30, 16, NONE, bent=True).bent_normals[0, :, 20, 35]
    assert bent[0] < -0.2
    assert abs(bent[1]) < 1e-5
    torch.testing.assert_close(bent.norm(), torch.tensor(1.0))


def test_flips_and_quarter_turns_of_the_surface_turn_the_occlusion():
    surface = 10 * torch.rand(1, 1, 24, 24)
    still = horizon_occlusion(surface, 9, 16, BOTH).visibility
    for move in (lambda image: image.flip(-1), lambda image: image.flip(-2), lambda image: image.rot90(1, (-2, -1))):
        torch.testing.assert_close(
            horizon_occlusion(move(surface), 9, 16, BOTH).visibility, move(still), rtol=0, atol=1e-6
        )


@pytest.mark.parametrize("radius", [5, 40], ids=["near", "wider than the image"])
def test_rolling_the_surface_rolls_the_occlusion(radius):
    surface = 10 * torch.rand(1, 1, 20, 31)
    still = horizon_occlusion(surface, radius, 8, BOTH).visibility
    moved = horizon_occlusion(surface.roll((3, 11), (-2, -1)), radius, 8, BOTH).visibility
    torch.testing.assert_close(moved, still.roll((3, 11), (-2, -1)), rtol=0, atol=1e-6)


def test_a_wall_across_the_border_blocks_only_where_it_wraps():
    surface = torch.zeros(1, 1, 9, 40)
    surface[..., -5:] = 8.0
    left = horizon_occlusion(surface, 12, 8, ONLY_X).visibility[0, 0, 4, 2]
    assert left < 0.8
    assert horizon_occlusion(surface, 12, 8, NONE).visibility[0, 0, 4, 2] == 1


def test_rays_visit_every_pixel_near_by_and_end_at_the_radius():
    distances = ray_distances(200)
    assert distances[:33] == list(range(1, 34))
    assert all(1 < after / before < 1.04 for before, after in zip(distances[32:], distances[33:], strict=False))
    assert distances[-1] <= 200
    assert ray_distances(0.3) == [1]


def test_the_node_works_in_cm_and_reports_rows():
    surface = torch.zeros(1, 101, 200)
    surface[..., 100:] = 1.0
    occlusion, bent, report, *_ = Occlusion.execute(surface, height_cm=10.0, size_cm=200.0, radius_cm=60.0, axes="none")
    assert occlusion.shape == bent.shape == (1, 101, 200, 3)
    assert occlusion[0, 50, 90, 0] == pytest.approx((1 + 10 / math.hypot(10, 10)) / 2, abs=0.01)
    assert bent[0, 50, 90, 0] < 0.5
    assert "60 pixels away" in report


def test_bent_normals_follow_the_convention():
    surface = torch.zeros(1, 60, 41)
    surface[:, 40:] = 1.0  # a wall at the bottom: the open sky is up
    opengl = Occlusion.execute(surface, 10.0, 41.0, 20.0, axes="none")[1][0, 35, 20, 1]
    directx = Occlusion.execute(surface, 10.0, 41.0, 20.0, axes="none", convention="DirectX")[1][0, 35, 20, 1]
    assert opengl > 0.55
    assert float(directx) == pytest.approx(float(1 - opengl), abs=1e-6)
