"""The pictures of the help pages: what each node is given and what it makes of it, side by side.

`python run.py help-pictures [NODE ...]` draws them anew. Every panel comes out of the node itself, in a graph that a
real server runs, on the pack's own materials.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .client import Prompt, run_prompt
from .hosts import PACK, HostError, find_host
from .server import Server, running_server
from .terminal import end_politely, say

PICTURES = PACK / "web" / "docs" / "pictures"
SIDE, GAP = 240, 28  # px of a panel and of the arrow before the results
PAINT = {"steps": 20, "cfg": 6.0, "sampler_name": "dpmpp_2m", "scheduler": "karras", "denoise": 1.0}
Link = list[Any]


@dataclass
class Graph:
    """An API prompt as it grows, and which images become panels: those given, and those made."""

    prompt: Prompt = field(default_factory=dict)
    given: list[Link] = field(default_factory=list)
    made: list[Link] = field(default_factory=list)

    def node(self, kind: str, **inputs: Any) -> str:
        """Add a node; of the pack's own the id begins with `Tilewright`, which may be left out. Returns its id."""
        self.prompt[str(len(self.prompt) + 1)] = {"class_type": kind, "inputs": inputs}
        return str(len(self.prompt))

    def ours(self, kind: str, **inputs: Any) -> str:
        return self.node(f"Tilewright{kind}", **inputs)

    def show(self, given: list[Link], made: list[Link]) -> None:
        self.given, self.made = given, made

    def material(self, name: str, seed: int, kind: str = "basecolor", size: int = 256) -> Link:
        """A map of one of the pack's materials."""
        settings = {"count": 1, "size": size, "seed": seed, "folder": f"{name}_{seed}_{size}", "map": kind}
        return [self.ours("RenderProcedural", material=name, **settings), 3]

    def photo(self, name: str, seed: int) -> Link:
        """A piece of a larger one, which does not tile: as a photo."""
        whole = self.material(name, seed, size=512)
        return [self.node("ImageCrop", image=whole, width=256, height=256, x=71, y=113), 0]

    def tiles(self, image: Link) -> Link:
        return [self.ours("TilePreview", image=image, columns=2, rows=2), 0]

    def grey(self, mask: Link) -> Link:
        return [self.node("MaskToImage", mask=mask), 0]

    def painted(self, model: Link, demo: str, size: int) -> Link:
        """The latent of a picture by the demo model."""
        words, none = (
            [self.node("CLIPTextEncode", text=text, clip=[demo, 1]), 0]
            for text in ("red brick wall with pale mortar, running bond", "")
        )
        empty = [self.node("EmptyLatentImage", width=size, height=size, batch_size=1), 0]
        drawn = {"model": model, "positive": words, "negative": none, "latent_image": empty, "seed": 5, **PAINT}
        return [self.node("KSampler", **drawn), 0]

    def decoded(self, latent: Link, vae: Link) -> Link:
        return [self.node("VAEDecode", samples=latent, vae=vae), 0]


def height_from_image(graph: Graph) -> None:
    color = graph.material("bricks", 4)
    graph.show(
        [color], [[graph.ours("HeightFromImage", image=color, source="luminance", invert=False, axes="both"), 0]]
    )


def height_to_normal(graph: Graph) -> None:
    height = graph.material("cobblestone", 3, "height")
    settings = {"convention": "OpenGL", "method": "scharr", "axes": "both", "height_cm": 5.0, "size_cm": 60.0}
    graph.show([height], [[graph.ours("HeightToNormal", height=height, **settings), 0]])


def normal_to_height(graph: Graph) -> None:
    normal = graph.material("cobblestone", 3, "normal")
    settings = {"convention": "OpenGL", "method": "scharr", "axes": "both", "size_cm": 60.0}
    graph.show([normal], [[graph.ours("NormalToHeight", normal=normal, **settings), 0]])


