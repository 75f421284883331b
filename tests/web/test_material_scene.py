"""What the material view draws, pixel by pixel: light from its side, metal and rough, seams in place."""

import base64

import numpy as np
import pytest
import torch
from tilewright.material.material_files import SurfaceFacts
from tilewright.material.viewed_maps import viewed_maps

SIZE = 96
FROM_ABOVE = {"azimuth": 0.0, "elevation": 1.5, "distance": 5.0}
LOOK = {"shape": "plane", "tiles": 1, "camera": FROM_ABOVE, "relief": 0}
_DRAW = """async ([facts, files, look, surface, size]) => {
  const { openStudio } = await import("/web/material/studio.js");
  const { MaterialScene, FIRST_LOOK } = await import("/web/material/material_scene.js");
  const { loadTextures } = await import("/web/material/textures.js");
  const studio = await openStudio();
  const fileOf = (name) => [name, { filename: name, subfolder: "", type: "temp" }];
  const named = Object.fromEntries(Object.keys(files).map(fileOf));
  const asked = (path) => new URLSearchParams(path.split("?")[1]).get("filename");
  const fetched = (path) => fetch("data:image/png;base64," + files[asked(path)]);
  const scene = new MaterialScene(studio, () => {});
  scene.setMaterial({ ...facts, files: named }, await loadTextures(studio, { ...facts, files: named }, fetched));
  scene.arrange({ ...FIRST_LOOK, ...look }, { ...facts, ...surface }, 1);
  const canvas = Object.assign(document.createElement("canvas"), { width: size, height: size });
  const context = canvas.getContext("2d");
  studio.draw(scene, context);
  const { data } = context.getImageData(0, 0, size, size);
  const heights = scene.textures.height ? [...scene.textures.height.image.data] : [];
  scene.dispose();
  return [[...data], heights];
}"""


DEEP = SurfaceFacts(height_cm=20.0)


def drawn(web, maps, look=LOOK, surface=DEEP, seams=None, **changed):
    """(SIZE, SIZE, 4) of what is drawn, and the heights that the graphics card gets. changed: the widgets since."""
    files, facts = viewed_maps(maps, surface)
    coded = {name: base64.b64encode(png).decode() for name, png in files.items()}
    facts["seams"] = seams or {}
    pixels, heights = web.evaluate(_DRAW, [facts, coded, {**LOOK, **look}, changed, SIZE])
    return np.asarray(pixels, np.int32).reshape(SIZE, SIZE, 4), np.asarray(heights)


def dome(convention):
    """Normals of a half ball on the ground, by hand: right and up are 1 in red and green of OpenGL."""
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 64), indexing="ij")
    inside = columns**2 + rows**2 < 0.8
    z = torch.where(inside, (1 - columns**2 - rows**2).clamp(min=0.04).sqrt(), 1.0)
    up = -rows if convention == "OpenGL" else rows
    vectors = torch.stack([columns * inside, up * inside, z])
    return torch.nn.functional.normalize(vectors, dim=0)[None] / 2 + 0.5


def brightness(picture, x, y):
    """Around a place of the plane, each 0 to 1 from the left and from the top of the texture."""
    half = 0.5 * SIZE
    reach = 0.9 * half * (1.2 / (5.0 * np.tan(np.radians(14))))
    column, row = round(half + reach * (2 * x - 1)), round(half + reach * (2 * y - 1))
    return picture[row - 2 : row + 3, column - 2 : column + 3, :3].mean()


@pytest.mark.parametrize("convention", ["OpenGL", "DirectX"])
@pytest.mark.parametrize(
    ("azimuth", "bright", "dark"),
    [(-np.pi / 2, (0.2, 0.5), (0.8, 0.5)), (np.pi, (0.5, 0.2), (0.5, 0.8))],
    ids=["left", "top"],
)
def test_a_dome_is_bright_on_the_side_of_the_light(web, convention, azimuth, bright, dark):
    look = {"light": {"azimuth": azimuth, "elevation": 0.4}}
    maps = {"basecolor": torch.full((1, 3, 8, 8), 0.6), "normal": dome(convention)}
    picture, _ = drawn(web, maps, look, SurfaceFacts(convention))
    assert brightness(picture, *bright) > brightness(picture, *dark) + 25
    other = {"OpenGL": "DirectX", "DirectX": "OpenGL"}[convention]
    flipped, _ = drawn(web, maps, look | {"format": other}, SurfaceFacts(convention))
    if bright[0] == 0.5:  # green read the wrong way: the hill is a hollow from top to bottom
        assert brightness(flipped, *bright) < brightness(flipped, *dark) - 25
    else:
        assert brightness(flipped, *bright) > brightness(flipped, *dark) + 25


def test_metal_reflects_in_its_own_colour_and_a_smooth_surface_more_sharply(web):
    """A dome of pure red: what is blue in its picture was reflected without the surface's colour. Metal does not."""
    red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1).expand(1, 3, 8, 8)

    def blue(metallic, roughness):
        grey = {"roughness": torch.full((1, 1, 8, 8), roughness), "metallic": torch.full((1, 1, 8, 8), metallic)}
        picture, _ = drawn(web, {"basecolor": red, "normal": dome("OpenGL"), **grey})
        return picture[20:76, 20:76, 2]

    assert np.median(blue(1.0, 0.3)) < 5 < 40 < np.median(blue(0.0, 0.3))
    assert np.percentile(blue(0.0, 0.2), 99) > np.percentile(blue(0.0, 1.0), 99) + 25


