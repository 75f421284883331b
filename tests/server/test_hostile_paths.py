"""Two hundred hostile names in every input that names a file or a program: none is read, run or written."""

import asyncio
import time
import urllib.request

import aiohttp
import pytest
from every_node import Graph, node_infos, write_files
from hostile_paths import hostile_paths
from PIL import Image
from test_every_node import STAGES
from tilewright.launch.client import PromptError, run_prompt

PLACES = {
    "archive", "checkpoint", "file", "folder", "list", "loras", "model", "name", "python", "regularisation_folder",
    "sbsrender", "sd_scripts", "start_from", "vae", "concept",
}  # fmt: skip
WRITTEN = ("name", "folder", "concept")
SCHEMAS = [node.define_schema() for stage in STAGES for node in getattr(stage, "NODES", ())]
TARGETS = sorted(
    (schema.node_id, widget.id)
    for schema in SCHEMAS
    for one in schema.inputs
    for widget in one.get_all()
    if widget.id in PLACES and widget.get_io_type() in ("STRING", "COMBO")
)
SPARED = ("output", "temp", "user", "server.log")  # where a workflow writes, and ComfyUI itself


@pytest.fixture(scope="module")
def infos(server):
    write_files(server)
    return node_infos(server)


@pytest.fixture(scope="module")
def secrets(server):
    """A folder beside ComfyUI's, with what a stranger would like to read or to run, and links that lead to it."""
    folder = server.base.parent / "secrets"
    (folder / "sd-scripts" / "library").mkdir(parents=True, exist_ok=True)
    (folder / "sd-scripts" / "library" / "train_util.py").touch()
    Image.new("RGB", (300, 300), (1, 2, 3)).save(folder / "secret.png")
    for program in ("sbsrender", "python", "sd-scripts/train_network.py"):
        (folder / program).write_text(f"#!/bin/sh\ntouch '{folder}/was run'\n")
        (folder / program).chmod(0o755)
    written = [server.output / kind for kind in ("", "materials", "datasets", "loras", "training", "grids")]
    for inside in (server.base / "input", server.base / "models" / "loras", *written):
        inside.mkdir(parents=True, exist_ok=True)
        if not (inside / "way_out").is_symlink():
            (inside / "way_out").symlink_to(folder, target_is_directory=True)
    return folder


def test_there_are_two_hundred(secrets):
    assert len(hostile_paths(secrets)) >= 200


@pytest.mark.slow
@pytest.mark.parametrize(("node", "widget"), TARGETS)
def test_no_hostile_name_gets_through(server, infos, secrets, node, widget):
    before = outside(server)
    names = hostile_paths(secrets)
    graph = Graph(infos)
    added = {graph.add(node, {widget: name}, number): name for number, name in enumerate(names)}
    accepted = [added[one] for one in added.keys() - queue(server, graph.prompt)]
    for name in accepted[:: max(1, len(accepted) // 12)]:  # those that only the running node can check, a dozen of them
        alone = Graph(infos)
        one = alone.add(node, {widget: name}, 0)
        try:
            run_prompt(server.url, alone.prompt)
        except PromptError as error:
            assert error.node_id == one, name
            assert error.details["exception_type"].endswith("InputError"), (name, str(error))
        else:
            assert widget in WRITTEN, name  # a folder of that name below output, as what follows shows
    assert outside(server) == before
    assert not (secrets / "was run").exists()


def queue(server, prompt):
    """Queue all at once and wait for the end; returns the nodes that were refused before anything ran."""

    async def post():
        async with aiohttp.ClientSession(server.url) as session:
            async with session.post("/prompt", json={"prompt": prompt}) as answer:
                return await answer.json()

    refused = asyncio.run(post()).get("node_errors", {})
    while b'"queue_running": [], "queue_pending": []' not in urllib.request.urlopen(f"{server.url}/queue").read():
        time.sleep(0.05)
    return refused.keys()


def outside(server):
    """Every file that a workflow has no business with: its size and time of change."""
    files = (file for file in server.base.parent.rglob("*") if file.is_file())
    places = ((file, file.relative_to(server.base.parent).parts) for file in files)
    return {
        file: (file.stat().st_size, file.stat().st_mtime_ns)
        for file, parts in places
        if not set(SPARED) & {parts[0], *parts[1:2]}
    }