def combine_heights(graph: Graph) -> None:
    base, detail = graph.material("cobblestone", 3, "height"), graph.material("gravel", 2, "height")
    settings = {"method": "maximum", "base_cm": 8.0, "detail_cm": 3.0, "transition_cm": 0.2, "offset_cm": 1.5}
    graph.show([base, detail], [[graph.ours("CombineHeights", base=base, detail=detail, **settings), 0]])


def blend_normals(graph: Graph) -> None:
    base, detail = graph.material("cobblestone", 3, "normal"), graph.material("weave", 2, "normal")
    blended = graph.ours("BlendNormals", base=base, detail=detail, method="reoriented (RNM)", strength=1.0)
    graph.show([base, detail], [[blended, 0]])


def convert_normal(graph: Graph) -> None:
    normal = graph.material("cobblestone", 3, "normal")
    settings = {"convention": "OpenGL", "wanted": "DirectX", "width": 0, "height": 0, "axes": "both"}
    graph.show([normal], [[graph.ours("ConvertNormal", normal=normal, **settings), 0]])


def occlusion(graph: Graph) -> None:
    height = graph.material("cobblestone", 3, "height")
    settings = {"height_cm": 8.0, "size_cm": 60.0, "radius_cm": 10.0, "slices": 16, "axes": "both"}
    made = graph.ours("Occlusion", height=height, **settings)
    graph.show([height], [[made, 0], [made, 1]])


def curvature(graph: Graph) -> None:
    height = graph.material("cobblestone", 3, "height")
    settings = {"height_cm": 6.0, "size_cm": 60.0, "axes": "both", "smooth_cm": 1.2, "full_radius_cm": 0.0}
    made = graph.ours("Curvature", height=height, **settings)
    graph.show([height], [[made, 0], [made, 3]])


def roughness(graph: Graph) -> None:
    color, height = graph.material("cobblestone", 3), graph.material("cobblestone", 3, "height")
    levels = {"roughness": 0.6, "brightness": 0.15, "contrast": 0.1, "cavities": 0.2, "flatten": 0.5, "radius": 1.0}
    more = {"lowest": 0.1, "highest": 1.0, "wetness": 0.3, "axes": "both"}
    graph.show([color, height], [[graph.ours("RoughnessFromImage", image=color, height=height, **levels, **more), 0]])


def pack_channels(graph: Graph) -> None:
    maps = {name: graph.material("bricks", 4, kind) for name, kind in (("occlusion", "ao"), ("roughness", "roughness"))}
    packed = graph.ours("PackChannels", layout="ORM, ARM (Unreal, Godot, glTF)", **maps)
    graph.show(list(maps.values()), [[packed, 0]])


def unpack_channels(graph: Graph) -> None:
    maps = {name: graph.material("bricks", 4, kind) for name, kind in (("occlusion", "ao"), ("roughness", "roughness"))}
    layout = "ORM, ARM (Unreal, Godot, glTF)"
    packed = [graph.ours("PackChannels", layout=layout, **maps), 0]
    made = graph.ours("UnpackChannels", image=packed, layout=layout)
    graph.show([packed], [[made, 3], [made, 1]])


def offset_image(graph: Graph) -> None:
    photo = graph.photo("cobblestone", 6)
    settings = {"x": 0.5, "y": 0.5, "seam_width": 48, "feather": 12, "axes": "both"}
    made = graph.ours("OffsetImage", image=photo, **settings)
    graph.show([photo], [[made, 0], graph.grey([made, 1])])


def make_seamless(graph: Graph) -> None:
    photo = graph.photo("cobblestone", 6)
    made = graph.ours("MakeSeamless", image=photo, axes="both", width=64, method="poisson")
    graph.show([graph.tiles(photo)], [graph.tiles([made, 0])])


def tile_preview(graph: Graph) -> None:
    color = graph.material("bricks", 4)
    graph.show([color], [graph.tiles(color)])


def crop_region(graph: Graph) -> None:
    color = graph.material("cobblestone", 3)
    _, made = _region(graph, color)
    graph.show([graph.grey(_spot(graph)), color], [[made, 0]])


