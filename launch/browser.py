"""ComfyUI's editor in a headless browser, for what only the real frontend can tell."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
QUIET += ["--disable-sync", "--no-first-run", "--enable-unsafe-swiftshader"]


def installed_chromium() -> str | None:
    """The executable of Chromium or Chrome on this machine's path, None without one."""
    return shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")


@contextmanager
def open_editor(url: str, browser: str) -> Iterator[Page]:
    """A page with the editor at `url` loaded, its first workflow open. browser: a Chromium's executable.

    Before that the editor would lay its first workflow over another, and drop what running nodes tell.
    """
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=QUIET)
        try:
            page = chromium.new_page(viewport={"width": 1920, "height": 1080})
            page.goto(url, timeout=120_000)
            page.wait_for_function(
                "!!(window.app?.extensionManager?.workflow?.activeWorkflow"
                " && window.LiteGraph?.registered_node_types?.TilewrightDemoModel)",
                timeout=120_000,
            )
            yield page
        finally:
            chromium.close()
