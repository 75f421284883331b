"""The API client against a stand-in for ComfyUI that keeps ComfyUI's order of events."""

import asyncio
import json
import threading

import pytest
from aiohttp import web
from tilewright.launch.client import PromptError, run_prompt

PROMPT = {"1": {"class_type": "Anything", "inputs": {}}}


class StandIn:
    """Answers a prompt with `messages` over the websocket; "the outputs are there" fills the history."""

    def __init__(self, messages):
        self.messages, self.queued, self.history = messages, asyncio.Event(), {}

    async def prompt(self, request):
        self.queued.set()
        return web.json_response({"prompt_id": "p"})

    async def websocket(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        execution = asyncio.create_task(self.execute(socket))
        async for _ in socket:
            pass
        await execution
        return socket

    async def execute(self, socket):
        await self.queued.wait()
        for kind, data in self.messages:
            if kind == "the outputs are there":
                await asyncio.sleep(0.2)  # long enough for a client that does not wait for it
                self.history["p"] = {"outputs": data}
            else:
                await socket.send_str(json.dumps({"type": kind, "data": {"prompt_id": "p", **data}}))

    async def outputs(self, request):
        return web.json_response(self.history)


@pytest.fixture
def comfyui():
    """Start a stand-in with messages; returns its address."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    runners = []

    async def serve(messages):
        standin = StandIn(messages)
        app = web.Application()
        app.add_routes(
            [
                web.post("/prompt", standin.prompt),
                web.get("/ws", standin.websocket),
                web.get("/history/p", standin.outputs),
            ]
        )
        runners.append(web.AppRunner(app))
        await runners[0].setup()
        await web.TCPSite(runners[0], "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runners[0].addresses[0][1]}"

    yield lambda messages: asyncio.run_coroutine_threadsafe(serve(messages), loop).result()
    asyncio.run_coroutine_threadsafe(runners[0].cleanup(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_outputs_are_asked_for_when_the_history_has_them(comfyui):
    url = comfyui(
        [
            ("executing", {"node": "1"}),
            ("execution_success", {}),
            ("the outputs are there", {"1": {"text": ["done"]}}),
        ]
    )
    assert run_prompt(url, PROMPT) == {"1": {"text": ["done"]}}


def test_a_failed_node_is_named_with_its_reason(comfyui):
    failure = {"node_id": "1", "node_type": "Anything", "exception_message": "The height is empty.\n"}
    url = comfyui([("execution_error", failure)])
    with pytest.raises(PromptError, match=r"^Anything: The height is empty\.$"):
        run_prompt(url, PROMPT)
