"""The nodes that read normals: to heights, blended with each other, converted."""

import torch
from comfy_api.latest import io

from ...common.axes import Axes
from ...common.conventions import CLEAR, CONVENTIONS, detect_convention, flip_green
from ...common.layout import grey_to_rgb, to_bhwc
from ...material.blending import BLENDS, scale_slopes
from ...material.derivatives import METHODS
from ...material.height_from_normal import Relief, height_from_normals
from ...material.map_inputs import check_same_size, normals_of, read_map, read_normals
from ...material.normals import decode_unit_normals, encode_normals, resize_normals
from ...material.surface_size import SurfaceSize
from ..sockets import axes_input
from .surface_inputs import CATEGORY, repair_input, size_cm_input, surface_input, surface_output

DETECT = "detect"


class NormalToHeight(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightNormalToHeight",
            display_name="Normal to Height",
            category=CATEGORY,
            description="Finds the height map that a normal map stands for, and how many cm it spans.",
            search_aliases=[
                "integrate normals",
                "frankot chellappa",
                "normal to displacement",
                "height from normal",
                "heightmap",
                "displacement",
            ],
            inputs=[
                io.Image.Input("normal", tooltip="The normal map, in full precision if there is one: 8 bits show."),
                io.Combo.Input(
                    "convention",
                    display_name="normal format",
                    options=[*CONVENTIONS, DETECT],
                    default=CONVENTIONS[0],
                    tooltip="Where green points: OpenGL up, DirectX down. detect reads it from the pixels and says "
                    "how sure it is.",
                ),
                io.Combo.Input(
                    "method",
                    display_name="slope filter",
                    advanced=True,
                    options=METHODS,
                    default="scharr",
                    tooltip="The method that made the normals, if you know it: then the way there and back is exact. "
                    "spectral for baked or sculpted normals.",
                ),
                axes_input("The axes along which the map tiles. Along the others the surface ends level."),
                size_cm_input(),
                repair_input("normal"),
                surface_input(),
            ],
            outputs=[
                io.Image.Output("height", tooltip="The height, 0 to 1, as a grey image in full float precision."),
                io.Float.Output(
                    "height_cm",
                    tooltip="How far the surface rises from 0 to 1, in cm; of a batch that of the first image.",
                ),
                io.String.Output("report", tooltip="The convention, the range in cm and how well the height fits."),
                surface_output(),
            ],
        )

    @classmethod
    def execute(
        cls,
        normal: torch.Tensor,
        convention: str = "OpenGL",
        method: str = "scharr",
        axes: str = "both",
        size_cm: float = 100.0,
        repair: bool = False,
        surface: SurfaceSize | None = None,
    ) -> io.NodeOutput:
        normals, notes = read_normals(normal, "The normal map", repair)
        wrap = Axes.parse(axes)
        convention, found = known_convention(normals, convention)
        relief = height_from_normals(normals, convention, method, wrap)
        width_cm = size_cm if surface is None else surface.size_cm
        height_cm = relief.range * width_cm / normals.shape[-1]
        report = "\n".join([found, *_relief_report(relief, height_cm), *notes])
        found_size = SurfaceSize(float(height_cm[0]), width_cm)
        return io.NodeOutput(to_bhwc(grey_to_rgb(relief.height)), found_size.height_cm, report, found_size)


def known_convention(normals: torch.Tensor, convention: str) -> tuple[str, str]:
    """OpenGL or DirectX for the widget's value, and a sentence on how it was found."""
    if convention != DETECT:
        return convention, f"Read as {convention}."
    detected, factor = detect_convention(normals)
    if factor < CLEAR:
        return CONVENTIONS[0], f"The pixels do not tell the convention (factor {factor:.2f}); read as {CONVENTIONS[0]}."
    return detected, f"Detected {detected}: read the other way the map would twist {factor:.1f} times as much."


def _relief_report(relief: Relief, height_cm: torch.Tensor) -> list[str]:
    return [
        f"The surface rises {height:.4g} cm; its normals differ from the given ones by {misfit:.2f} degrees on average."
        for height, misfit in zip(height_cm, relief.misfit, strict=True)
    ]