def stitch_region(graph: Graph) -> None:
    color = graph.material("cobblestone", 3)
    _, made = _region(graph, color)
    other = graph.material("terrazzo", 2)
    stitched = graph.ours("StitchRegion", image=color, patch=other, region=[made, 2], match_color=False)
    graph.show([color, other], [[stitched, 0]])


def _spot(graph: Graph) -> Link:
    whole = [graph.node("SolidMask", value=0.0, width=256, height=256), 0]
    spot = [graph.node("SolidMask", value=1.0, width=40, height=40), 0]
    return [graph.node("MaskComposite", destination=whole, source=spot, x=88, y=152, operation="add"), 0]


def _region(graph: Graph, color: Link) -> tuple[Link, str]:
    mask = _spot(graph)
    settings = {"size": 256, "context": 0.5, "grow": 8, "feather": 16, "axes": "both", "fill": False}
    return mask, graph.ours("CropRegion", image=color, mask=mask, **settings)


def seamless_model(graph: Graph) -> None:
    demo = graph.ours("DemoModel")
    vae = [graph.ours("SeamlessVAE", vae=[demo, 2], axes="both"), 0]
    wrapping = [graph.ours("SeamlessModel", model=[demo, 0], axes="both", start=0.0, end=1.0, roll=False), 0]
    plain = graph.decoded(graph.painted([demo, 0], demo, 256), [demo, 2])
    graph.show([graph.tiles(plain)], [graph.tiles(graph.decoded(graph.painted(wrapping, demo, 256), vae))])


def tiled_diffusion(graph: Graph) -> None:
    demo = graph.ours("DemoModel")
    settings = {"tile_size": 256, "overlap": 64, "method": "Mixture of Diffusers", "axes": "both", "batch": 4}
    tiled = [graph.ours("TiledDiffusion", model=[demo, 0], **settings), 0]
    plain = graph.decoded(graph.painted([demo, 0], demo, 512), [demo, 2])
    graph.show([plain], [graph.decoded(graph.painted(tiled, demo, 512), [demo, 2])])


DRAWN: dict[str, Callable[[Graph], None]] = {
    "HeightFromImage": height_from_image,
    "HeightToNormal": height_to_normal,
    "NormalToHeight": normal_to_height,
    "CombineHeights": combine_heights,
    "BlendNormals": blend_normals,
    "ConvertNormal": convert_normal,
    "Occlusion": occlusion,
    "Curvature": curvature,
    "RoughnessFromImage": roughness,
    "PackChannels": pack_channels,
    "UnpackChannels": unpack_channels,
    "OffsetImage": offset_image,
    "MakeSeamless": make_seamless,
    "TilePreview": tile_preview,
    "CropRegion": crop_region,
    "StitchRegion": stitch_region,
    "SeamlessModel": seamless_model,
    "TiledDiffusion": tiled_diffusion,
}
"""node -> what draws its picture"""


def draw(server: Server, name: str, output: Path) -> Path:
    """Run the graph of one node's picture and put its panels side by side."""
    graph = Graph()
    DRAWN[name](graph)
    shown = [*graph.given, *graph.made]
    saved = [graph.node("SaveImage", images=image, filename_prefix=f"help/{name}") for image in shown]
    answers = run_prompt(server.url, graph.prompt)
    files = [server.output / one["subfolder"] / one["filename"] for node in saved for one in answers[node]["images"]]
    return _strip(files, len(graph.given), output / f"Tilewright{name}.webp")


def _strip(files: list[Path], given: int, target: Path) -> Path:
    """Panels in a row, an arrow between what was given and what was made; clear behind, for any palette."""
    from PIL import Image, ImageDraw

    width = len(files) * SIDE + (len(files) - 2) * 8 + GAP
    strip = Image.new("RGBA", (width, SIDE))
    left = 0
    for number, file in enumerate(files):
        if number == given:
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
