"""The pack's own modules of web/ in a browser, without ComfyUI: files from the disk under /web."""

from pathlib import Path

import pytest
from live_stage import play  # noqa: F401 - a fixture for the tests here
from playwright.sync_api import sync_playwright
from tilewright.launch.browser import QUIET

PACK = Path(__file__).resolve().parents[2]
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css"}


def _answer(route):
    path = route.request.url.split("/", 3)[3].split("?")[0]
    file = (PACK / path).resolve()
    if not path:
        route.fulfill(body="<!doctype html><title>web</title>", content_type="text/html")
    elif file.is_relative_to(PACK / "web") and file.is_file():
        route.fulfill(body=file.read_bytes(), content_type=TYPES.get(file.suffix, "application/octet-stream"))
    else:
        route.fulfill(status=404)


@pytest.fixture(scope="module")
def web(chromium):
    """A playwright page in which `import("/web/...")` finds the pack's modules."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        page = browser.new_page()
        page.route("**/*", _answer)
        page.goto("http://tilewright.test/")
        yield page
        browser.close()
