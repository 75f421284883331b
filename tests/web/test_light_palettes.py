"""The lines of a training in light palettes: three times the contrast to their ground at least."""

import pytest

LINES = ("raw", "smooth", "fixed", "validation", "transfer", "rate", "other")
LIGHT_MENU = "#f5f5f5"  # the darker ground of ComfyUI's light palette, beside white

_PAINTED = """async ([lines, ground, onHtml, onBody]) => {
  const sheet = Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/web/tilewright.css" });
  await new Promise((done) => Object.assign(sheet, { onload: done }) && document.head.append(sheet));
  const root = Object.assign(document.createElement("div"), { className: "tilewright" });
  document.body.append(root);
  document.documentElement.className = onHtml;
  document.body.className = onBody;
  const context = new OffscreenCanvas(1, 1).getContext("2d");
  const painted = lines.map((line) => {
    root.style.color = `var(--tw-curve-${line})`;
    for (const color of [ground, getComputedStyle(root).color]) {
      context.fillStyle = color;
      context.fillRect(0, 0, 1, 1);
    }
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  });
  for (const made of [root, sheet]) made.remove();
  document.documentElement.className = document.body.className = "";
  return painted;
}"""

# The ground of a view's picture and the ink of the words on it.
_STAGE = """async (palette) => {
  const sheet = Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/web/tilewright.css" });
  await new Promise((done) => Object.assign(sheet, { onload: done }) && document.head.append(sheet));
  const root = Object.assign(document.createElement("div"), { className: "tilewright" });
  for (const [name, color] of Object.entries(palette)) root.style.setProperty(name, color);
  root.innerHTML = '<div class="tw-material-stage"><div class="tw-empty">words</div></div>';
  document.body.append(root);
  const context = new OffscreenCanvas(1, 1).getContext("2d");
  const stage = getComputedStyle(root.firstChild), empty = getComputedStyle(root.firstChild.firstChild);
  const painted = [stage.backgroundColor, empty.color].map((color) => {
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  });
  for (const made of [root, sheet]) made.remove();
  return painted;
}"""


def luminance(color):
    """The relative luminance of an sRGB colour in 8 bits, by WCAG 2."""
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (one / 255 for one in color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("ground", ["#ffffff", LIGHT_MENU])
def test_each_line_stands_out_three_times(web, ground):
    base = luminance(bytes.fromhex(ground[1:])) + 0.05
    painted = web.evaluate(_PAINTED, [LINES, ground, "", ""])
    ratios = {line: base / (luminance(color) + 0.05) for line, color in zip(LINES, painted, strict=True)}
    assert {line: round(ratio, 2) for line, ratio in ratios.items() if ratio < 3} == {}


def test_a_dark_palette_keeps_its_own_lines_whichever_element_says_so(web):
    of_html, of_body, light = (
        web.evaluate(_PAINTED, [LINES, "#202020", *classes])
        for classes in (("dark-theme", ""), ("", "dark-theme"), ("", ""))
    )
    assert of_html == of_body and not any(dark == other for dark, other in zip(of_html, light, strict=True))


def test_the_ground_beside_a_picture_is_the_palette_s(web):
    """A square map in a wide node leaves bars, which were dark on light palettes; words before a run too."""
    palette = {"--comfy-menu-bg": LIGHT_MENU, "--bg-color": "#fff", "--fg-color": "#222"}
    ground, words = web.evaluate(_STAGE, palette)
    assert luminance(ground) > 0.85
    assert (luminance(ground) + 0.05) / (luminance(words) + 0.05) >= 4.5
