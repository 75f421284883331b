"""The pictures of the help pages: what each node is given and what it makes of it, side by side.

`python run.py help-pictures [NODE ...]` draws them anew. Every panel comes out of the node itself, in a graph that a
real server runs, on the pack's own materials.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from .client import run_prompt
from .help_graph import Graph
from .help_maps import OF_MAPS
from .help_textures import OF_TEXTURES
from .hosts import PACK, HostError, find_host
from .server import Server, running_server
from .terminal import end_politely, say

PICTURES = PACK / "web" / "docs" / "pictures"
SIDE, GAP = 240, 28  # px of a panel and of the arrow before the results
DRAWN = {**OF_TEXTURES, **OF_MAPS}


def draw(server: Server, name: str, output: Path) -> Path:
    """Run the graph of one node's picture and put its panels side by side."""
    graph = Graph()
    DRAWN[name](graph)
    saved = [
        image if isinstance(image, str) else graph.node("SaveImage", images=image, filename_prefix=f"help/{name}")
        for image in (*graph.given, *graph.made)
    ]
    answers = run_prompt(server.url, graph.prompt)
    files = [_file(server, one) for node in saved for one in answers[node]["images"]]
    return _strip(files, len(graph.given), output / f"Tilewright{name}.webp")


def _file(server: Server, shown: dict[str, str]) -> Path:
    folder = server.base / "temp" if shown["type"] == "temp" else server.output
    return folder / shown["subfolder"] / shown["filename"]


def _strip(files: list[Path], given: int, target: Path) -> Path:
    """Panels in a row, an arrow between what was given and what was made; clear behind, for any palette."""
    from PIL import Image, ImageDraw

    width = len(files) * SIDE + (len(files) - 2) * 8 + GAP if given else len(files) * (SIDE + 8) - 8
    strip = Image.new("RGBA", (width, SIDE))
    left = 0
    for number, file in enumerate(files):
        if number == given > 0:
            middle, tip = SIDE // 2, left + GAP - 12
            ImageDraw.Draw(strip).polygon([(left, middle - 9), (tip, middle), (left, middle + 9)], fill="#8a8f98")
            left += GAP - 8
        with Image.open(file) as panel:
            strip.paste(panel.convert("RGBA").resize((SIDE, SIDE), Image.Resampling.LANCZOS), (left, 0))
        left += SIDE + 8
    target.parent.mkdir(parents=True, exist_ok=True)
    strip.save(target, quality=82, method=6)
    return target


def main(arguments: list[str]) -> int:
    """Draw the pictures of the nodes named, of all for none; returns the exit code."""
    end_politely()
    names = [name.removeprefix("Tilewright") for name in arguments] or list(DRAWN)
    if unknown := [name for name in names if name not in DRAWN]:
        raise HostError(f"No picture is drawn for {', '.join(unknown)}. Name one of: {', '.join(DRAWN)}")
    with (
        TemporaryDirectory() as folder,
        running_server(find_host(), Path(folder, "base"), Path(folder, "out")) as server,
    ):
        for name in names:
            say(f"  {draw(server, name, PICTURES).relative_to(PACK)}")
    return 0