class BlendNormals(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightBlendNormals",
            display_name="Blend Normals",
            category=CATEGORY,
            description="Lays the detail of one normal map over another, as real surfaces add up.",
            search_aliases=[
                "combine normals",
                "detail normal",
                "rnm",
                "reoriented normal mapping",
                "whiteout",
                "udn",
                "detail normal map",
            ],
            inputs=[
                io.Image.Input(
                    "base", tooltip="The large shapes. Both maps in the same convention; the result is in it."
                ),
                io.Image.Input("detail", tooltip="The fine shapes to lay over the base. Of the same size."),
                io.Mask.Input("mask", optional=True, tooltip="Where the detail shows: 1 fully, 0 not at all."),
                io.Combo.Input(
                    "method",
                    display_name="blend mode",
                    options=list(BLENDS),
                    default="reoriented (RNM)",
                    tooltip="RNM turns the detail onto the base; partial derivative is the sum of both heights; "
                    "whiteout and UDN are what engines do cheaply.",
                ),
                io.Float.Input(
                    "strength",
                    display_name="detail intensity",
                    default=1.0,
                    min=-10.0,
                    max=10.0,
                    step=0.05,
                    tooltip="Multiplies the slopes of the detail. Negative values turn its hills into hollows.",
                ),
                repair_input("normal"),
            ],
            outputs=[
                io.Image.Output("normal", tooltip="The blended normal map, every normal of unit length."),
                io.String.Output("report", tooltip="How it was blended, and what was repaired."),
            ],
        )

    @classmethod
    def execute(
        cls,
        base: torch.Tensor,
        detail: torch.Tensor,
        method: str = "reoriented (RNM)",
        strength: float = 1.0,
        mask: torch.Tensor | None = None,
        repair: bool = False,
    ) -> io.NodeOutput:
        maps, notes = {"base": base, "detail": detail} | ({} if mask is None else {"mask": mask}), []
        for name, image in maps.items():
            maps[name], repaired = read_map(image, f"The {name}", repair)
            notes += repaired
        check_same_size(maps)
        (below, of_base), (above, of_detail) = (normals_of(maps[name], f"The {name}") for name in ("base", "detail"))
        where = maps.get("mask")
        factor = strength if where is None else strength * where
        ground, laid_over = decode_unit_normals(below), scale_slopes(decode_unit_normals(above), factor)
        done = f"The detail was laid over the base by {method}, its slopes {strength:g} times."
        report = "\n".join([done, *notes, *of_base, *of_detail])
        return io.NodeOutput(to_bhwc(encode_normals(BLENDS[method](ground, laid_over))), report)


class ConvertNormal(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightConvertNormal",
            display_name="Convert Normal",
            category=CATEGORY,
            description="Changes the convention and the size of a normal map; every normal has unit length again.",
            search_aliases=[
                "flip green",
                "opengl to directx",
                "resize normal map",
                "normalize normal map",
                "opengl",
                "directx",
                "green channel",
            ],
            inputs=[
                io.Image.Input("normal", tooltip="The normal map."),
                io.Combo.Input(
                    "convention",
                    display_name="normal format",
                    options=[*CONVENTIONS, DETECT],
                    default=DETECT,
                    tooltip="What the map is: OpenGL (green up), DirectX (green down), or read it from the pixels.",
                ),
                io.Combo.Input(
                    "wanted",
                    display_name="convert to",
                    options=CONVENTIONS,
                    default=CONVENTIONS[0],
                    tooltip="What the result is to be.",
                ),
                io.Int.Input(
                    "width",
                    display_name="width (px)",
                    advanced=True,
                    default=0,
                    min=0,
                    max=16384,
                    tooltip="The width of the result in pixels; 0 keeps it.",
                ),
                io.Int.Input(
                    "height",
                    display_name="height (px)",
                    advanced=True,
                    default=0,
                    min=0,
                    max=16384,
                    tooltip="The height of the result in pixels; 0 keeps it.",
                ),
                axes_input("The axes along which the map tiles: resizing wraps there."),
                repair_input("normal"),
            ],
            outputs=[
                io.Image.Output("normal", tooltip="The normal map in the wanted convention and size."),
                io.String.Output("report", tooltip="What the map was read as, and how sure that is."),
            ],
        )

    @classmethod
    def execute(
        cls,
        normal: torch.Tensor,
        convention: str = DETECT,
        wanted: str = "OpenGL",
        width: int = 0,
        height: int = 0,
        axes: str = "both",
        repair: bool = False,
    ) -> io.NodeOutput:
        normals, notes = read_normals(normal, "The normal map", repair)
        convention, report = known_convention(normals, convention)
        rows, columns = normals.shape[-2:]
        resized = resize_normals(normals, height or rows, width or columns, Axes.parse(axes))
        converted = resized if convention == wanted else flip_green(resized)
        return io.NodeOutput(to_bhwc(converted), "\n".join([report, *notes]))
