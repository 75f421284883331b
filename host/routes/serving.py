"""What every HTTP route of the pack promises: what is refused before its handler runs, and how it is answered.

A handler gets strings or parsed JSON and gives a `Reply`. It runs in one of a few threads, never in the event loop that
also carries the editor's messages. Names in a request are ids, resolved by the handler inside ComfyUI's folders.
"""

import asyncio
import functools
import ipaddress
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from aiohttp import web

from ...common.errors import InputError
from ...common.untrusted_json import parse_untrusted_json

PREFIX = "/tilewright/"
MOST_BYTES = 2**20  # of a POST, where its route says nothing else
SLOWEST = 60.0  # s in which a body must be there
THREADS = 4
HOST_NAMES = "TILEWRIGHT_HOST_NAMES"  # in the environment: under which a proxy on this machine offers ComfyUI
OWN_ENDINGS = ("localhost", "local", "lan", "internal", "home.arpa", "test")  # of names that nobody can buy
_POOL = ThreadPoolExecutor(THREADS, "tilewright-route")
_TURNS: dict["Route", asyncio.Semaphore] = {}  # of routes that take one request at a time


@dataclass(frozen=True)
class Reply:
    """body is bytes of `content_type`, or else a value to be sent as JSON. max_age in s is how long the browser may
    keep it, 0 for not at all: only where the address names the content."""

    body: Any
    content_type: str = "application/json"
    max_age: int = 0
    status: int = 200


class NotThere(InputError):
    """What the request names does not exist: answered with 404."""


class Refused(InputError):
    """A request that must not be obeyed: answered with `status`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Conflict(InputError):
    """What the request wants to change is no longer as it was shown: answered with 409 and `found`, as it is now."""

    def __init__(self, message: str, found: Any) -> None:
        super().__init__(message)
        self.found = found


@dataclass(frozen=True)
class Route:
    """One address. GET handlers get the query, POST handlers the JSON object that was sent, up to `most_bytes`.

    touches says in a sentence for docs/routes.md which files it reads or writes. one_at_a_time: its handler needs so
    much memory that a second request waits for the first.
    """

    method: str
    path: str
    handler: Callable[[Mapping[str, Any]], Reply]
    touches: str
    most_bytes: int = MOST_BYTES
    one_at_a_time: bool = False


def register(routes: Iterable[Route]) -> None:
    """Offer `routes` on the running ComfyUI; nothing where there is none, or where another copy of the pack did."""
    instance = getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)
    if instance is None:
        return
    known = {(one.method, one.path) for one in instance.routes if isinstance(one, web.RouteDef)}
    for route in routes:
        if (route.method, route.path) not in known:
            add = instance.routes.get if route.method == "GET" else instance.routes.post
            add(route.path)(functools.partial(answer, route))


async def answer(route: Route, request: web.Request) -> web.Response:
    """Refuse, or run the route's handler in a thread and send what it gives."""
    try:
        _check_site(request)
        _check_host(request)
        if route.method == "GET":
            query = dict(request.query)
            return await _in_turn(route, lambda: query)
        body = await _posted(request, route.most_bytes)
        return await _in_turn(route, lambda: _parsed(body))
    except Conflict as conflict:
        return _response(Reply({"error": str(conflict), "found": conflict.found}, status=409))
    except NotThere as error:
        return _response(Reply({"error": str(error)}, status=404))
    except Refused as error:
        return _response(Reply({"error": str(error)}, status=error.status))
    except InputError as error:
        return _response(Reply({"error": str(error)}, status=400))
    except Exception:
        logging.exception("Tilewright could not answer %s", route.path)
        return _response(Reply({"error": "Tilewright failed; ComfyUI's console says why."}, status=500))


async def _in_turn(route: Route, asked: Callable[[], dict[str, Any]]) -> web.Response:
    turn = _TURNS.setdefault(route, asyncio.Semaphore(1 if route.one_at_a_time else THREADS))
    async with turn:
        return await asyncio.get_running_loop().run_in_executor(_POOL, lambda: _response(route.handler(asked())))


def text(asked: Mapping[str, Any], name: str, longest: int = 200) -> str:
    """The text `name` of a request, "" where it has none. Raises `InputError` for what is not text, or too long."""
    value = asked.get(name, "")
    if not isinstance(value, str) or len(value) > longest:
        raise InputError(f"{name} must be a text of at most {longest} letters.")
    return value


