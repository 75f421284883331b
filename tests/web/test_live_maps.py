"""The maps that the browser makes live are those of the nodes: pixel for pixel, within a step of 8 bits."""

import numpy as np
import pytest
import torch
from test_live_normals import relief
from tilewright.common.axes import AXES_OPTIONS
from tilewright.material.debanding import distinct_values
from tilewright.material.occlusion import ray_distances
from tilewright.nodes.material import Curvature, HeightFromImage, Occlusion

_MAPS = """async ([node, values, width, all]) => {
  const { MAKERS } = await import("/web/live/map_worker.js");
  const maker = new MAKERS[node]({ width, height: values.length / width, values: Float32Array.from(values) });
  return all.map((settings) => {
    const made = [...maker.maps(settings)].filter((one) => one.pictures).at(-1);
    return Object.fromEntries(Object.entries(made.pictures).map(([name, pixels]) => [name, [...pixels]]));
  });
}"""
SURFACE = {"axes": "both", "height_cm": 5.0, "size_cm": 40.0}
FROM_IMAGE = {"invert": False, "axes": "both", "flatten": 0.8, "flatten_radius": 12.0, "fine": 1.0, "medium": 1.0}
FROM_IMAGE |= {"large": 1.0, "clip": 0.1, "black": 0.0, "white": 1.0, "gamma": 1.0}
OCCLUSION = SURFACE | {"convention": "OpenGL", "radius_cm": 8.0, "slices": 8}
CURVATURE = SURFACE | {"smooth_cm": 2.0, "full_radius_cm": 0.0}


def compared(web, node, image, axes, settings, outputs):
    """By how many steps of 8 bits the live maps differ from the node's at most, for each of the settings in turn."""
    settings = [one | {"axes": axes} for one in settings]
    drawn = web.evaluate(_MAPS, [f"Tilewright{node.__name__}", image.flatten().tolist(), image.shape[1], settings])
    for one, pictures in zip(settings, drawn, strict=True):
        made = dict(zip(outputs, node.execute(image[None, :, :, None], **one).result, strict=False))
        assert set(pictures) == set(outputs)
        for name, pixels in pictures.items():
            shown = np.asarray(pixels, np.int32).reshape(*image.shape, 4)
            wanted = (made[name][0] * 255).round().int().expand(*image.shape, 3).numpy()
            yield name, int(np.abs(shown[..., :3] - wanted).max())


@pytest.mark.parametrize("axes", AXES_OPTIONS)
def test_height_from_image(web, axes):
    """One maker is given all settings in turn: what it keeps of the last ones is not taken for the new."""
    settings = [
        FROM_IMAGE,
        FROM_IMAGE | {"flatten": 0.3},
        FROM_IMAGE | {"flatten": 0.3, "flatten_radius": 40.0},
        FROM_IMAGE | {"flatten": 0.0, "clip": 5.0, "fine": 0.0, "medium": 3.0},
        FROM_IMAGE | {"large": -1.0, "invert": True, "gamma": 2.2},
        FROM_IMAGE | {"black": 0.2, "white": 0.7, "clip": 0.0},
    ]
    differences = list(compared(web, HeightFromImage, relief(bits=8), axes, settings, ["height"]))
    assert len(differences) == 6 and max(amount for _, amount in differences) <= 1


@pytest.mark.parametrize("axes", AXES_OPTIONS)
def test_occlusion_and_bent_normals(web, axes):
    settings = [
        OCCLUSION,
        OCCLUSION | {"height_cm": 20.0, "radius_cm": 30.0, "slices": 3, "convention": "DirectX"},
        OCCLUSION | {"radius_cm": 0.05},
        OCCLUSION | {"radius_cm": 100000.0, "slices": 1},
    ]
    names = ["occlusion", "bent_normal"]
    differences = list(compared(web, Occlusion, relief(24, 30), axes, settings, names))
    assert max(amount for _, amount in differences) <= 1, differences


