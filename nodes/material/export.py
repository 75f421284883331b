"""The nodes that write a material."""

import json
from collections.abc import Mapping

import comfy.model_management
import torch
from comfy_api.latest import io, ui

from ...common.errors import InputError
from ...common.layout import grey_to_rgb, to_bhwc
from ...host.folders import keeps_metadata, output_folder
from ...host.reruns import Watch, all_there
from ...material.arrangement import engine_normals
from ...material.engine_presets import PRESETS
from ...material.export_notes import export_notes
from ...material.map_writers import CLIPPED
from ...material.material_files import (
    BIT_DEPTHS,
    DESCRIPTION,
    GLB,
    IF_EXISTS,
    MATERIAL_FORMATS,
    ExportSettings,
    SavedMaterial,
    SurfaceFacts,
    check_new_path,
    save_material,
)
from ...material.surface_size import SurfaceSize
from ...material.validation import seam_figures, seams_of_maps, validate
from ..shown_where import shown_where
from ..validation import refusing
from .preview import VIEW, material_views
from .surface_inputs import (
    CATEGORY,
    connected_maps,
    convention_input,
    height_cm_input,
    map_sockets,
    said_size,
    size_cm_input,
    surface_input,
)

WRITTEN = Watch()
FOLDER = "materials"
WHOLE_NUMBERS = [one for one in MATERIAL_FORMATS if one in CLIPPED or one == GLB]
PREVIEW = 1024  # pixels of the longer side of what the node shows


class SaveMaterial(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightSaveMaterial",
            display_name="Save Material",
            category=CATEGORY,
            description="Writes the maps of a material to output/materials/<name>: <name>_<map>.png, data maps in "
            "16 bits, and a material.json that says what they are.",
            search_aliases=[
                "export material",
                "save maps",
                "save pbr",
                "save texture set",
                "16-bit png",
                "export",
                "pbr",
                "pbr material",
                "texture maps",
                "export textures",
                "roughness",
                "metallic",
                "unreal",
                "unity",
                "godot",
                "blender",
                "gltf",
                "glb",
                "materialx",
                "exr",
                "16 bit",
                "tiff",
            ],
            is_output_node=True,
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo],
            inputs=[
                *map_sockets(),
                io.String.Input(
                    "name",
                    default="material",
                    tooltip="The name of the material: its folder and its files bear it. 'wall/brick' lies in a "
                    "folder 'wall'.",
                ),
                io.Combo.Input(
                    "bit_depth",
                    advanced=True,
                    display_name="bit depth",
                    extra_dict=shown_where(file_format=[one for one in WHOLE_NUMBERS if one != "TGA"]),
                    options=BIT_DEPTHS,
                    default=BIT_DEPTHS[0],
                    tooltip="Bits a channel. '16 for data maps' writes basecolor and emissive in 8, the others in 16.",
                ),
                io.Combo.Input(
                    "if_exists",
                    advanced=True,
                    display_name="if it exists",
                    options=IF_EXISTS,
                    default="number",
                    optional=True,
                    tooltip="Where there is a material of this name: write name_2 beside it, or overwrite it.",
                ),
                convention_input("What the connected normal map is. Presets flip green where needed.", optional=True),
                height_cm_input(optional=True),
                size_cm_input(optional=True),
                io.Combo.Input(
                    "preset",
                    display_name="engine preset",
                    options=list(PRESETS),
                    default="plain",
                    optional=True,
                    tooltip="Names, packing and normal convention for an engine; plain writes every map as it is.",
                ),
                io.Combo.Input(
                    "file_format",
                    display_name="file format",
                    options=MATERIAL_FORMATS,
                    default="PNG",
                    optional=True,
                    tooltip="PNG and TIFF in 8 or 16 bits, TGA in 8; EXR float and TIFF float keep every value, EXR "
                    "half rounds to 11 bits. In EXR colours are linear light. GLB is one file for any glTF viewer.",
                ),
                io.Boolean.Input(
                    "dither",
                    display_name="dither 8 bit",
                    advanced=True,
                    default=False,
                    optional=True,
                    extra_dict=shown_where(file_format=WHOLE_NUMBERS),
                    tooltip="Turns the rounding of 8-bit files into fine noise, so that soft gradients show no steps.",
                ),
                surface_input(),
                io.Mask.Input(
                    "opacity_mask",
                    optional=True,
                    tooltip="The opacity as a mask of ComfyUI, 1 where it is see-through, in place of the opacity map: "
                    "the alpha of Load Map or the mask of Load Image.",
                ),
            ],
            outputs=[
                io.String.Output("path", tooltip="The folder that was written."),
                io.String.Output(
                    "report", tooltip="The files that were written, and how they were made, and the checks."
                ),
            ],
        )

    @classmethod
    @refusing
    def validate_inputs(cls, name: str | None = None) -> None:
        if name is not None:
            check_new_path(name, output_folder(FOLDER))

    @classmethod
    def fingerprint_inputs(cls, name: str | None = None, **_: object) -> int:
        return WRITTEN.changes(name or "")

    @classmethod
    def execute(
        cls,
        name: str,
        bit_depth: str = BIT_DEPTHS[0],
        basecolor: torch.Tensor | None = None,
        height: torch.Tensor | None = None,
        normal: torch.Tensor | None = None,
        roughness: torch.Tensor | None = None,
        metallic: torch.Tensor | None = None,
        occlusion: torch.Tensor | None = None,
        opacity: torch.Tensor | None = None,
        emissive: torch.Tensor | None = None,
        if_exists: str = "number",
        convention: str = "OpenGL",
        height_cm: float = 5.0,
        size_cm: float = 100.0,
        preset: str = "plain",
        file_format: str = "PNG",
        dither: bool = False,
        surface: SurfaceSize | None = None,
        opacity_mask: torch.Tensor | None = None,
    ) -> io.NodeOutput:
        opacity, of_mask = _opacity(opacity, opacity_mask)
        given = connected_maps(basecolor, height, normal, roughness, metallic, occlusion, opacity, emissive)
        maps, rebuilt = engine_normals(given)
        said, of_size = said_size(surface, height_cm, size_cm)
        described = SurfaceFacts(convention, said.height_cm, said.size_cm)
        settings = ExportSettings(preset, file_format, bit_depth, if_exists, dither)
        waiting = comfy.model_management.throw_exception_if_processing_interrupted
        text = _workflow(cls.hidden)
        saved = save_material(output_folder(FOLDER), name, maps, described, settings, text, waiting)
        written = [*saved.files, *saved.scenes, saved.folder / DESCRIPTION]
        for key in (name, ""):
            WRITTEN.remember(key, str(saved.folder), all_there(written))
        files = [f"{len(written)} files in {saved.folder}:", *(f"  {file.name}" for file in written)]
        seams = seams_of_maps(maps)
        checks = validate(maps, seams, convention, said.height_cm, said.size_cm)
        findings = "\n".join([*of_size, *of_mask, *rebuilt, *saved.notes, *export_notes(maps, settings), *checks])
        report = "\n".join([*files, findings, *seam_figures(seams)])
        views = material_views(maps, described, seams)
        shown = {VIEW: views, "files": _results(saved), "images": _previews(maps, cls), "text": [report]}
        shown["badges"] = [findings]
        return io.NodeOutput(str(saved.folder), report, ui=shown)


