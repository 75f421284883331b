"""What every HTTP route of the pack promises: what is refused before its handler runs, and how it is answered.

A handler gets strings or parsed JSON and gives a `Reply`. It runs in one of a few threads, never in the event loop that
also carries the editor's messages. Names in a request are ids, resolved by the handler inside ComfyUI's folders.
"""

import asyncio
import functools
import json
import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from ...common.errors import InputError
from ...common.untrusted_json import parse_untrusted_json

PREFIX = "/tilewright/"
MOST_BYTES = 2**20  # of a POST, where its route says nothing else
THREADS = 4
_POOL = ThreadPoolExecutor(THREADS, "tilewright-route")


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

    touches says in a sentence for docs/routes.md which files it reads or writes.
    """

    method: str
    path: str
    handler: Callable[[Mapping[str, Any]], Reply]
    touches: str
    most_bytes: int = MOST_BYTES


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
        asked = dict(request.query) if route.method == "GET" else await _posted(request, route.most_bytes)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(_POOL, lambda: _response(route.handler(asked)))
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
    body = reply.body if is_bytes else json.dumps(reply.body, ensure_ascii=False, allow_nan=False).encode()
    keeping = f"private, max-age={reply.max_age}, immutable" if reply.max_age else "no-store"
    headers = {"Cache-Control": keeping, "X-Content-Type-Options": "nosniff"}
    return web.Response(body=body, status=reply.status, content_type=reply.content_type, headers=headers)


def _check_site(request: web.Request) -> None:
    """Another site's page may neither read nor write, also where ComfyUI was started with --enable-cors-header."""
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None and site not in ("same-origin", "none"):
        raise Refused(403, "This address answers ComfyUI's own pages only.")
    if site is None and origin is not None:
        hosts = {request.headers.get("Host", "").lower(), request.headers.get("X-Forwarded-Host", "").lower()}
        if urlsplit(origin).netloc.lower() not in hosts - {""}:
            raise Refused(403, "This address answers ComfyUI's own pages only.")


async def _posted(request: web.Request, most_bytes: int) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise Refused(415, "Send JSON, with Content-Type: application/json.")
    body = b""
    async for part in request.content.iter_chunked(2**16):
        body += part
        if len(body) > most_bytes:
            raise Refused(413, f"More than {most_bytes} bytes were sent.")
    try:
        value = parse_untrusted_json(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise InputError("What was sent is not UTF-8 text.") from None
    except InputError as error:
        raise InputError(f"What was sent {error}") from None
    if not isinstance(value, dict):
        raise InputError("Send a JSON object.")
    return value