def whole(asked: Mapping[str, Any], name: str, default: int, lowest: int, highest: int) -> int:
    """The whole number `name` of a request, `default` where it has none. Raises `InputError` outside its range."""
    value = asked.get(name, default)
    if isinstance(value, str) and value.lstrip("-").isascii() and value.lstrip("-").isdecimal() and len(value) < 20:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
        raise InputError(f"{name} must be a whole number from {lowest} to {highest}.")
    return value


def _response(reply: Reply) -> web.Response:
    is_bytes = isinstance(reply.body, bytes)
    body = reply.body if is_bytes else json.dumps(reply.body, allow_nan=False).encode()  # halves of surrogates too
    keeping = f"private, max-age={reply.max_age}, immutable" if reply.max_age else "no-store"
    headers = {"Cache-Control": keeping, "X-Content-Type-Options": "nosniff"}
    headers["Cross-Origin-Resource-Policy"] = "same-origin"  # another site's page may not show a picture either
    return web.Response(body=body, status=reply.status, content_type=reply.content_type, headers=headers)


def _check_site(request: web.Request) -> None:
    """Another site's page may neither read nor write, also where ComfyUI was started with --enable-cors-header."""
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None and site not in ("same-origin", "none"):
        raise Refused(403, "This address answers ComfyUI's own pages only.")
    if site is None and origin is not None:
        hosts = {request.headers.get("Host", "").lower(), request.headers.get("X-Forwarded-Host", "").lower()}
        if _split(origin, "Origin").netloc.lower() not in hosts - {""}:
            raise Refused(403, "This address answers ComfyUI's own pages only.")


def _check_host(request: web.Request) -> None:
    """A page elsewhere whose name was turned to this machine (DNS rebinding) is answered nothing.

    To its browser such a page is of one site with ComfyUI, but not a safe one: it says no Sec-Fetch-Site, which
    browsers send over https and to this machine's own names, and which no script of a page can set.
    """
    here = (request.transport.get_extra_info("sockname") if request.transport else None) or ("",)
    if "Sec-Fetch-Site" in request.headers or not _is_loopback(str(here[0])):
        return
    name = (_split(f"//{request.headers.get('Host', '')}", "Host").hostname or "").rstrip(".")
    is_own = "." not in name or any(f".{name}".endswith(f".{ending}") for ending in OWN_ENDINGS)
    if not (is_own or _is_address(name) or name in _allowed_names()):
        raise Refused(
            403,
            f"This ComfyUI runs on the machine that asks, and {name[:100]} is not its name. Open it as localhost or "
            "over https; or, where a proxy of yours offers it by that name, list the name in the variable "
            f"{HOST_NAMES} and restart ComfyUI. A script adds the header Sec-Fetch-Site: none.",
        )


def _allowed_names() -> set[str]:
    """The names that the user lists, parted by commas: the variable is not read from a workflow or a request."""
    return {name.strip().rstrip(".").lower() for name in os.environ.get(HOST_NAMES, "").split(",") if name.strip()}


def _split(address: str, header: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError:
        raise Refused(400, f"The header {header} holds no address.") from None


def _is_loopback(address: str) -> bool:
    if not _is_address(address):
        return False
    one = ipaddress.ip_address(address.split("%")[0])
    mapped = one.ipv4_mapped if isinstance(one, ipaddress.IPv6Address) else None  # of a socket for both families
    return (mapped or one).is_loopback


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.split("%")[0])
    except ValueError:
        return False
    return True


async def _posted(request: web.Request, most_bytes: int) -> bytes:
    """The body of a request for JSON. Raises `Refused` for another kind, for too much and for one that does not end."""
    if request.content_type != "application/json":
        raise Refused(415, "Send JSON, with Content-Type: application/json.")
    too_much = Refused(413, f"More than {most_bytes} bytes were sent.")
    if (request.content_length or 0) > most_bytes:
        raise too_much

    async def read() -> bytes:
        body = bytearray()
        async for part in request.content.iter_chunked(2**16):
            body += part
            if len(body) > most_bytes:
                raise too_much
        return bytes(body)

    try:
        return await asyncio.wait_for(read(), SLOWEST)
    except asyncio.TimeoutError:
        raise Refused(408, f"What was sent did not end within {SLOWEST:.0f} s.") from None


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        value = parse_untrusted_json(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise InputError("What was sent is not UTF-8 text.") from None
    except InputError as error:
        raise InputError(f"What was sent {error}") from None
    if not isinstance(value, dict):
        raise InputError("Send a JSON object.")
    return value