def _opacity(opacity: torch.Tensor | None, mask: torch.Tensor | None) -> tuple[torch.Tensor | None, list[str]]:
    """The opacity map of an image or of a mask, which is its inverse in ComfyUI, and what to say of it."""
    if mask is None:
        return opacity, []
    if opacity is not None:
        raise InputError("Both opacity and opacity_mask are connected. Take one of them away.")
    if bool((mask <= 0).all()):  # NaN is not: it is reported as such
        return None, ["opacity_mask: nothing of it is see-through, so no opacity is written."]
    return 1 - mask.reshape(-1, *mask.shape[-2:], 1), [
        "opacity: the inverse of opacity_mask, which is 1 where see-through."
    ]


def _results(saved: SavedMaterial) -> list[ui.SavedResult]:
    """What the history tells of the files."""
    subfolder = saved.folder.relative_to(output_folder()).as_posix()
    return [ui.SavedResult(file.name, subfolder, io.FolderType.output) for file in [*saved.files, *saved.scenes]]


def _previews(maps: Mapping[str, torch.Tensor], cls: type[io.ComfyNode]) -> list[ui.SavedResult]:
    """The maps as browsers can show them: the host makes 16-bit grey files white, and EXR, TIFF and TGA nothing."""
    shown = []
    for pixels in maps.values():
        smaller = min(1.0, PREVIEW / max(pixels.shape[-2:]))
        size = [max(1, round(smaller * side)) for side in pixels.shape[-2:]]
        color = pixels[:, :3] if pixels.shape[1] >= 3 else grey_to_rgb(pixels[:, :1])
        small = torch.nn.functional.interpolate(color, size, mode="area") if smaller < 1 else color
        shown += ui.PreviewImage(to_bhwc(small), cls=cls).values
    return shown


def _workflow(hidden: io.HiddenHolder | None) -> dict[str, str]:
    if hidden is None or not keeps_metadata():  # None: called outside a graph
        return {}
    parts = {"prompt": hidden.prompt, **(hidden.extra_pnginfo or {})}
    return {key: json.dumps(value) for key, value in parts.items() if value}