def test_lines_lie_where_the_texture_meets_its_copy_in_the_colours_of_the_verdicts(web):
    grey = {"basecolor": torch.full((1, 3, 32, 32), 0.3)}
    seams = {"x": "seamless", "y": "seam"}

    def kinds(picture):
        """Of the plane's middle column and row: where green and red lines are, in parts of the plane."""
        r, g, b = picture[..., 0], picture[..., 1], picture[..., 2]
        row, column = SIZE // 2 + 7, SIZE // 2 + 7  # off the lines themselves
        green = np.flatnonzero((g[row] > r[row] + 40) & (g[row] > b[row] + 40))
        red = np.flatnonzero((r[:, column] > g[:, column] + 60) & (r[:, column] > b[:, column] + 60))
        return green, red

    picture, _ = drawn(web, grey, {"tiles": 2, "seams": True}, seams=seams)
    green, red = kinds(picture)
    assert np.abs(green - SIZE / 2).min() <= 1.5 and np.abs(red - SIZE / 2).min() <= 2.5
    plain, _ = drawn(web, grey, {"tiles": 2, "seams": False}, seams=seams)
    assert [len(found) for found in kinds(plain)] == [0, 0]
    shifted, _ = drawn(web, grey, {"tiles": 2, "seams": True, "half": True}, seams=seams)
    assert all(len(found) and np.abs(found - SIZE / 2).min() > 10 for found in kinds(shifted))


def test_a_map_by_itself_is_drawn_as_it_is_in_the_file(web):
    maps = {
        "basecolor": torch.full((1, 3, 8, 8), 0.25),
        "roughness": torch.full((1, 1, 8, 8), 0.75),
        "metallic": torch.full((1, 1, 8, 8), 0.4),
    }
    for name, value in {"basecolor": 0.25, "roughness": 0.75, "metallic": 0.4}.items():
        picture, _ = drawn(web, maps, {"shown": name, "exposure": 2})
        assert np.abs(picture[SIZE // 2, SIZE // 2, :3] - 255 * value).max() <= 1, name


def test_sixteen_bits_of_height_arrive(web):
    height = (torch.arange(4096) / 4095).reshape(1, 1, 64, 64)
    _, given = drawn(web, {"height": height})
    upright = given.reshape(64, 64)[::-1]  # the graphics card has the last row first
    assert np.abs(upright - height[0, 0].numpy()).max() < 1e-6
    assert len(np.unique(given)) == 4096


def test_height_rises_towards_the_eye_in_true_proportion(web):
    """A plateau of 20 cm on 1 m under a camera at the side stands 0.2 of the plane's width above the ground."""
    height = torch.zeros(1, 1, 64, 64)
    height[..., 16:48, 16:48] = 1
    level = {"azimuth": 0.0, "elevation": 0.0, "distance": 9.0}

    def rise(**changed):
        picture, _ = drawn(
            web, {"height": height}, {"camera": level, "relief": 1}, SurfaceFacts(height_cm=20.0), **changed
        )
        rows = np.flatnonzero(picture[:, SIZE // 2, 3] > 128)
        return len(rows)

    per_unit = SIZE / (2 * 9.0 * np.tan(np.radians(14)))
    assert rise() == pytest.approx(0.2 * 2.4 * per_unit, abs=3)
    assert rise(height_cm=40.0) == pytest.approx(0.4 * 2.4 * per_unit, abs=4)  # the widget was moved since the run


def test_a_lost_graphics_card_comes_back(web):
    grey = {"basecolor": torch.full((1, 3, 8, 8), 0.5)}
    before, _ = drawn(web, grey)
    web.evaluate("""async () => {
      const { openStudio } = await import("/web/material/studio.js");
      const studio = await openStudio();
      const card = studio.renderer.getContext().getExtension("WEBGL_lose_context");
      const told = new Promise((done) => studio.views.add({ restored: done }));
      card.loseContext();
      await new Promise((done) => setTimeout(done, 50));
      card.restoreContext();
      await told;
      studio.views.clear();
    }""")
    after, _ = drawn(web, grey)
    assert np.abs(before - after).max() <= 2 and before[SIZE // 2, SIZE // 2, :3].mean() > 30


def test_what_is_slow_is_drawn_coarsely_while_it_moves_and_whole_once_it_is_still(web):
    shares = web.evaluate("""async () => {
      const { Pace } = await import("/web/material/canvas.js");
      const ending = new AbortController(), shares = [], clock = performance.now;
      let now = 1000;
      performance.now = () => now;
      try {
        const draw = (pace, whole) => pace.draw((share) => { shares.push(share); now += whole * share ** 2; });
        const settled = new Promise((done) => { globalThis.still = done; });
        const slow = new Pace(ending.signal, () => still());
        for (const _ of [1, 2, 3]) draw(slow, 160);
        await settled;
        now += 1000;
        draw(slow, 160);
        const quick = new Pace(ending.signal, () => shares.push("never"));
        for (const _ of [1, 2]) draw(quick, 5);
        await new Promise((done) => setTimeout(done, 400));
        return shares;
      } finally {
        performance.now = clock;
        ending.abort();
      }
    }""")
    assert shares == [1, 0.5, 0.5, 1, 1, 1]
