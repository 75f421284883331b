"""Which files an engine expects of a material: names, packing and the direction of green."""

from dataclasses import dataclass

from ..common.map_kinds import COLOR_MAPS

MAPS = ["basecolor", "height", "normal", "roughness", "metallic", "occlusion", "opacity", "emissive"]
GREY_MAPS = {"height", "roughness", "metallic", "occlusion", "opacity"}
RGB = (".r", ".g", ".b")


@dataclass(frozen=True)
class MapFile:
    """One file: the end of its name, where its channels come from, and what its alpha is, if that map is connected."""

    suffix: str
    channels: tuple[str, ...]
    alpha: str = ""

    @property
    def is_color(self) -> bool:
        """Whether the file holds sRGB colours, not data."""
        return self.channels[0].split(".")[0] in COLOR_MAPS


@dataclass(frozen=True)
class Preset:
    """The files of one engine. convention is that of its normals, "" to leave them as they are.

    keeps_alpha leaves a basecolor's alpha where it is, even where the engine has a place for opacity.
    """

    files: tuple[MapFile, ...]
    convention: str = ""
    prefix: str = ""
    keeps_alpha: bool = False


def color(suffix: str, map_name: str, alpha: str = "") -> MapFile:
    """A file of three channels of one map."""
    return MapFile(suffix, tuple(map_name + channel for channel in RGB), alpha)


def grey(suffix: str, map_name: str) -> MapFile:
    """A file of one channel."""
    return MapFile(suffix, (map_name,))


ORM = ("occlusion", "roughness", "metallic")
EVERY_MAP = (
    color("basecolor", "basecolor", alpha="basecolor.a"),
    grey("height", "height"),
    color("normal", "normal"),
    grey("roughness", "roughness"),
    grey("metallic", "metallic"),
    grey("occlusion", "occlusion"),
    grey("opacity", "opacity"),
    color("emissive", "emissive"),
)
PRESETS = {
    "plain": Preset(EVERY_MAP, keeps_alpha=True),
    "Unreal": Preset(
        (
            color("BC", "basecolor", alpha="opacity"),
            color("N", "normal"),
            MapFile("ORM", ORM),
            grey("H", "height"),
            color("E", "emissive"),
        ),
        convention="DirectX",
        prefix="T_",
    ),
    "Unity URP": Preset(
        (
            color("BaseMap", "basecolor", alpha="opacity"),
            color("Normal", "normal"),
            MapFile("MetallicSmoothness", ("metallic", "metallic", "metallic", "1-roughness")),
            grey("Occlusion", "occlusion"),
            grey("Height", "height"),
            color("Emission", "emissive"),
        ),
        convention="OpenGL",
    ),
    "Unity HDRP": Preset(
        (
            color("BaseColor", "basecolor", alpha="opacity"),
            color("Normal", "normal"),
            MapFile("MaskMap", ("metallic", "occlusion", "1", "1-roughness")),
            grey("Height", "height"),
            color("Emissive", "emissive"),
        ),
        convention="OpenGL",
    ),
    "Godot": Preset(
        (
            color("albedo", "basecolor", alpha="opacity"),
            color("normal", "normal"),
            MapFile("orm", ORM),
            grey("height", "height"),
            color("emission", "emissive"),
        ),
        convention="OpenGL",
    ),
    "Blender": Preset(
        (
            color("Base_Color", "basecolor"),
            color("Normal", "normal"),
            grey("Roughness", "roughness"),
            grey("Metallic", "metallic"),
            grey("AO", "occlusion"),
            grey("Alpha", "opacity"),
            grey("Height", "height"),
            color("Emission", "emissive"),
        ),
        convention="OpenGL",
    ),
    "glTF": Preset(
        (
            color("baseColor", "basecolor", alpha="opacity"),
            color("normal", "normal"),
            MapFile("occlusionRoughnessMetallic", ORM),
            color("emissive", "emissive"),
            grey("height", "height"),
        ),
        convention="OpenGL",
    ),
    "MaterialX": Preset(EVERY_MAP, convention="OpenGL"),
}