def test_of_a_large_height_a_small_draft_shows_first(web):
    body = """async ([values, settings]) => {
      const { DraftingMaker } = await import("/web/live/map_worker.js");
      const plane = { width: 512, height: 16, values: Float32Array.from(values) };
      const made = [...new DraftingMaker("TilewrightOcclusion", plane).maps(settings)];
      return made.map(({ pictures, isDraft }) => [pictures ? pictures.occlusion.length / 4 : 0, Boolean(isDraft)]);
    }"""
    told = web.evaluate(body, [relief(16, 512).flatten().tolist(), OCCLUSION | {"slices": 2}])
    small, whole = 256 * 8, 512 * 16  # after each slice nothing is made: it hears whether it shall go on
    assert told == [[0, True], [0, True], [small, True], [0, False], [0, False], [whole, False]]


def test_occlusion_grows_finer_slice_by_slice(web):
    """Each draft of 8 slices is as bright as the whole, since its slices lie far apart."""
    body = """async ([values, settings]) => {
      const { LiveOcclusion } = await import("/web/live/occlusion.js");
      const maker = new LiveOcclusion({ width: 60, height: 48, values: Float32Array.from(values) });
      const mean = (pixels) => pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
      return [...maker.maps(settings)].map(({ pictures, isDraft }) => pictures && [mean(pictures.occlusion), isDraft]);
    }"""
    told = web.evaluate(body, [relief().flatten().tolist(), OCCLUSION])
    assert [one and one[1] for one in told] == [None, True, None, True, None, None, None, None, None]
    whole = told[-1][0]
    assert abs(told[1][0] - whole) < 8 and abs(told[3][0] - whole) < 3


@pytest.mark.parametrize("levels, expected", [(2, True), (5000, True), (5001, False)])
def test_a_height_of_few_different_values_may_have_steps(web, levels, expected):
    values = (torch.arange(9000) % levels / levels).reshape(1, 1, 90, 100)
    body = "async values => (await import('/web/live/steps.js')).mayHaveSteps(values)"
    assert web.evaluate(body, values.flatten().tolist()) is expected
    assert (len(distinct_values(values)) > 0) is expected


def test_a_picture_is_shrunk_by_all_its_pixels(web):
    """A chequerboard of single pixels, seen at an eighth of its size, is even grey."""
    body = """async () => {
      const { drawPicture } = await import("/web/live/picture.js");
      const canvas = Object.assign(document.createElement("canvas"), { style: "width: 32px; height: 16px" });
      document.body.append(canvas);
      const pixels = Uint8ClampedArray.from({ length: 4 * 256 * 128 }, (_, at) => {
        const pixel = at >> 2;
        return at % 4 === 3 || ((pixel % 256) + (pixel >> 8)) % 2 ? 255 : 0;
      });
      drawPicture(canvas, pixels, 256, 128);
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      canvas.remove();
      const grey = data.filter((_, at) => at % 4 !== 3);
      return [canvas.width, canvas.height, Math.min(...grey), Math.max(...grey)];
    }"""
    width, height, darkest, brightest = web.evaluate(body)
    assert (width, height) == (48, 24) and 110 < darkest <= brightest < 145


def test_the_cm_that_widgets_say(web):
    """Of a node, of the one that hands its surface on, and nothing where only a run can tell."""
    body = """async () => {
      const { surfaceOf } = await import("/web/live/surfaces.js");
      const widgets = (...values) => ["height_cm", "size_cm"].map((name, at) => ({ name, value: values[at] }));
      const node = (type, widgets, source, name = "surface") => {
        const inputs = [{ name, link: source ? 1 : null }];
        return { type, widgets, inputs, getInputNode: () => source };
      };
      const first = node("TilewrightHeightFromImage", widgets(4, 50));
      const second = node("TilewrightHeightToNormal", widgets(9, 9), first);
      const muted = { ...first, mode: 2 };
      const others = [first, second, node("TilewrightOcclusion", widgets(1, 1), second)];
      const unknown = [
        node("TilewrightOcclusion", widgets(1, 1), node("TilewrightNormalToHeight", widgets(2, 2))),
        node("TilewrightOcclusion", widgets(1, 1), muted),
        node("TilewrightCurvature", widgets(1, 1), first, "height_cm"),
      ];
      return [others.map(surfaceOf), unknown.map(surfaceOf)];
    }"""
    known, unknown = web.evaluate(body)
    assert known == [{"height_cm": 4, "size_cm": 50}] * 3 and unknown == [None] * 3


