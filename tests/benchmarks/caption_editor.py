"""The caption editor on 5,000 images: how long until the first page stands, until an edit is kept, and what it takes.

Needs Chromium. Wanted: first page under 1 s, an edit under 100 ms, memory that does not grow from page to page.
"""

import json
import shutil
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import _measured  # noqa: F401  -- makes the pack importable
import numpy as np
import psutil
from conftest import HOST
from PIL import Image
from tilewright.launch.browser import open_editor
from tilewright.launch.client import run_prompt
from tilewright.launch.hosts import Host
from tilewright.launch.server import running_server

COUNT, SIDE = 5000, 128
WORDS = "brick stone wood marble worn clean red grey dark light large small rough smooth old new wet dry".split()
SEEN = """() => { const cards = [...document.querySelectorAll('dialog article')];
  const first = cards.slice(0, 15).map(one => one.querySelector('img'));
  return cards.length === 100 && first.every(one => one?.complete && one.naturalWidth > 0); }"""


def write_images(folder):
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for number in range(COUNT):
        noise = random.integers(0, 255, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((SIDE, SIDE)).save(folder / f"wall_{number:04}.png")
        words = ", ".join(" ".join(random.choice(WORDS, 2)) for _ in range(8))
        (folder / f"wall_{number:04}.txt").write_text(words)


def timed(label, act):
    start = time.perf_counter()
    result = act()
    print(f"{label:44} {1000 * (time.perf_counter() - start):8.0f} ms", flush=True)
    return result


def heap(page):
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return used / 2**20


def graph(check):
    inputs = {"dataset": ["1", 0], "edits": "bench", "check_images": check}
    return {
        "1": {"class_type": "TilewrightLoadDataset", "inputs": {"folder": "bench", "map": "any", "image_limit": 0}},
        "2": {"class_type": "TilewrightEditCaptions", "inputs": inputs},
        "3": {"class_type": "PreviewAny", "inputs": {"source": ["2", 2]}},
    }


def measure(page, server):
    node = "const node = app.graph.add(LiteGraph.createNode('TilewrightEditCaptions'));"
    page.evaluate(f"() => {{ app.graph.clear(); {node} node.pos = [400, 100]; node.widgets[0].value = 'bench'; "
                  "node.widgets[0].callback?.('bench'); app.canvas.ds.reset(); }")  # fmt: skip
    page.locator(".twc-strip img").first.wait_for()
    before = heap(page)

    def opening():
        page.locator(".tilewright-view button", has_text="Edit captions").click()
        page.wait_for_function(SEEN, polling=10)

    timed("first page, thumbnails made", opening)
    page.keyboard.press("Escape")
    timed("first page, thumbnails kept", opening)
    opened = heap(page)

    def edit():
        page.keyboard.type(" x")
        page.keyboard.press("Enter")
        page.wait_for_function("!document.querySelector('article textarea')", polling=5)

    for turn in range(3):
        page.keyboard.press("Enter")
        page.wait_for_selector("article textarea")
        timed(f"edit {turn + 1}: kept and shown", edit)
    page.keyboard.press("Alt+f")
    page.keyboard.type("tag:red*")
    timed(
        "filter",
        lambda: page.wait_for_function("/of 5000/.test(document.querySelector('.twc-title').textContent)", polling=5),
    )
    page.keyboard.press("Escape")
    page.keyboard.press("Control+r")
    page.keyboard.type("brick")
    page.keyboard.press("Tab")
    page.keyboard.type("clay")
    page.wait_for_function(
        "/^[1-9]\\d* of 5000/.test(document.querySelector('.twc-replace [role=status]').textContent)"
    )
    print(page.locator(".twc-replace [role=status]").inner_text())

    def replace():
        page.keyboard.press("Enter")
        page.wait_for_function(
            "/^0 of 5000/.test(document.querySelector('.twc-replace [role=status]').textContent)", polling=10
        )

    timed("replace in all of them", replace)
    page.keyboard.press("Escape")
    after_edits = heap(page)
    for _ in range(25):
        page.keyboard.press("PageDown")
        page.wait_for_function(SEEN, polling=20)
    paged = heap(page)
    for _ in range(24):
        page.keyboard.press("PageDown")
        page.wait_for_timeout(50)
    print(f"heap in MB: {before:.1f} node, {opened:.1f} opened, {after_edits:.1f} edited, {paged:.1f} after 25 pages, "
          f"{heap(page):.1f} after all")  # fmt: skip
    print(f"server: {sum(one.memory_info().rss for one in family(server)) / 2**20:.0f} MB")


def family(server):
    process = psutil.Process(server.process.pid)
    return [process, *process.children(recursive=True)]


def main():
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_images(folder / "base" / "input" / "bench")
        with running_server(Host(HOST, Path(sys.executable), ours=True), folder / "base", folder / "output") as server:
            timed("load and list", lambda: run_prompt(server.url, graph(False)))
            greeted = json.dumps({"Comfy.TutorialCompleted": True}).encode()  # or templates open over the editor
            asked = urllib.request.Request(f"{server.url}/settings", greeted, {"Content-Type": "application/json"})
            urllib.request.urlopen(asked).close()
            with open_editor(server.url, browser) as page:
                measure(page, server)
            timed("load, list and check the images", lambda: run_prompt(server.url, graph(True)))


if __name__ == "__main__":
    main()
