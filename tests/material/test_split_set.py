"""A sampled set taken apart: unit normals, one height, grey data, and what is said of them."""

import pytest
import torch
from test_fused_height import TORUS, angle, gaussian, terrain
from tilewright.common.errors import InputError
from tilewright.material.normals import decode_normals, length_error, normal_map
from tilewright.material.split_set import split_set
from tilewright.material.surface_size import SurfaceSize
from tilewright.material.validation import agreement

RISE, SIZE = 12.0, SurfaceSize(5.0, 128.0)  # a pixel is a centimetre


def painted(noise=0.0, materials=1):
    """Images of basecolor, normal, height and roughness, material by material, with errors."""
    rows = []
    for seed in range(materials):
        height = terrain(seed=seed).float()
        normal = normal_map(height, RISE, "spectral", TORUS, "OpenGL")
        rows += [torch.rand(1, 3, 128, 128), normal, height.expand(1, 3, -1, -1), torch.full((1, 3, 128, 128), 0.4)]
    images = torch.cat(rows)
    return (images + noise * gaussian(images, 7)).clamp(0, 1)


def test_maps_come_out_by_their_names():
    images = painted(materials=2)
    split = split_set(images, ("basecolor", "normal", "height", "roughness"), "spectral", TORUS, SIZE)
    assert {kind: tuple(one.shape) for kind, one in split.maps.items()} == {
        "basecolor": (2, 3, 128, 128),
        "normal": (2, 3, 128, 128),
        "height": (2, 1, 128, 128),
        "roughness": (2, 1, 128, 128),
    }
    assert torch.equal(split.maps["basecolor"], images[[0, 4]])
    torch.testing.assert_close(split.maps["roughness"], torch.full((2, 1, 128, 128), 0.4))


def test_the_depth_is_read_off_the_normals_in_cm():
    split = split_set(painted(), ("basecolor", "normal", "height", "roughness"), "spectral", TORUS, SIZE)
    assert split.surface.height_cm == pytest.approx(RISE, rel=0.01) and split.surface.size_cm == 128
    torch.testing.assert_close(split.maps["height"].double(), terrain(), atol=2e-3, rtol=0)
    assert "show one surface (correlation of slopes 1.00)" in split.report[0]


def test_noise_is_taken_off_and_both_agree_after():
    truth = painted()
    images = painted(noise=0.05)
    split = split_set(images, ("basecolor", "normal", "height", "roughness"), "spectral", TORUS, SIZE)
    assert length_error(decode_normals(split.maps["normal"])) < 1e-5
    assert angle(split.maps["normal"], truth[1:2]) < 0.8 * angle(images[1:2], truth[1:2])
    rise = split.surface.height_cm
    assert agreement(split.maps["height"], split.maps["normal"], "OpenGL", rise).correlation > 0.9
    before = agreement(images[2:3, :1], images[1:2], "OpenGL", RISE).correlation
    assert before < 0.9
    error = (split.maps["height"] * rise - RISE * terrain().float()).std()
    assert error < (images[2:3, :1] * RISE - RISE * terrain().float()).std()


def test_heights_of_several_materials_share_one_depth():
    images = painted(materials=2)
    images[5] = torch.tensor([0.5, 0.5, 1.0]).view(3, 1, 1)
    images[6] = 0.5
    split = split_set(images, ("basecolor", "normal", "height", "roughness"), "spectral", TORUS, SIZE)
    assert split.maps["height"][0].amax() == 1 and split.maps["height"][1].std() < 1e-3


def test_an_inverted_height_is_told_and_not_used():
    images = painted()
    images[2] = 1 - images[2]
    split = split_set(images, ("basecolor", "normal", "height", "roughness"), "spectral", TORUS, SIZE)
    assert "run against each other" in split.report[0]
    torch.testing.assert_close(split.maps["height"].double(), terrain(), atol=5e-3, rtol=0)


@pytest.mark.parametrize("other", [terrain(seed=5).float(), torch.full((1, 1, 128, 128), 0.4)], ids=["other", "flat"])
def test_a_height_of_no_such_surface_is_told_and_not_used(other):
    images = painted()
    images[2] = other[0]
    split = split_set(images, ("basecolor", "normal", "height", "roughness"), "spectral", TORUS, SIZE)
    assert "do not show one surface" in split.report[0] and "of the normals alone" in split.report[0]
    assert split.surface.height_cm == pytest.approx(RISE, rel=0.01)
    torch.testing.assert_close(split.maps["height"].double(), terrain(), atol=5e-3, rtol=0)


def test_a_set_without_height_or_without_normals():
    images = painted()
    of_normals = split_set(images[[1]], ("normal",), "spectral", TORUS, SIZE)
    torch.testing.assert_close(of_normals.maps["height"].double(), terrain(), atol=5e-3, rtol=0)
    of_height = split_set(images[[2]], ("height",), "spectral", TORUS, SIZE)
    torch.testing.assert_close(of_height.maps["height"], images[[2], :1])
    assert of_height.surface == SIZE


def test_another_number_of_images_is_refused():
    with pytest.raises(InputError, match="4 images.*3 maps"):
        split_set(painted(), ("basecolor", "normal", "height"), "spectral", TORUS, SIZE)
