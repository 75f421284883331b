"""Maps that others made, where they lie beside the project: what Tilewright finds in them."""

from pathlib import Path

import pytest
import torch
from tilewright.common.axes import Axes
from tilewright.common.conventions import CLEAR, detect_convention, slopes
from tilewright.common.images import read_image
from tilewright.common.seams import seam_statistics
from tilewright.material.derivatives import height_gradient
from tilewright.material.filters import gaussian_blur
from tilewright.material.height_from_normal import height_from_normals
from tilewright.material.occlusion import horizon_occlusion
from tilewright.material.validation import agreement
from tilewright.nodes.material import HeightFromImage, HeightToNormal

TEXTURES = Path(__file__).resolve().parents[4] / "shared" / "data" / "textures"
BOTH = Axes(True, True)
pytestmark = pytest.mark.skipif(not TEXTURES.is_dir(), reason="the textures of godot-demo-projects are not there")


def read(name):
    return read_image(TEXTURES / name)[None]


@pytest.mark.parametrize(
    ("name", "convention"), [("texture_bricks_normal.jpg", "OpenGL"), ("sand_normal.jpg", "DirectX")]
)
def test_the_convention_of_shipped_normal_maps(name, convention):
    detected, factor = detect_convention(read(name))
    assert detected == convention
    assert factor > CLEAR


@pytest.mark.parametrize("name", ["texture_bricks_normal.jpg", "sand_normal.jpg"])
def test_shipped_normals_are_nearly_a_surface(name):
    """What is left are 8 bits, JPEG, and what their makers painted: the wrong convention leaves three times as much."""
    normals = read(name)[:, :3]
    right = detect_convention(normals)[0]
    wrong = "DirectX" if right == "OpenGL" else "OpenGL"
    misfit = {each: float(height_from_normals(normals, each, "spectral", BOTH).misfit) for each in (right, wrong)}
    assert misfit[right] < 5
    assert misfit[wrong] > 2.5 * misfit[right]


def test_the_depth_of_the_bricks_is_the_opposite_of_their_normals():
    """White is deep there. The shapes agree by 0.4 and not by 1: that depth map is blurred and knows only the joints,
    its normals have the grain of every brick."""
    depth, normals = read("texture_bricks_depth.jpg")[:, :1], read("texture_bricks_normal.jpg")[:, :3]
    found = agreement(depth, normals, "OpenGL", 1.0)
    assert found.correlation == pytest.approx(-0.4, abs=0.02)
    assert agreement(1 - depth, normals, "OpenGL", 1.0).correlation == pytest.approx(0.4, abs=0.02)
    assert abs(agreement(1 - depth, normals, "DirectX", 1.0).correlation) < 0.25


def correlation(one, other):
    return float(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1])


def test_the_bricks_agree_better_in_what_the_depth_map_knows():
    """Both smoothed over 4 px: without the grain that only the normals have."""
    height = 1 - read("texture_bricks_depth.jpg")[:, :1]
    shipped = slopes(read("texture_bricks_normal.jpg")[:, :3], "OpenGL")
    smooth = [gaussian_blur(slope.clamp(-10, 10), 4.0, BOTH) for slope in shipped]
    ours = height_gradient(gaussian_blur(height, 4.0, BOTH), "scharr", BOTH)
    assert correlation(torch.cat(ours), torch.cat(smooth)) == pytest.approx(0.54, abs=0.03)


def test_the_occlusion_of_the_rock_follows_the_shipped_one_where_white_is_deep():
    depth, shipped = (torch.nn.functional.avg_pool2d(read(f"rock_{name}.jpg")[:, :1], 4) for name in ("depth", "ao"))
    right, wrong = (horizon_occlusion(50 * height, 16, 8, BOTH).visibility for height in (1 - depth, depth))
    assert correlation(right, shipped) > 0.4
    assert correlation(wrong, shipped) < -0.3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rock_albedo.jpg", "texture_bricks.jpg"])
def test_photographs_that_tile_give_heights_and_normals_that_tile(name):
    photo = read(name)[:, :3].movedim(1, -1)
    height, *_ = HeightFromImage.execute(photo)
    normal, *_ = HeightToNormal.execute(height, height_cm=2.0)
    for image in (height, normal):
        for axis in ("x", "y"):
            before = seam_statistics(photo.movedim(-1, 1), axis)
            assert seam_statistics(image.movedim(-1, 1), axis).q < 1.25 * max(before.q, 1)


def test_the_light_of_a_photograph_is_flattened():
    """Wood that is lit in its middle: the corners are darker by a third, and by little once the light is out."""
    wood = read("texture_wood.png")[:, :3].movedim(1, -1)

    def unevenness(**settings):
        height, *_ = HeightFromImage.execute(wood, axes="none", **settings)
        blocks = torch.nn.functional.avg_pool2d(height.movedim(-1, 1)[:, :1], 128)
        return float(blocks.std())

    assert unevenness(flatten=1.0) < 0.4 * unevenness(flatten=0.0)
