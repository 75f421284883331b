"""Files in ComfyUI's temp folder that the editor's own views fetch through ComfyUI's /view."""

import hashlib
from pathlib import Path
from typing import Any

import folder_paths
import torch
from comfy_api.latest import io, ui

from ..common.files import written_whole
from ..material.live_heights import live_height

FOLDER = "tilewright"
LIVE = "tilewright_live"  # the key under which the editor's live maps find what they are made of


def viewed_file(name: str, content: bytes) -> ui.SavedResult:
    """Write `content` to temp and return where it lies. Its name holds its digest, so that a browser may keep it."""
    stem, _, ending = name.rpartition(".")
    named = f"{stem}_{hashlib.sha256(content).hexdigest()[:24]}.{ending}"
    path = Path(folder_paths.get_temp_directory(), FOLDER, named)
    if not path.exists():
        with written_whole(path) as unfinished:
            unfinished.write_bytes(content)
    return ui.SavedResult(named, FOLDER, io.FolderType.temp)


def live_for_view(heights: torch.Tensor, smooth: torch.Tensor | None = None, **facts: Any) -> dict[str, Any]:
    """The `ui` of a node whose maps the editor makes live of (B, 1, H, W); see `live_height`. facts: the node's own."""
    files, told = live_height(heights, smooth)
    named = {name: viewed_file(f"{name}.png", png) for name, png in files.items()}
    return {LIVE: [told | facts | {"files": named}]}
