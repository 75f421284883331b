"""What is said of a material before an engine shows it."""

import pytest
import torch
from tilewright.common.axes import Axes
from tilewright.common.conventions import flip_green
from tilewright.material.filters import gaussian_blur
from tilewright.material.normals import normal_map
from tilewright.material.validation import agreement, normal_lines, seam_figures, seam_lines, seams_of_maps, validate

BOTH = Axes(True, True)


@pytest.fixture(scope="module")
def height():
    noise = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(2))
    smooth = gaussian_blur(noise, 2.0, BOTH)
    return (smooth - smooth.min()) / (smooth.max() - smooth.min())


def normals(height, convention="OpenGL", scale=10.0):
    return normal_map(height, scale, "scharr", BOTH, convention)


def checked(maps, height_cm=10.0, size_cm=64.0):
    return validate(maps, seams_of_maps(maps), "OpenGL", height_cm, size_cm)


def test_a_good_material_is_called_good(height):
    lines = checked({"height": height, "normal": normals(height)})
    assert lines[0] == "height, normal, left–right: seamless · top–bottom: seamless"
    assert [line.split(" (")[0] for line in lines[1:]] == [
        "normal: unit length",
        "normal: OpenGL, as its pixels say",
        "normal and height show the same surface",
    ]
    assert lines[-1].endswith("(correlation of slopes 1.00, 1 times as steep).")


def test_a_cut_shows_as_a_seam(height):
    measured = seams_of_maps({"height": height[..., :40], "ao": height[..., :20]})  # ao is too small to tell
    lines, figures = seam_lines(measured[0]), seam_figures(measured)
    assert len(lines) == 1 and lines[0].startswith("height, left–right: seam, a line shows · top–bottom: seamless")
    assert [line.split(": Q ")[0] for line in figures[1:]] == ["height, left–right", "height, top–bottom"]
    assert seam_figures(seams_of_maps({"ao": height[..., :20]})) == []


def test_one_bad_material_of_a_batch_is_told_by_its_number(height):
    cut, inwards = height.clone(), normals(height)
    cut[..., 60:] = 1 - cut[..., 60:]
    inwards[:, 2] = 0
    heights, vectors = torch.cat([height] * 7 + [cut]), torch.cat([normals(height)] * 7 + [inwards])
    lines = checked({"height": heights, "normal": vectors})
    seam = [line for line in lines if ": seam," in line]
    assert seam and all(line.startswith("material 8, height, left–right: ") for line in seam)
    assert seam_figures(seams_of_maps({"height": heights}))[-1].startswith("material 8, height, top–bottom: Q ")
    assert [line for line in lines if "into the surface" in line][0].startswith("material 8, normal: ")
    assert sum("unit length" in line for line in lines) == 7


def test_the_wrong_convention_and_bad_lengths_are_told(height):
    assert "but its pixels say DirectX" in normal_lines(normals(height, "DirectX"), "OpenGL")[1]
    assert "length is off" in normal_lines(0.5 * normals(height) + 0.5 * normals(height.roll(9, -1)), "OpenGL")[0]
    waves = torch.sin(torch.arange(64.0) / 64 * 6.2832 * 3).expand(1, 1, 64, 64)
    assert "its pixels do not tell" in normal_lines(normals(waves), "OpenGL")[1]


def test_steepness_and_inversion_are_measured(height):
    found = agreement(height, normals(height, scale=20.0), "OpenGL", 10.0)
    assert (found.correlation, found.factor) == pytest.approx((1, 2), abs=1e-3)
    assert agreement(1 - height, normals(height), "OpenGL", 10.0).correlation == pytest.approx(-1, abs=1e-3)
    lines = checked({"height": 1 - height, "normal": normals(height)})
    assert "opposite" in lines[-1]


def test_normals_read_the_wrong_way_do_not_follow_the_height(height):
    assert abs(agreement(height, flip_green(normals(height)), "OpenGL", 10.0).correlation) < 0.3


def test_flat_maps_are_no_reason_to_fail():
    flat = torch.full((1, 1, 32, 32), 0.5)
    lines = checked({"height": flat, "normal": normals(flat)}, 1.0, 10.0)
    assert lines[2:4] == [
        "normal: unit length (off by 0 on average).",
        "normal: given as OpenGL; its pixels do not tell.",
    ]
    assert len(lines) == 5
