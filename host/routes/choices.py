"""What an input of free text may be filled with: the names that the editor offers beside it."""

from collections.abc import Callable, Mapping
from typing import Any

from ...common.errors import InputError
from .. import offers
from .serving import Reply, Route, text

KINDS: dict[str, tuple[Callable[..., list[str]], tuple[str, ...], str]] = {
    "folders": (offers.image_folders, (), "Put a folder of images into ComfyUI's input folder."),
    "archives": (offers.archives, (), "Put .sbsar files into ComfyUI's input folder."),
    "lists": (offers.image_lists, (), "Put a .csv, .json, .jsonl or .txt file into ComfyUI's input folder."),
    "captioners": (offers.captioners, (), "Put a model's files into a folder of its own in models/captioners."),
    "taggers": (offers.taggers, (), "Put a tagger's files into a folder of its own in models/captioners."),
    "loras": (offers.runs_and_loras, (), "Train one, or put LoRA files into models/loras."),
    "sbsrender": (offers.renderers, (), "Install Substance 3D Designer; the help page says how to name another place."),
    "graphs": (offers.graphs, ("archive",), "The archive holds no graph."),
    "outputs": (offers.outputs, ("archive", "graph"), "The graph has no output."),
    "parameters": (offers.parameters, ("archive", "graph"), "The graph has no input that can be varied."),
}
"""kind -> what finds the names, of which other values they hang, what to do where there are none"""


def choices(asked: Mapping[str, Any]) -> Reply:
    """The names of one of `KINDS`, and what to do where there are none. Raises `InputError` for an unknown kind."""
    kind = text(asked, "kind")
    if kind not in KINDS:
        raise InputError(f"There are no choices of the kind {kind[:40]!r}. Ask for one of {', '.join(KINDS)}.")
    find, beside, otherwise = KINDS[kind]
    return Reply({"choices": find(*(text(asked, name, 1000) for name in beside)), "otherwise": otherwise})


ROUTES = [
    Route(
        "GET",
        "/tilewright/choices",
        choices,
        "Reads the names of folders, lists and archives in the folders that a workflow may read, of captioners, LoRAs, "
        "training runs and allowed sbsrenders; and the description of one archive there.",
    )
]
