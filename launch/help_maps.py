"""The graphs behind the help pictures of the nodes that work on maps."""

from collections.abc import Callable

from .help_graph import Graph


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


OF_MAPS: dict[str, Callable[[Graph], None]] = {
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
}
"""node -> what draws its picture"""
