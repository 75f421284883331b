"""The caption editor in the real frontend: in the node and over the whole window, by mouse and by keys alone."""

import pytest
from base_path import below
from test_caption_routes import ask, change, graph, write_images
from tilewright.launch.client import run_prompt
from widget_matrix import LOADED, RENDERERS, Matrix, in_page, speak, use_renderer

NODE, VIEW = "TilewrightEditCaptions", "captions"
FILLED = "view.root.querySelectorAll('img').length === 4"


@pytest.fixture(scope="session")  # before the browser, whose event loop `run_prompt` could not share
def edits(server):
    write_images(server.base)
    run_prompt(server.url, graph("in the editor"))
    return "in the editor"


@pytest.fixture
def opened(editor, edits, server):
    """The editor over the window, on captions as they came in."""
    while done := ask(server, "dataset", {"edits": edits})[1]["done"]:
        ask(server, "dataset/undo", body={"edits": edits, "step": done[-1]["step"]})
    use_renderer(editor, "classic")
    Matrix(editor, "classic", NODE, VIEW, {"edits": edits}).put()
    in_page(editor, "app.graph.nodes[0].widgets[0].callback?.(given);", edits)
    editor.locator(".tilewright-view button", has_text="Edit captions").click()
    editor.locator("dialog article").nth(3).wait_for()
    yield editor
    in_page(editor, "document.querySelectorAll('dialog.twc-editor').forEach(one => one.close()); await frame();")


@pytest.fixture
def held(server, edits):
    """What is edited now, by file name."""

    def edited():
        _, told = ask(server, "dataset", {"edits": edits})
        held = {key.split("/")[-1]: edit for key, edit in told["changed"].items()}
        return {name: edit for name, edit in held.items() if edit["caption"] is not None or edit["excluded"]}

    return edited


def wait(editor, condition, given=None):
    editor.wait_for_function(condition, arg=given, timeout=10_000)


@pytest.mark.parametrize("renderer", RENDERERS)
def test_the_view_outlives_what_a_person_does_to_its_node(editor, edits, renderer):
    Matrix(editor, renderer, NODE, VIEW, {"edits": edits, "token_limit": 60}).run()


@pytest.mark.parametrize("renderer", RENDERERS)
def test_the_view_shows_the_dataset_again_after_a_reload(editor, edits, renderer):
    use_renderer(editor, renderer)
    matrix = Matrix(editor, renderer, NODE, VIEW, {"edits": edits})
    matrix.put()
    matrix.reloads(FILLED)


def test_one_key_opens_it_and_escape_leaves_it(editor, edits):
    use_renderer(editor, "classic")
    Matrix(editor, "classic", NODE, VIEW, {"edits": edits}).put()
    in_page(editor, "app.graph.nodes[0].widgets[0].callback?.(given);", edits)
    editor.locator(".tilewright-view").focus()
    editor.keyboard.press("f")
    editor.locator("dialog article").nth(3).wait_for()
    editor.keyboard.press("Escape")
    wait(editor, "!document.querySelector('dialog.twc-editor')")
    assert in_page(editor, "return app.graph.nodes.length;") == 1


def test_by_keys_alone(opened, held):
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("Enter")
    opened.keyboard.press("Control+a")
    opened.keyboard.type("my own words")
    opened.keyboard.press("Control+Enter")  # and on to the next
    wait(opened, "document.activeElement?.getAttribute('aria-label') === 'Caption of wall_2.png'")
    opened.keyboard.press("Escape")
    assert held()["wall_1.png"]["caption"] == "my own words"
    opened.keyboard.press("x")
    wait(opened, "document.querySelectorAll('article.twc-excluded').length === 1")
    assert held()["wall_2.png"]["excluded"] is True
    opened.keyboard.press("Control+z")
    wait(opened, "document.querySelectorAll('article.twc-excluded').length === 0")
    opened.keyboard.press("Control+z")
    wait(opened, "!document.querySelector('dialog .tw-mark')")
    assert {name: edit["caption"] for name, edit in held().items()} == {}
    opened.keyboard.press("Control+y")
    wait(opened, "document.querySelector('dialog .tw-mark')")
    assert held()["wall_1.png"]["caption"] == "my own words"


def test_escape_gives_up_what_is_written(opened, held):
    opened.locator("article .twc-caption").first.click()
    opened.keyboard.type(" and more")
    opened.keyboard.press("Escape")
    assert held() == {} and opened.locator("article textarea").count() == 0


def test_leaving_a_field_keeps_what_is_written(opened, held):
    opened.locator("article .twc-caption").nth(3).click()
    opened.keyboard.type(" and more")
    opened.locator(".twc-top .twc-title").click()
    wait(opened, "document.querySelector('dialog .tw-mark')")
    assert held()["wall_3.png"]["caption"] == "caption 3 and more"


def test_closing_keeps_what_is_written(opened, held):
    opened.locator(".twc-right textarea").fill("written and closed")
    opened.get_by_role("button", name="Done").click()
    wait(opened, "!document.querySelector('dialog.twc-editor')")
    assert held()["wall_0.png"]["caption"] == "written and closed"


def test_the_filter_and_its_mistakes(opened):
    opened.keyboard.press("Alt+f")
    opened.keyboard.type('"caption 2"')
    wait(opened, "document.querySelectorAll('dialog article').length === 1")
    opened.keyboard.type(" and (")
    opened.locator(".twc-mistake", has_text="Something is missing").wait_for()
    opened.keyboard.press("Escape")
    wait(opened, "document.querySelectorAll('dialog article').length === 4")


