"""Large maps are worked on in strips: the result is the same, and memory grows with the strip and not with the map."""

import pytest
import torch
from live_memory import LiveMemory
from tilewright.common.axes import Axes
from tilewright.material import curvature, debanding, filters, height_from_normal, normals, occlusion
from tilewright.material.filters import gaussian_blur

BOTH, NONE = Axes(True, True), Axes(False, False)
SMALL, WHOLE = 2**12, 2**40


@pytest.fixture(autouse=True)
def inference_mode():
    with torch.inference_mode():
        yield


@pytest.fixture
def strips(monkeypatch):
    """A function that sets how many pixels every algorithm works on at once."""

    def set_pixels(pixels):
        for module in (curvature, debanding, height_from_normal, normals, occlusion):
            monkeypatch.setattr(module, "STRIP_PIXELS", pixels)
        monkeypatch.setattr(filters, "SAMPLES_AT_ONCE", pixels)

    return set_pixels


def eight_bits(rows, columns, batch=1):
    return torch.randint(0, 256, (batch, 1, rows, columns), generator=torch.Generator().manual_seed(4)) / 255


def encoded(height, axes=BOTH):
    return normals.normal_map(height, 20.0, "scharr", axes, "OpenGL")


# What is done to a height map in strips, and the planes of float32 that its FFTs need at once beside the result.
ALGORITHMS = {
    "normals": (lambda height, axes: normals.normal_map(height, 20.0, "scharr", axes, "OpenGL"), 0),
    "normals, eighth order": (lambda height, axes: normals.normal_map(height, 20.0, "eighth_order", axes, "OpenGL"), 0),
    "spectral normals": (lambda height, axes: normals.normal_map(height, 20.0, "spectral", axes, "OpenGL"), 1),
    "de-banding": (debanding.deband, 0),
    "curvature": (lambda height, axes: curvature.mean_curvature(height, 20.0, axes), 0),
    "blur": (lambda height, axes: gaussian_blur(height, 3.0, axes), 0),
    "occlusion": (lambda height, axes: occlusion.horizon_occlusion(height, 6, 4, axes).visibility, 0),
}
each_algorithm = pytest.mark.parametrize(("algorithm", "planes"), ALGORITHMS.values(), ids=ALGORITHMS)


@each_algorithm
@pytest.mark.parametrize("axes", [BOTH, NONE, Axes(True, False), Axes(False, True)])
def test_strips_give_what_the_whole_gives(algorithm, planes, axes, strips):
    height = eight_bits(330, 40, batch=2)
    strips(WHOLE)
    whole = algorithm(height, axes)
    strips(SMALL)
    assert torch.equal(algorithm(height, axes), whole)


def test_strips_see_what_lies_farther_away_than_the_map_is_wide(strips):
    height = eight_bits(30, 20)
    strips(WHOLE)
    whole = occlusion.horizon_occlusion(height, 70, 2, BOTH, bent=True)
    strips(20)
    found = occlusion.horizon_occlusion(height, 70, 2, BOTH, bent=True)
    assert torch.equal(found.visibility, whole.visibility)
    assert torch.equal(found.bent_normals, whole.bent_normals)


@pytest.mark.parametrize("axes", [BOTH, NONE])
def test_strips_give_the_same_height_of_normals(axes, strips):
    image = encoded(eight_bits(330, 40, batch=2), axes)
    strips(WHOLE)
    whole = height_from_normal.height_from_normals(image, "OpenGL", "scharr", axes)
    strips(SMALL)
    found = height_from_normal.height_from_normals(image, "OpenGL", "scharr", axes)
    torch.testing.assert_close(found.height, whole.height, rtol=0, atol=1e-6)
    torch.testing.assert_close(found.misfit, whole.misfit, rtol=0, atol=1e-6)


def working_memory(algorithm, given):
    """The most bytes that are in use at once while `algorithm` runs on `given`, without its result."""
    with LiveMemory(given) as memory:
        result = algorithm(given, BOTH)
    return memory.peak - result.numel() * result.element_size()


@each_algorithm
def test_memory_grows_with_the_strip_and_not_with_the_map(algorithm, planes, strips):
    tall, short = eight_bits(1200, 100), eight_bits(600, 100)
    plane = short.numel() * 4
    strips(2**12)
    in_strips = working_memory(algorithm, short)
    assert working_memory(algorithm, tall) <= in_strips + (planes + 0.01) * plane
    strips(WHOLE)
    assert working_memory(algorithm, short) > in_strips + plane


@pytest.mark.parametrize(("axes", "planes"), [(BOTH, 2), (Axes(True, False), 2), (NONE, 4)])
def test_the_height_of_normals_needs_two_planes_or_four(axes, planes, strips):
    def height(image, _):
        return height_from_normal.height_from_normals(image, "OpenGL", "scharr", axes).height

    tall, short = encoded(eight_bits(1200, 100), axes), encoded(eight_bits(600, 100), axes)
    plane = short[0, 0].numel() * 4
    strips(2**10)
    more = working_memory(height, tall) - working_memory(height, short)
    assert more / plane == pytest.approx(planes, abs=0.2)
