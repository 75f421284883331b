"""Hostile names and arguments in every input that takes text: none is read, run or written.

The inputs are found through the schemas. A new one has to be told apart here: does it name a file or a program, does it
hand arguments to one, or is it words? Whatever it is, hostile text is put into it.
"""

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

PLACES = {  # name a file, a folder or a program, or are sent to be asked for one
    "archive", "checkpoint", "concept", "edits", "file", "folder", "list", "loras", "model", "name", "python",
    "regularisation_folder", "sbsrender", "sd_scripts", "start_from", "vae",
}  # fmt: skip
ARGUMENTS = {"arguments", "engine", "fixed"}  # are handed to a program
WORDS = {  # are read as words or numbers
    "blacklist", "caption_column", "captions", "channels", "choice", "class_name", "colors", "column", "comment",
    "details", "graph", "init_word", "layer", "light", "lora_words", "maps", "material", "memory", "negative",
    "order", "outputs", "prefix", "prompt", "prompts", "quality", "replace", "seeds", "strengths", "style", "suffix",
    "template", "text", "token", "trigger", "trigger_words", "vary", "view",
}  # fmt: skip
WRITTEN = ("name", "folder", "concept")
SCHEMAS = [node.define_schema() for stage in STAGES for node in getattr(stage, "NODES", ())]
TEXTS = sorted(
    (schema.node_id, widget.id)
    for schema in SCHEMAS
    for one in schema.inputs
    for widget in one.get_all()
    if widget.get_io_type() == "STRING" and not getattr(widget, "force_input", False)
)
CHOICES = sorted(
    (schema.node_id, widget.id)
    for schema in SCHEMAS
    for one in schema.inputs
    for widget in one.get_all()
    if widget.get_io_type() == "COMBO"
)
TARGETS = sorted({target for target in [*TEXTS, *CHOICES] if target[1] in PLACES})
HARMFUL = [  # as arguments of a program
    "--output_dir {secrets}", "--config_file={secrets}/x.toml", "--log_config", "--wandb_api_key x", "-c import os",
    "; touch {secrets}/ran", "$(touch {secrets}/ran)", "`touch {secrets}/ran`", "| sh", "&& sh", "--network_module os",
    "--optimizer_type os.system", "--set-value a@{secrets}/secret.txt", "@{secrets}/secret.txt",
    "path={secrets}/secret.txt",
]  # fmt: skip
SECRET = "xyzzy-secret"
SPARED = ("output", "temp", "user", "server.log", "calls.jsonl")  # where a workflow writes, ComfyUI itself, a stand-in


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
    (folder / "secret.txt").write_text(SECRET)
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
    refused = queue(server, graph.prompt)
    accepted = [name for one, name in added.items() if one not in refused]  # only the running node can check them
    odd = [name for name in accepted if not name.isprintable()]
    for name in dict.fromkeys([*odd, *accepted[:: max(1, len(accepted) // 12)]]):  # those and a dozen others
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


def changes(info, widget, value):
    """`value` for a widget, which may stand in one option of a dynamic combo."""
    for name, (kind, *facts) in {**info["input"].get("required", {}), **info["input"].get("optional", {})}.items():
        for option in facts[0]["options"] if kind == "COMFY_DYNAMICCOMBO_V3" else ():
            if any(widget in part for part in option["inputs"].values()):
                return {name: option["key"], f"{name}.{widget}": value}
    return {widget: value}


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
        if not set(SPARED) & {*parts[:2], file.name} and "__pycache__" not in parts  # Python's, of a stand-in that ran
    }


def test_every_input_that_takes_text_is_told_apart():
    """A new one is put into PLACES, ARGUMENTS or WORDS above by what is done with it."""
    assert {widget for _, widget in TEXTS} - PLACES - ARGUMENTS - WORDS == set()


@pytest.mark.slow
@pytest.mark.parametrize("node", sorted({node for node, _ in CHOICES}))
def test_no_choice_takes_what_it_does_not_offer(server, infos, secrets, node):
    before, graph = outside(server), Graph(infos)
    added = {
        graph.add(node, changes(infos[node], widget, name), len(graph.prompt)): (widget, name)
        for owner, widget in CHOICES
        if owner == node
        for name in hostile_paths(secrets)[::40]
    }
    accepted = added.keys() - queue(server, graph.prompt)
    for widget in {added[one][0] for one in accepted}:  # in a dynamic combo, whose choices the host does not check
        alone = Graph(infos)
        alone.add(node, changes(infos[node], widget, "../secrets/secret.txt"), 0)
        with pytest.raises(PromptError) as caught:
            run_prompt(server.url, alone.prompt)
        assert caught.value.details["exception_type"].endswith("InputError"), (widget, str(caught.value))
    assert outside(server) == before


@pytest.mark.slow
@pytest.mark.parametrize(("node", "widget"), [target for target in TEXTS if target[1] in ARGUMENTS | WORDS])
def test_no_hostile_words_get_through(server, infos, secrets, node, widget):
    """They may be refused, or taken for the words they are: then nothing of what they name is read, run or written."""
    before = outside(server)
    path = f"{secrets}/secret.txt"
    tried = [one.format(secrets=secrets) for one in HARMFUL] if widget in ARGUMENTS else [path, "../" * 9 + path]
    if widget in WORDS:  # as the languages of prompts, templates and word lists would say it
        tried = ["\n".join([*tried, f"__{path}__", f"__../../{path}__", f"<lora:{path}:1>", f"{{{path}|x}}"]), path]
    for number, text in enumerate(tried):
        graph = Graph(infos)
        graph.add(node, changes(infos[node], widget, text), number)
        try:
            results = run_prompt(server.url, graph.prompt)
        except PromptError as error:
            kind = (error.details or {}).get("exception_type", "InputError")
            assert kind.endswith("InputError"), (text, str(error))
            assert SECRET not in str(error)
        else:
            assert SECRET not in str(results), text
            assert widget in WORDS or node == "TilewrightLoraOptimizer", text
    assert outside(server) == before
    assert not [name for name in ("was run", "ran") if (secrets / name).exists()]