def test_replacing_tells_before_it_changes(opened, held):
    opened.keyboard.press("Control+r")
    opened.keyboard.type("caption 1")
    opened.keyboard.press("Tab")
    opened.keyboard.type("the second")
    opened.get_by_text("1 of 4 captions change").wait_for()
    assert held() == {}
    opened.keyboard.press("Enter")
    wait(opened, "document.querySelector('dialog .tw-mark')")
    assert held()["wall_1.png"]["caption"] == "the second"
    opened.get_by_text("0 of 4 captions change").wait_for()


def test_one_tag_over_the_selection_is_one_step(opened, held, server, edits):
    opened.keyboard.press("Control+a")
    opened.get_by_text("4 images selected").wait_for()
    opened.keyboard.press("Alt+a")
    opened.keyboard.type("twbricks")
    opened.keyboard.press("Enter")
    wait(opened, "document.querySelectorAll('article .tw-mark').length === 4")
    assert {edit["caption"] for edit in held().values()} == {f"caption {number}, twbricks" for number in range(4)}
    assert len(ask(server, "dataset", {"edits": edits})[1]["done"]) == 1
    opened.locator(".twc-shared button", has_text="twbricks").click()
    wait(opened, "document.querySelectorAll('.twc-shared li').length === 4")
    assert {edit["caption"] for edit in held().values()} == {f"caption {number}" for number in range(4)}


def test_somebody_elses_change_is_shown_beside_ones_own(opened, server, edits, held):
    opened.locator("article .twc-caption").first.click()
    opened.keyboard.press("Control+a")
    opened.keyboard.type("mine")
    assert change(server, edits, 0, "another window's", "caption 0")[0] == 200
    opened.keyboard.press("Enter")
    notice = opened.get_by_role("alertdialog")
    notice.wait_for()
    assert "mine" in notice.inner_text() and "another window's" in notice.inner_text()
    assert held()["wall_0.png"]["caption"] == "another window's"
    notice.get_by_role("button", name="Use mine").click()
    notice.wait_for(state="detached")
    assert held()["wall_0.png"]["caption"] == "mine"


def test_what_another_window_does_appears_by_itself(opened, server, edits):
    assert change(server, edits, 3, "from elsewhere", "caption 3")[0] == 200
    opened.locator("article", has_text="from elsewhere").wait_for(timeout=10_000)


def test_the_editor_is_gone_when_it_is_closed(opened):
    opened.keyboard.press("Escape")
    wait(opened, "!document.querySelector('dialog')")
    assert opened.evaluate("document.querySelectorAll('.twc-card').length") == 0


def test_every_control_has_a_name_and_text_can_be_read(opened):
    for palette in ("light", "dark"):
        opened.evaluate("name => app.extensionManager.setting.set('Comfy.ColorPalette', name)", palette)
        for _ in range(20):
            opened.wait_for_timeout(300)  # colours fade from one palette into the other
            told = opened.evaluate(_AUDIT)
            if not told["faint"]:
                break
        assert told["nameless"] == []
        assert told["faint"] == [], palette


def test_it_speaks_chinese(editor, edits):
    speak(editor, "zh")
    try:
        use_renderer(editor, "classic")
        Matrix(editor, "classic", NODE, VIEW, {"edits": edits}).put()
        in_page(editor, "app.graph.nodes[0].widgets[0].callback?.(given);", edits)
        editor.locator(".tilewright-view button", has_text="编辑标注").click()
        editor.locator("dialog article").nth(3).wait_for()
        assert "4 张图像" in editor.locator("dialog .twc-top").inner_text()
    finally:
        speak(editor, "en")


def test_it_works_below_a_base_path(editor, server, edits):
    with below("/studio", server.url) as (address, refused):
        page = editor.context.browser.new_page()
        try:
            page.goto(address)
            page.wait_for_function(LOADED, timeout=60_000)
            Matrix(page, "classic", NODE, VIEW, {"edits": edits}).put()
            in_page(page, "app.graph.nodes[0].widgets[0].callback?.(given);", edits)
            images = "[...document.querySelectorAll('.twc-strip img')]"
            page.wait_for_function(f"{images}.filter(one => one.naturalWidth).length === 4")
        finally:
            page.close()
    assert [path for path in refused if "tilewright" in path] == []


_AUDIT = """() => {
  const dialog = document.querySelector("dialog.twc-editor");
  const controls = [...dialog.querySelectorAll("button, input, select, textarea, [role=option]")];
  const nameless = controls.filter(one => !(one.getAttribute("aria-label") || one.textContent.trim() || one.title
    || one.closest("label"))).map(one => one.outerHTML.slice(0, 120));
  const parse = color => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d");
    canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return { rgb: [r, g, b].map(one => one / 255), a: a / 255 };
  };
  const over = element => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
      const color = parse(getComputedStyle(one).backgroundColor);
      layers.push(color);
      if (color.a > 0.99) break;
    }
    return layers.reverse().reduce((below, { rgb, a }) => below.map((one, i) => one * (1 - a) + rgb[i] * a), [0, 0, 0]);
  };
  const light = rgb => {
    const linear = rgb.map(one => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const faint = [];
  for (const element of dialog.querySelectorAll("*")) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own || element.disabled || element.closest(":disabled") || !element.checkVisibility()) continue;
    const [text, back] = [light(parse(getComputedStyle(element).color).rgb), light(over(element))];
    const contrast = (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05);
    if (contrast < 4.5) faint.push([element.className, element.textContent.slice(0, 30), contrast.toFixed(2)]);
  }
  return { nameless, faint };
}"""
