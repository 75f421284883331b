"""Every node that the pack registers runs on a real server: with its defaults, and with each choice of each combo."""

import importlib
import pkgutil
import re

import pytest
from every_node import Graph, node_infos, variations, write_files
from tilewright import nodes
from tilewright.launch.client import PromptError, run_prompt

STAGES = [importlib.import_module(f"tilewright.nodes.{found.name}") for found in pkgutil.iter_modules(nodes.__path__)]
REGISTERED = sorted(node.define_schema().node_id for stage in STAGES for node in getattr(stage, "NODES", ()))

UNAVAILABLE = {  # what cannot be had here, and the words that must say so
    "TilewrightRenderSubstance": "sbsrender was not found. It comes with Adobe Substance 3D Designer",
    "TilewrightDownloadImages": "Turn on download to fetch the other 1 from 127.0.0.1|is a private or loopback address",
    "TilewrightCaptionTagger": "There is no captioning model 'wd-vit-tagger-v3'. Put the files",
}
REFUSED = {  # choices that do not go with this machine or the other defaults
    ("TilewrightRenderProcedural", "map", "opacity"): "has no opacity map, since one cannot see through it",
    ("TilewrightHeightFromImage", "source", "alpha"): "The image has 3 channels and no alpha",
    ("TilewrightTrainLora", "acceleration", "CUDA graph"): "which only NVIDIA GPUs have",
    ("TilewrightTrainLoraKohya", "half_gradients", True): "half_gradients needs a half precision",
    ("TilewrightTrainModelKohya", "half_gradients", True): "half_gradients needs a half precision",
    ("TilewrightTrainLoraKohya", "color_augmentation", True): "Set cache_latents to off",
    ("TilewrightTrainModelKohya", "color_augmentation", True): "Set cache_latents to off",
}
REFUSED |= {  # the checkpoint is of Stable Diffusion 1, and these families have files of their own
    (f"TilewrightTrain{kind}Kohya", "family", family): words
    for kind in ("Lora", "Model")
    for family, words in {
        "Flux.1": "is SD1, not Flux.1. Set family to auto",
        "Chroma": "is SD1, not Chroma. Set family to auto|no DreamBooth training for Chroma. It has a LoRA",
        "SD3": "is SD1, not SD3. Set family to auto",
        "Lumina 2": "is SD1, not Lumina 2. Set family to auto",
        "Anima": "is SD1, not Anima. Set family to auto",
    }.items()
}
ELSEWHERE = [{"acceleration": "compile"}]  # compiles for minutes; tests/nodes/training/test_acceleration.py has it


@pytest.fixture(scope="module")
def infos(server):
    write_files(server)
    return node_infos(server)


def test_the_server_lists_what_the_pack_registers(infos):
    assert sorted(infos) == REGISTERED


@pytest.mark.slow
@pytest.mark.parametrize("node", REGISTERED)
def test_the_node_runs_with_its_defaults_and_each_choice(server, infos, node):
    refused, possible = [], []
    for change in (one for one in variations(infos[node]) if one not in ELSEWHERE):
        (refused if why_not(node, change) else possible).append(change)
    for number, change in enumerate(refused):
        check_refusal(server, infos, node, change, number)
    graph = Graph(infos)
    for number, change in enumerate(possible):
        graph.add(node, change, number)
    if graph.prompt:
        run_prompt(server.url, graph.prompt)


def why_not(node, change):
    """The words that must come instead of a result, None where the node has to run."""
    if node in UNAVAILABLE:
        return UNAVAILABLE[node]
    return next((REFUSED[(node, *one)] for one in change.items() if (node, *one) in REFUSED), None)


def check_refusal(server, infos, node, change, number):
    """The node begins and then says itself what is missing: neither a refused prompt nor a traceback."""
    graph = Graph(infos)
    added = graph.add(node, change, number)
    with pytest.raises(PromptError) as caught:
        run_prompt(server.url, graph.prompt)
    assert caught.value.node_id == added
    assert re.search(why_not(node, change), str(caught.value), re.DOTALL), change
    assert caught.value.details["exception_type"].endswith("InputError")
