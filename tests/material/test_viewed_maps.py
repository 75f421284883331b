"""What a browser gets of a material: bytes that a PNG decoder gives back as they were."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from tilewright.common.axes import Axes
from tilewright.material.material_files import SurfaceFacts
from tilewright.material.normals import normal_map, slope_scale
from tilewright.material.viewed_maps import (
    LARGEST,
    height_file,
    normals_for_view,
    packed_surface,
    scaled_down,
    viewed_maps,
)


def decoded(png):
    return np.asarray(Image.open(io.BytesIO(png)))


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-2.5, 7.0)])
def test_a_height_comes_back_to_a_24_bit_step(low, high):
    height = torch.linspace(low, high, 65536).reshape(1, 256, 256)  # every value of a 16-bit file
    file = height_file(height)
    red, green, blue = decoded(file.png).astype(np.int64).transpose(2, 0, 1)
    back = file.low + (65536 * red + 256 * green + blue) / (2**24 - 1) * (file.high - file.low)
    assert np.abs(back - height[0].numpy()).max() <= 1.01 * (high - low) / 2**24 + 1e-6
    assert len(np.unique(back)) == 65536


def test_a_flat_height_is_its_one_value():
    file = height_file(torch.full((1, 4, 4), 0.3))
    assert file.low == file.high == pytest.approx(0.3) and decoded(file.png).max() == 0


def test_shading_is_packed_as_gltf_packs_it_and_what_is_missing_is_plain():
    packed = packed_surface({"metallic": torch.full((1, 1, 4, 4), 0.25), "occlusion": torch.full((1, 3, 8, 8), 0.5)})
    assert packed.shape == (1, 3, 8, 8)
    assert packed[0, :, 0, 0].tolist() == pytest.approx([0.5, 0.6, 0.25])


def test_normals_are_the_given_ones_else_those_of_the_height():
    surface = SurfaceFacts("DirectX", 2.0, 50.0)
    height, given = torch.rand(1, 1, 16, 16), torch.rand(1, 3, 16, 16)
    made = normal_map(height, slope_scale(2.0, 50.0, 16), "scharr", Axes(True, True), "DirectX")
    assert torch.equal(normals_for_view({"normal": given, "height": height}, surface), given)
    assert torch.equal(normals_for_view({"height": height}, surface), made)
    assert normals_for_view({"basecolor": given}, surface) is None


def test_the_files_and_facts_of_a_material():
    maps = {
        "basecolor": torch.cat([torch.rand(1, 3, 8, 16), torch.zeros(1, 1, 8, 16)], 1),
        "height": torch.rand(1, 1, 8, 16),
        "roughness": torch.rand(1, 1, 8, 16),
    }
    files, facts = viewed_maps(maps, SurfaceFacts("OpenGL", 3.0, 40.0))
    assert set(files) == {"basecolor", "height", "packed", "normal", "opacity"}
    assert facts["pixels"] == facts["shown"] == [16, 8] and facts["derived"]
    assert (facts["height_cm"], facts["size_cm"], facts["convention"]) == (3.0, 40.0, "OpenGL")
    assert np.array_equal(decoded(files["basecolor"]), (maps["basecolor"][0, :3] * 255).round().movedim(0, -1).byte())


def test_large_maps_are_scaled_down_and_that_is_told():
    height = torch.rand(1, 1, 4, 2 * LARGEST)
    files, facts = viewed_maps({"height": height, "normal": torch.rand(1, 3, 4, 2 * LARGEST)}, SurfaceFacts())
    assert facts["pixels"] == [2 * LARGEST, 4] and facts["shown"] == [LARGEST, 3]
    normals = decoded(files["normal"]) / 255 * 2 - 1
    assert np.abs(np.linalg.norm(normals, axis=-1) - 1).max() < 0.02


def test_scaled_down_pixels_are_the_mean_of_what_they_stand_for():
    small = scaled_down(torch.tensor([0.0, 0.5, 1.0, 0.0]).repeat(LARGEST // 2).expand(1, 1, 8, -1))
    assert small.shape == (1, 1, 4, LARGEST) and small[0, 0, 0, :4].tolist() == [0.25, 0.5, 0.25, 0.5]
    fits = torch.rand(1, 1, 8, LARGEST)
    assert scaled_down(fits) is fits
