"""The graphs behind the help pictures of the nodes that make datasets and textures."""

from collections.abc import Callable

from .help_graph import Graph, Link


def render_procedural(graph: Graph) -> None:
    kinds = ("basecolor", "height", "normal", "roughness")
    graph.show([], [graph.material("cobblestone", 4, kind) for kind in kinds])


def augment_dataset(graph: Graph) -> None:
    settings = {"count": 1, "size": 256, "seed": 4, "folder": "help_renders", "map": "basecolor"}
    render = graph.ours("RenderProcedural", material="cobblestone", **settings)
    views = {"count": 3, "seed": 2, "folder": "help_views", "color": 0.5, "crop": 192, "keep_originals": False}
    varied = graph.ours("AugmentDataset", dataset=[render, 0], turns=True, mirror=True, **views)
    # Its report tells when the files are there to be read.
    folder = {"regex_pattern": ".*", "replace": "datasets/help_views", "dotall": True, "count": 1}
    written = graph.node("RegexReplace", string=[varied, 1], **folder)
    graph.show([[render, 3]], [[graph.ours("LoadDataset", folder=[written, 0], map="basecolor", image_limit=3), 1]])


def measure_seams(graph: Graph) -> None:
    photo = graph.photo("cobblestone", 6)
    graph.show([photo], [graph.ours("MeasureSeams", image=photo, on_seam="report")])


def seamless_vae(graph: Graph) -> None:
    demo = graph.ours("DemoModel")
    latent = graph.painted(graph.wrapping(demo), demo, 256)
    vae = [graph.ours("SeamlessVAE", vae=[demo, 2], axes="both"), 0]
    graph.show([graph.tiles(graph.decoded(latent, [demo, 2]))], [graph.tiles(graph.decoded(latent, vae))])


def tiled_vae_decode(graph: Graph) -> None:
    demo = graph.ours("DemoModel")
    latent, vae = graph.painted(graph.wrapping(demo), demo, 256), [demo, 2]
    sizes = {"tile_size": 64, "overlap": 0, "temporal_size": 64, "temporal_overlap": 8}
    host = [graph.node("VAEDecodeTiled", samples=latent, vae=vae, **sizes), 0]
    graph.show([host], [[graph.ours("TiledVAEDecode", samples=latent, vae=vae, tile_size=64, axes="both"), 0]])


def tiled_vae_encode(graph: Graph) -> None:
    vae, color = [graph.ours("DemoModel"), 2], graph.material("hexagons", 7)
    sizes = {"tile_size": 64, "overlap": 0, "temporal_size": 64, "temporal_overlap": 8}
    host = [graph.node("VAEEncodeTiled", pixels=color, vae=vae, **sizes), 0]
    ours = [graph.ours("TiledVAEEncode", pixels=color, vae=vae, tile_size=64, axes="both"), 0]
    graph.show([color, graph.decoded(host, vae)], [graph.decoded(ours, vae)])


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
    plain = graph.decoded(graph.painted([demo, 0], demo, 256), [demo, 2])
    graph.show([graph.tiles(plain)], [graph.tiles(graph.decoded(graph.painted(graph.wrapping(demo), demo, 256), vae))])


def tiled_diffusion(graph: Graph) -> None:
    demo = graph.ours("DemoModel")
    settings = {"tile_size": 256, "overlap": 64, "method": "Mixture of Diffusers", "axes": "both", "batch": 4}
    tiled = [graph.ours("TiledDiffusion", model=[demo, 0], **settings), 0]
    plain = graph.decoded(graph.painted([demo, 0], demo, 512), [demo, 2])
    graph.show([plain], [graph.decoded(graph.painted(tiled, demo, 512), [demo, 2])])


OF_TEXTURES: dict[str, Callable[[Graph], None]] = {
    "RenderProcedural": render_procedural,
    "AugmentDataset": augment_dataset,
    "OffsetImage": offset_image,
    "MakeSeamless": make_seamless,
    "MeasureSeams": measure_seams,
    "TilePreview": tile_preview,
    "CropRegion": crop_region,
    "StitchRegion": stitch_region,
    "SeamlessModel": seamless_model,
    "TiledDiffusion": tiled_diffusion,
    "SeamlessVAE": seamless_vae,
    "TiledVAEDecode": tiled_vae_decode,
    "TiledVAEEncode": tiled_vae_encode,
}
"""node -> what draws its picture"""
