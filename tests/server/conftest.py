"""The demo's graph, run once for all, and a browser with the real frontend open on the real server."""

import json
from urllib.request import Request, urlopen

import pytest
from api_workflows import load
from tilewright.launch.browser import open_editor
from tilewright.launch.client import run_prompt


@pytest.fixture(scope="session")
def quick_start(server):
    """The API file of that name and what the server answered to it."""
    prompt = load("quick_start")
    return prompt, run_prompt(server.url, prompt)


@pytest.fixture(scope="module")  # playwright keeps an event loop running, which other tests could not live with
def editor(server, chromium):
    """A playwright page with ComfyUI's editor loaded; `editor.evaluate` runs JavaScript in it."""
    greeted = {"Comfy.TutorialCompleted": True}  # or a window of templates opens over the editor on the first visit
    asked = Request(f"{server.url}/settings", json.dumps(greeted).encode(), {"Content-Type": "application/json"})
    urlopen(asked).close()
    with open_editor(server.url, chromium) as page:
        yield page
