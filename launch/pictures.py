"""The picture of each template in the editor's browser, made of what the template itself paints.

    python run.py pictures [NAME ...]

Runs workflows/api/<name>.json as it stands. `_meta.picture` marks the nodes whose pictures are shown, by their order:
one fills the square, two share it, of three or four each gets a quarter, the first of three a half.
"""

import io
import json
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image, ImageOps

from .client import PromptError, run_prompt
from .hosts import HostError, find_host
from .server import running_server
from .terminal import complain, end_politely, say
from .workflows import WORKFLOWS, graph_file

SIDE = 512
MOST = 4


def draw(names: Sequence[str]) -> None:
    """Run each named template on a ComfyUI of its own and write its picture. Raises `HostError`, `PromptError`."""
    with TemporaryDirectory() as folder, running_server(find_host(), Path(folder), Path(folder, "output")) as server:
        for name in names:
            prompt = load(name)
            outputs = run_prompt(server.url, prompt)
            pictures = [fetch(server.url, file) for file in shown(prompt, outputs)]
            file = graph_file(name).with_suffix(".jpg")
            composed(pictures).save(file, quality=88, optimize=True)
            say(f"{file.name}: {len(pictures)} pictures")


def load(name: str) -> dict[str, Any]:
    return json.loads((WORKFLOWS / "api" / f"{name}.json").read_text(encoding="utf-8"))


def marked(prompt: Mapping[str, Any]) -> list[str]:
    """The nodes whose pictures are shown, in their order."""
    nodes = [node_id for node_id, node in prompt.items() if "picture" in node["_meta"]]
    return sorted(nodes, key=lambda node_id: prompt[node_id]["_meta"]["picture"])


def shown(prompt: Mapping[str, Any], outputs: Mapping[str, Any]) -> list[dict[str, str]]:
    """The files of the template's picture, as the server's history names them: at most four, from all of a batch."""
    files = [file for node_id in marked(prompt) for file in outputs[node_id]["images"]]
    return files[:: max(1, len(files) // MOST)][:MOST]


def fetch(url: str, file: Mapping[str, str]) -> Image.Image:
    with urllib.request.urlopen(f"{url}/view?{urllib.parse.urlencode(file)}") as answer:
        return Image.open(io.BytesIO(answer.read())).convert("RGB")


def composed(pictures: Sequence[Image.Image]) -> Image.Image:
    """One to four pictures in a square of `SIDE` pixels, each cut to its part and never stretched."""
    half = SIDE // 2
    left, right = (0, 0, half, SIDE), (half, 0, SIDE, SIDE)
    quarters = [(x, y, x + half, y + half) for y in (0, half) for x in (0, half)]
    parts = {1: [(0, 0, SIDE, SIDE)], 2: [left, right], 3: [left, quarters[1], quarters[3]], 4: quarters}
    square = Image.new("RGB", (SIDE, SIDE))
    for picture, (x, y, right_edge, bottom) in zip(pictures, parts[len(pictures)], strict=True):
        square.paste(ImageOps.fit(picture, (right_edge - x, bottom - y), Image.Resampling.LANCZOS), (x, y))
    return square


def main(arguments: list[str]) -> int:
    """Draw the pictures of the templates that `arguments` name, or of all that mark theirs; returns the exit code."""
    end_politely()
    names = sorted(file.stem for file in (WORKFLOWS / "api").glob("*.json"))
    try:
        draw(arguments or [name for name in names if marked(load(name))])
    except (HostError, PromptError) as error:
        complain(str(error))
        return 1
    return 0
