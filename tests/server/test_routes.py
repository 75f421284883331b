"""What every route of the pack refuses before it does anything, and that docs/routes.md tells all of them."""

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from tilewright.host.routes import ROUTES
from tilewright.launch.browser import QUIET

PACK = Path(__file__).resolve().parents[2]
GETS = [route for route in ROUTES if route.method == "GET"]
POSTS = [route for route in ROUTES if route.method == "POST"]
each = pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
each_post = pytest.mark.parametrize("route", POSTS, ids=lambda route: route.path)
JSON = {"Content-Type": "application/json"}


def ask(server, route, body=None, headers=JSON, prefix="", query=""):
    """(status, what was answered) of a request."""
    data = None if route.method == "GET" else (b"{}" if body is None else body)
    given = {} if route.method == "GET" and headers is JSON else headers
    asked = urllib.request.Request(f"{server.url}{prefix}{route.path}{query}", data, given, method=route.method)
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_the_page_for_reviewers_tells_every_route_and_what_it_touches():
    page = (PACK / "docs" / "routes.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"\| `((?:GET|POST) [^`]+)` \| (.+) \|", page))
    assert rows == {f"{route.method} {route.path}": route.touches for route in ROUTES}


@each
def test_a_route_lies_below_the_packs_own_path_and_only_reads_or_writes(route):
    assert route.path.startswith("/tilewright/") and route.method in ("GET", "POST")


@each
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "null"},
        {"Origin": "https://elsewhere.example"},
    ],
    ids=["cross-site", "same-site", "no origin", "another origin"],
)
def test_another_site_is_refused(server, route, headers):
    assert ask(server, route, headers={**JSON, **headers})[0] == 403


def test_a_page_whose_name_was_turned_to_this_machine_is_refused_in_a_browser(server, chromium):
    port = server.url.rsplit(":", 1)[1]
    ask_both = """async () => Promise.all([
      fetch("/tilewright/runs", { headers: { "Sec-Fetch-Site": "none", "X-Forwarded-Host": "localhost" } }),
      fetch("/tilewright/dataset/tokens", { method: "POST", headers: { "Content-Type": "application/json" },
        body: '{"captions": ["brick"]}' }),
    ].map(async answer => (await answer).status))"""
    with sync_playwright() as playwright:
        turned = "--host-resolver-rules=MAP rebound.example 127.0.0.1"
        page = playwright.chromium.launch(executable_path=chromium, args=[*QUIET, turned]).new_page()
        told = {}
        for name in ("rebound.example", "127.0.0.1", "localhost"):
            page.goto(f"http://{name}:{port}/system_stats")
            told[name] = page.evaluate(ask_both)
    assert told == {"rebound.example": [403, 403], "127.0.0.1": [200, 200], "localhost": [200, 200]}


@each_post
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_what_a_form_can_send_is_refused(server, route, kind):
    assert ask(server, route, b"{}", {"Content-Type": kind})[0] == 415


@each_post
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"text"', b"null", b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000, b'{"a":' * 50_000],
    ids=["empty", "cut", "list", "text", "null", "bytes", "NaN", "deep list", "deep object"],
)
def test_what_is_no_json_object_is_refused_with_a_sentence(server, route, body):
    status, answer = ask(server, route, body)
    assert status in (400, 413)  # a deep one is larger than some routes take
    assert json.loads(answer)["error"].endswith((".", ")"))


@each_post
def test_more_than_its_size_is_refused(server, route):
    try:
        status, _ = ask(server, route, b'{"a": "' + b"x" * route.most_bytes + b'"}')
    except (urllib.error.URLError, ConnectionError):
        return  # the server hung up before it had all of it
    assert status == 413


@each_post
def test_a_write_cannot_be_had_by_get(server, route):
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(server.url + route.path)
    assert caught.value.code in (404, 405)


def test_the_version_is_told_below_both_paths_and_not_kept(server):
    about = next(route for route in ROUTES if route.path == "/tilewright/about")
    assert ask(server, about) == ask(server, about, prefix="/api") == (200, b'{"routes": 1}')
    with urllib.request.urlopen(server.url + about.path) as answer:
        assert answer.headers["Cache-Control"] == "no-store"