@pytest.mark.parametrize("radius", [0.3, 1.0, 31.5, 40.0, 700.0])
def test_rays_visit_what_the_nodes_do(web, radius):
    body = "async radius => (await import('/web/live/occlusion.js')).rayDistances(radius)"
    assert web.evaluate(body, radius) == ray_distances(radius)


@pytest.mark.parametrize("axes", AXES_OPTIONS)
def test_curvature(web, axes):
    settings = [
        CURVATURE,
        CURVATURE | {"smooth_cm": 0.0},
        CURVATURE | {"smooth_cm": 6.0, "height_cm": 30.0},
        CURVATURE | {"full_radius_cm": 1.5},
        CURVATURE | {"height_cm": 0.0},
    ]
    names = ["curvature", "convexity", "concavity", "cavity"]
    differences = list(compared(web, Curvature, relief(), axes, settings, names))
    assert max(amount for _, amount in differences) <= 1, differences


def test_values_by_rank(web):
    values = torch.randn(5000, generator=torch.Generator().manual_seed(0))
    values[:3] = torch.tensor([0.0, -0.0, 1e-30])
    ranks = [1, 2, 2500, 4999, 5000]
    body = "async ([values, ranks]) => (await import('/web/live/ranks.js')).ranked(Float32Array.from(values), ranks)"
    found = web.evaluate(body, [values.tolist(), ranks])
    assert found == [float(values.kthvalue(rank).values) for rank in ranks]


def test_halving_is_the_mean_of_four_and_leaves_what_it_cannot_halve(web):
    image = torch.rand(8, 12, generator=torch.Generator().manual_seed(1))
    body = """async ([values, most]) => {
      const { halved } = await import("/web/live/planes.js");
      const small = halved({ width: 12, height: 8, values: Float32Array.from(values) }, most);
      return [small.width, small.height, [...small.values]];
    }"""
    width, height, values = web.evaluate(body, [image.flatten().tolist(), 6])
    wanted = torch.nn.functional.avg_pool2d(image[None, None], 2)[0, 0]
    assert (width, height) == (6, 4) and np.abs(np.asarray(values) - wanted.flatten().numpy()).max() < 1e-6
    assert web.evaluate(body, [image.flatten().tolist(), 2])[:2] == [3, 2]  # 3 is odd


def test_the_newest_settings_are_shown_and_those_before_dropped(web):
    """In the worker itself, with two views: each gets its own maps, and nothing for settings that were left."""
    body = """async ([values, settings]) => {
      const { MapMaker } = await import("/web/live/map_maker.js");
      const plane = { width: 60, height: 48, values: Float32Array.from(values) };
      const shown = { one: [], other: [] };
      const [failures, ending] = [[], new AbortController()];
      const failed = (why) => failures.push(why);
      const make = (node, name) => new MapMaker(node, (made) => shown[name].push(made), failed, ending.signal);
      const [one, other] = [make("TilewrightOcclusion", "one"), make("TilewrightHeightFromImage", "other")];
      one.give(plane);
      other.give(plane);
      for (const radius_cm of [40, 30, 3]) one.make({ ...settings, radius_cm });
      other.make(settings);
      const until = Date.now() + 20000;
      const whole = () => shown.one.filter((made) => !made.isDraft);
      const isThere = () => whole().length && shown.other.length;
      while (Date.now() < until && !isThere()) await new Promise((done) => setTimeout(done, 10));
      ending.abort();
      return [[...whole()[0].pictures.occlusion], whole().length, shown.other[0].height.width, failures];
    }"""
    height = relief()
    occlusion, whole, width, failures = web.evaluate(body, [height.flatten().tolist(), OCCLUSION | FROM_IMAGE])
    made = Occlusion.execute(height[None, :, :, None], **OCCLUSION | {"radius_cm": 3.0}).result[0][0, :, :, 0]
    shown = np.asarray(occlusion).reshape(48, 60, 4)[..., 0]
    assert np.abs(shown - (made * 255).numpy()).max() <= 1
    assert (whole, width, failures) == (1, 60, [])
