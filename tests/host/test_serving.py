"""What serves every route: who is answered, how large and how slow a request may be, which wait for each other."""

import asyncio
import functools
import json
import threading
import time

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from tilewright.host.routes import serving
from tilewright.host.routes.serving import Reply, Route, answer

SAFE = {"Sec-Fetch-Site": "same-origin"}


def served(test, *routes):
    """Run `test`, a coroutine of a client, on a server of these routes."""

    async def run():
        application = web.Application()
        for route in routes:
            application.router.add_route(route.method, route.path, functools.partial(answer, route))
        async with TestClient(TestServer(application)) as client:
            return await test(client)

    return asyncio.run(run())


def route(handler, method="GET", **more):
    return Route(method, "/tilewright/tested", handler, "Reads nothing.", **more)


@pytest.mark.parametrize(
    "host, headers, status",
    [
        ("127.0.0.1:8188", {}, 200),
        ("[::1]:8188", {}, 200),
        ("localhost:8188", {}, 200),
        ("192.168.1.20:8188", {}, 200),
        ("studio-pc:8188", {}, 200),
        ("studio-pc.local.:8188", {}, 200),
        ("comfy.home.arpa", {}, 200),
        ("rebound.example:8188", {}, 403),
        ("rebound.example.:8188", {}, 403),
        ("127.0.0.1.rebound.example", {}, 403),
        ("notlocal", {}, 200),
        ("evil.notlocal", {}, 403),
        ("rebound.example:8188", {"X-Forwarded-Host": "localhost", "Origin": "http://rebound.example:8188"}, 403),
        ("comfy.studio.example", SAFE, 200),  # behind a proxy that speaks https
    ],
)
def test_a_name_that_was_turned_to_this_machine_is_answered_nothing(host, headers, status):
    async def test(client):
        async with client.get("/tilewright/tested", headers={"Host": host, **headers}) as told:
            return told.status, await told.json()

    answered = served(test, route(lambda asked: Reply({"secret": 1})))
    assert answered[0] == status and ("secret" in answered[1]) == (status == 200)


@pytest.mark.parametrize(
    ("listed", "status"),
    [
        ("comfy.studio.example", 200),
        (" other.example , Comfy.Studio.example. ", 200),
        ("studio.example", 403),
        (",", 403),
    ],
)
def test_a_name_that_the_user_lists_is_answered_through_a_proxy_over_plain_http(monkeypatch, listed, status):
    monkeypatch.setenv("TILEWRIGHT_HOST_NAMES", listed)

    async def test(client):
        async with client.get("/tilewright/tested", headers={"Host": "COMFY.studio.example:80"}) as told:
            return told.status, await told.json()

    answered = served(test, route(lambda asked: Reply({})))
    assert answered[0] == status and ("error" in answered[1]) == (status == 403)


def test_what_is_refused_says_where_its_name_is_listed():
    async def test(client):
        async with client.get("/tilewright/tested", headers={"Host": "comfy.studio.example"}) as told:
            return (await told.json())["error"]

    assert served(test, route(lambda asked: Reply({}))) == (
        "This ComfyUI runs on the machine that asks, and comfy.studio.example is not its name. Open it as localhost or "
        "over https; or, where a proxy of yours offers it by that name, list the name in the variable "
        "TILEWRIGHT_HOST_NAMES and restart ComfyUI. A script adds the header Sec-Fetch-Site: none."
    )


@pytest.mark.parametrize("headers", [{"Host": "[::1"}, {"Origin": "http://[::1"}])
def test_a_header_that_holds_no_address_is_told(headers):
    async def test(client):
        async with client.get("/tilewright/tested", headers=headers) as told:
            return told.status, (await told.json())["error"]

    [name] = headers
    assert served(test, route(lambda asked: Reply({}))) == (400, f"The header {name} holds no address.")


@pytest.mark.parametrize(
    ("socket", "status"),
    [
        ("::ffff:127.0.0.1", 403),
        ("::1", 403),
        ("127.0.0.2", 403),
        ("::ffff:10.0.0.5", 200),
        ("10.0.0.5", 200),
        ("", 200),
    ],
)
def test_this_machine_is_known_by_every_address_of_its_own(socket, status):
    class Transport:
        def get_extra_info(self, name):
            return (socket, 8188) if name == "sockname" else None

    request = make_mocked_request(
        "GET", "/tilewright/tested", headers={"Host": "rebound.example"}, transport=Transport()
    )
    assert asyncio.run(answer(route(lambda asked: Reply({})), request)).status == status


def test_no_other_site_may_show_what_is_answered():
    async def test(client):
        async with client.get("/tilewright/tested") as told:
            return told.headers

    headers = served(test, route(lambda asked: Reply(b"x", "image/webp")))
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin" and headers["X-Content-Type-Options"] == "nosniff"


def test_a_text_of_half_a_surrogate_pair_comes_back_as_it_was_sent():
    async def test(client):
        body, headers = b'{"caption": "\\ud800 wall"}', {"Content-Type": "application/json"}
        async with client.post("/tilewright/tested", data=body, headers=headers) as told:
            return json.loads(await told.read())

    assert served(test, route(lambda asked: Reply(asked), "POST")) == {"caption": "\ud800 wall"}


def test_what_does_not_end_is_given_up(monkeypatch):
    monkeypatch.setattr(serving, "SLOWEST", 0.2)

    async def never_ending():
        yield b'{"a": "'
        await asyncio.sleep(30)

    async def test(client):
        headers = {"Content-Type": "application/json"}
        async with client.post("/tilewright/tested", data=never_ending(), headers=headers) as told:
            return told.status

    assert served(test, route(lambda asked: Reply(asked), "POST")) == 408


def test_a_length_that_is_too_large_is_refused_before_it_is_sent():
    async def test(client):
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(
            b"POST /tilewright/tested HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 1000000000\r\n\r\n"
        )
        told = await asyncio.wait_for(reader.readline(), 10)
        writer.close()
        return told

    assert b" 413 " in served(test, route(lambda asked: Reply(asked), "POST", most_bytes=1000))


def test_of_a_route_that_needs_much_memory_one_request_runs_at_a_time_and_others_do_not_wait():
    running, most, lock, light_came = 0, 0, threading.Lock(), threading.Event()

    def heavy(asked):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        light_came.wait(20)
        time.sleep(0.05)  # so that two at a time would meet
        with lock:
            running -= 1
        return Reply({})

    async def test(client):
        heavies = [asyncio.create_task(client.get("/tilewright/tested")) for _ in range(6)]
        async with client.get("/tilewright/light"):
            left = sum(not one.done() for one in heavies)
        light_came.set()
        await asyncio.gather(*heavies)
        return left

    light = Route("GET", "/tilewright/light", lambda asked: Reply({}), "Reads nothing.")
    assert served(test, route(heavy, one_at_a_time=True), light) == 6
    assert most == 1
