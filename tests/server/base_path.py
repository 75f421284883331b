"""ComfyUI behind a proxy that serves it below a path, as studios do: nothing outside that path is answered."""

import asyncio
import threading
from contextlib import contextmanager

import aiohttp
from aiohttp import web


@contextmanager
def below(path, url):
    """The address of a proxy on loopback that serves `url` below `path`, "/studio"; `refused` lists other requests."""
    loop, ready, refused = asyncio.new_event_loop(), threading.Event(), []
    place = {}

    async def start():
        session = aiohttp.ClientSession()
        application = web.Application(client_max_size=2**30)
        application.router.add_route("*", path + "/{rest:.*}", lambda request: _pass(request, session, url))
        application.router.add_route("*", "/{rest:.*}", lambda request: _refuse(request, refused))
        runner = web.AppRunner(application, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        place["close"] = (session, runner)
        place["port"] = site._server.sockets[0].getsockname()[1]
        ready.set()

    def run():
        loop.run_until_complete(start())
        loop.run_forever()

    threading.Thread(target=run, daemon=True).start()
    assert ready.wait(10)
    try:
        yield f"http://127.0.0.1:{place['port']}{path}/", refused
    finally:
        asyncio.run_coroutine_threadsafe(_close(*place["close"]), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)


async def _close(session, runner):
    await session.close()
    await runner.cleanup()


async def _refuse(request, refused):
    refused.append(request.path)
    return web.Response(status=404)


async def _pass(request, session, url):
    target = f"{url}/{request.match_info['rest']}"
    kept = {name: value for name, value in request.headers.items() if name.lower() not in ("host", "origin")}
    if request.headers.get("Upgrade", "").lower() == "websocket":
        return await _pass_socket(request, session, target)
    body = await request.read()
    async with session.request(
        request.method, target, params=request.query, headers=kept, data=body, allow_redirects=False
    ) as answer:
        dropped = ("transfer-encoding", "content-encoding", "content-length")
        headers = {name: value for name, value in answer.headers.items() if name.lower() not in dropped}
        return web.Response(status=answer.status, body=await answer.read(), headers=headers)


async def _pass_socket(request, session, target):
    here = web.WebSocketResponse(max_msg_size=0)
    await here.prepare(request)
    async with session.ws_connect(target, params=request.query, max_msg_size=0) as there:

        async def up():
            async for message in here:
                await (there.send_str if message.type == aiohttp.WSMsgType.TEXT else there.send_bytes)(message.data)

        task = asyncio.ensure_future(up())
        async for message in there:
            await (here.send_str if message.type == aiohttp.WSMsgType.TEXT else here.send_bytes)(message.data)
        task.cancel()
    return here
