"""The pack's own modules of web/ in a browser, without ComfyUI: files from the disk under /web."""

import os
import shutil
from pathlib import Path

import pytest
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
def web():
    """A playwright page in which `import("/web/...")` finds the pack's modules."""
    browser = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
    if browser is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have chromium: .ci/run installs it")
        pytest.skip("no chromium or chrome on this machine")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=QUIET)
        page = chromium.new_page()
        page.route("**/*", _answer)
        page.goto("http://tilewright.test/")
        yield page
        chromium.close()
