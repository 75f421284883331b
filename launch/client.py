"""A small client of ComfyUI's HTTP API and websocket, run by the host's Python (aiohttp comes with ComfyUI)."""

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

import aiohttp

Prompt = dict[str, dict[str, Any]]
Listener = Callable[[str, dict[str, Any]], None]


class PromptError(Exception):
    """The server refused or failed a prompt; str() is its reason, `node_id` where it happened, if anywhere.

    details is the server's own answer: the validation errors or the execution_error message.
    """

    def __init__(self, reason: str, node_id: str | None, details: dict[str, Any]) -> None:
        super().__init__(reason)
        self.node_id = node_id
        self.details = details


def run_prompt(url: str, prompt: Prompt, listener: Listener | None = None) -> dict[str, Any]:
    """Queue an API-format `prompt` at the server, wait for its end and return its outputs (node id -> ui values).

    listener gets every websocket message of the prompt as (type, data). Raises `PromptError`.
    """
    return asyncio.run(_run_prompt(url, prompt, listener or (lambda kind, data: None)))


async def _run_prompt(url: str, prompt: Prompt, listener: Listener) -> dict[str, Any]:
    client_id = uuid.uuid4().hex
    async with aiohttp.ClientSession(url) as session:
        async with session.ws_connect(f"/ws?clientId={client_id}", max_msg_size=0) as socket:
            prompt_id = await _queue(session, prompt, client_id)
            await _follow(socket, prompt_id, prompt, listener)
        return await _outputs(session, prompt_id)


async def _outputs(session: aiohttp.ClientSession, prompt_id: str) -> dict[str, Any]:
    while True:  # the server announces the end of a prompt a moment before it files it
        async with session.get(f"/history/{prompt_id}") as answer:
            history = await answer.json()
        if prompt_id in history:
            return history[prompt_id]["outputs"]
        await asyncio.sleep(0.05)


async def _queue(session: aiohttp.ClientSession, prompt: Prompt, client_id: str) -> str:
    async with session.post("/prompt", json={"prompt": prompt, "client_id": client_id}) as answer:
        body = await answer.json()
    if answer.status == 200 and not body.get("node_errors"):
        return body["prompt_id"]
    # With node errors and status 200 the server runs the outputs they do not touch: half a graph is not what was asked.
    node_id, reason = _validation_reason(prompt, body)
    raise PromptError(reason, node_id, body)


def _validation_reason(prompt: Prompt, body: dict[str, Any]) -> tuple[str | None, str]:
    for node_id, problems in body.get("node_errors", {}).items():
        lines = [f"{error['message']}: {error['details']}" for error in problems["errors"]]
        return node_id, f"{prompt[node_id]['class_type']}: " + "\n".join(lines)
    return None, f"{body['error']['message']} {body['error']['details']}".strip()


async def _follow(socket: aiohttp.ClientWebSocketResponse, prompt_id: str, prompt: Prompt, listener: Listener) -> None:
    async for message in socket:
        if message.type != aiohttp.WSMsgType.TEXT:
            continue  # binary frames are previews
        event = json.loads(message.data)
        kind, data = event["type"], event["data"]
        if data.get("prompt_id") not in (None, prompt_id):
            continue
        listener(kind, data)
        if kind == "execution_success":
            return
        if kind == "execution_interrupted":
            raise PromptError("The run was cancelled.", data["node_id"], data)
        if kind == "execution_error":
            where = prompt.get(data["node_id"], {}).get("class_type", data["node_type"])
            raise PromptError(f"{where}: {data['exception_message'].strip()}", data["node_id"], data)
    raise PromptError("The server closed the connection before the run ended.", None, {})
