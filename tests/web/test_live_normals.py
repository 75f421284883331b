"""The normals that the browser shows are those that the node makes: pixel for pixel, within a step of 8 bits."""

import numpy as np
import pytest
import torch
from tilewright.common.axes import AXES_OPTIONS, Axes
from tilewright.material.derivatives import METHODS
from tilewright.material.filters import gaussian_blur
from tilewright.nodes.material import HeightToNormal

_NORMALS = """async ([values, width, settings]) => {
  const { LiveNormals } = await import("/web/live/normals.js");
  const live = new LiveNormals({ width, height: values.length / width, values: Float32Array.from(values) });
  return [...live.normals(settings)];
}"""
_BLURRED = """async ([values, width, sigma, axes]) => {
  const { gaussianBlur } = await import("/web/live/fourier.js");
  const plane = { width, height: values.length / width, values: Float32Array.from(values) };
  return [...gaussianBlur(plane, sigma, axes).values];
}"""
SETTINGS = {
    "convention": "OpenGL",
    "method": "scharr",
    "axes": "both",
    "height_cm": 5.0,
    "size_cm": 20.0,
    "strength": 1.0,
    "invert": False,
    "smooth_cm": 0.0,
}


def relief(rows=48, columns=60, bits=16):
    """Hills of several sizes that tile, in whole steps of so many bits; 60 is no power of two."""
    y, x = torch.meshgrid(torch.arange(rows) / rows, torch.arange(columns) / columns, indexing="ij")
    waves = (
        torch.sin(2 * torch.pi * (x + 2 * y))
        + torch.cos(2 * torch.pi * (5 * x - 3 * y))
        + 0.2 * torch.rand(rows, columns)
    )
    share = (waves - waves.amin()) / (waves.amax() - waves.amin())
    return (share * (2**bits - 1)).round() / (2**bits - 1)


def difference(web, height, **changes):
    settings = SETTINGS | changes
    shown = web.evaluate(_NORMALS, [height.flatten().tolist(), height.shape[1], settings])
    shown = np.asarray(shown, np.int32).reshape(*height.shape, 4)
    made = HeightToNormal.execute(height[None, :, :, None], **settings, deband=False).result[0][0]
    assert (shown[..., 3] == 255).all()
    return int(np.abs(shown[..., :3] - (made * 255).round().int().numpy()).max())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("axes", AXES_OPTIONS)
def test_every_method_and_border(web, method, axes):
    assert difference(web, relief(), method=method, axes=axes) <= 1


@pytest.mark.parametrize(
    "changes",
    [
        {"convention": "DirectX"},
        {"height_cm": 0.0},
        {"height_cm": 60.0, "size_cm": 7.5},
        {"strength": -2.5},
        {"invert": True},
        {"smooth_cm": 0.2},
        {"smooth_cm": 3.0, "axes": "x", "method": "spectral"},
        {"smooth_cm": 40.0, "axes": "none"},
    ],
    ids=str,
)
@pytest.mark.parametrize("bits", [8, 16])
def test_every_setting(web, changes, bits):
    assert difference(web, relief(bits=bits), **changes) <= 1


def test_a_change_of_settings_gives_what_a_new_height_gives(web):
    """What is kept of the last settings is not taken for the new ones."""
    height = relief()
    settings = [
        SETTINGS,
        SETTINGS | {"smooth_cm": 1.0},
        SETTINGS | {"method": "sobel"},
        SETTINGS | {"axes": "x", "smooth_cm": 1.0},
    ]
    both = """async ([values, width, all]) => {
      const { LiveNormals } = await import("/web/live/normals.js");
      const plane = { width, height: values.length / width, values: Float32Array.from(values) };
      const kept = new LiveNormals(plane);
      return all.map((settings) => [kept, new LiveNormals(plane)].map((live) => live.normals(settings).join()));
    }"""
    answers = web.evaluate(both, [height.flatten().tolist(), height.shape[1], settings])
    assert all(kept == new for kept, new in answers)
    assert len({kept for kept, _ in answers}) == 4


@pytest.mark.parametrize("axes", AXES_OPTIONS)
def test_the_blur_is_the_nodes(web, axes):
    image = relief(30, 41)
    wrap = Axes.parse(axes)
    blurred = web.evaluate(_BLURRED, [image.flatten().tolist(), 41, 2.7, {"x": wrap.x, "y": wrap.y}])
    made = gaussian_blur(image[None, None], 2.7, wrap).flatten()
    assert np.abs(np.asarray(blurred) - made.numpy()).max() < 1e-6


def test_the_lit_relief_is_bright_towards_the_light(web):
    """A dome: its left is bright under a light from the left, in both conventions; its top under one from above."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 64), indexing="ij")
    dome = (1 - x**2 - y**2).clamp(min=0).sqrt()
    shade = """async ([values, settings, light]) => {
      const { LiveNormals, lit } = await import("/web/live/normals.js");
      const live = new LiveNormals({ width: 64, height: 64, values: Float32Array.from(values) });
      return [...lit(live.normals(settings), settings.convention, light)].filter((_, at) => at % 4 === 0);
    }"""
    for convention in ("OpenGL", "DirectX"):
        for azimuth, brighter in ((-torch.pi / 2, np.s_[32, 14]), (torch.pi, np.s_[14, 32])):
            settings = SETTINGS | {"convention": convention, "height_cm": 10.0}
            light = {"azimuth": float(azimuth), "elevation": 0.5}
            shades = np.asarray(web.evaluate(shade, [dome.flatten().tolist(), settings, light])).reshape(64, 64)
            opposite = shades[brighter[0] if brighter[0] == 32 else 49, brighter[1] if brighter[1] == 32 else 49]
            assert shades[brighter] > opposite + 40
