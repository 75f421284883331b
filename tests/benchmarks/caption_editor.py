"""The caption editor on 5,000 images: how long until the first page stands, until an edit is kept, and what it takes.

Needs Chromium. Wanted: first page under 1 s, an edit under 100 ms, memory that does not grow from page to page. Beside
the time on the wall stands the processor time of the page's own thread and of the server, which a busy machine changes
little.
"""

import json
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
from tilewright.launch.browser import installed_chromium, open_editor
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


class Clock:
    """Prints what acts take on the wall, and in processor time in the page (its main thread) and in the server."""

    def __init__(self, server, page=None):
        self.server = server
        self.session = page and page.context.new_cdp_session(page)
        if self.session:
            self.session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def read(self):
        metrics = self.session.send("Performance.getMetrics")["metrics"] if self.session else []
        page = sum(one["value"] for one in metrics if one["name"] == "TaskDuration")
        times = [one.cpu_times() for one in family(self.server)]
        return time.perf_counter(), page, sum(one.user + one.system for one in times)

    def __call__(self, label, act):
        before = self.read()
        act()
        wall, page, server = (1000 * (b - a) for a, b in zip(before, self.read(), strict=True))
        print(f"{label:36} {wall:7.0f} ms; CPU in the page {page:6.0f}, in the server {server:6.0f}", flush=True)


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
    timed = Clock(server, page)
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

    timed("nothing, for a second", lambda: page.wait_for_timeout(1000))  # what the editor of ComfyUI takes by itself
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
    replace_in_all(page, timed)
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


def replace_in_all(page, timed):
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


def family(server):
    process = psutil.Process(server.process.pid)
    return [process, *process.children(recursive=True)]


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_images(folder / "base" / "input" / "bench")
        with running_server(Host(HOST, Path(sys.executable), ours=True), folder / "base", folder / "output") as server:
            timed = Clock(server)
            timed("load and list", lambda: run_prompt(server.url, graph(False)))
            greeted = json.dumps({"Comfy.TutorialCompleted": True}).encode()  # or templates open over the editor
            asked = urllib.request.Request(f"{server.url}/settings", greeted, {"Content-Type": "application/json"})
            urllib.request.urlopen(asked).close()
            with open_editor(server.url, installed_chromium()) as page:
                measure(page, server)
            timed("load, list and check the images", lambda: run_prompt(server.url, graph(True)))


if __name__ == "__main__":
    main()
