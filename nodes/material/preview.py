"""The material view: what the editor needs to show a material in the light, and the node that does only that."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from comfy_api.latest import io

from ...common.seams import edge_words
from ...host.viewed_files import viewed_file
from ...material.arrangement import check_batches, engine_normals
from ...material.material_files import SurfaceFacts
from ...material.surface_size import SurfaceSize
from ...material.validation import MapSeams, seam_figures, seams_of_maps, validate
from ...material.viewed_maps import viewed_maps
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

VIEW = "tilewright_material"  # the key under which the editor's view finds its materials
MOST = 8  # materials of a batch that are shown


class PreviewMaterial(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightPreviewMaterial",
            display_name="Preview Material",
            category=CATEGORY,
            description="Shows a material in the light: on a plane, sphere, cube or cloth with true displacement, "
            "under a light that you drag.",
            search_aliases=["3d preview", "pbr preview", "material viewer", "view material", "displacement preview"],
            is_output_node=True,
            inputs=[
                *map_sockets(),
                convention_input("What the connected normal map is. The view reads green accordingly.", optional=True),
                height_cm_input(optional=True),
                size_cm_input(optional=True),
                surface_input(),
            ],
            outputs=[
                io.String.Output("report", tooltip="Seams, normals and height of the maps, checked as on saving."),
            ],
        )

    @classmethod
    def execute(
        cls,
        basecolor: torch.Tensor | None = None,
        height: torch.Tensor | None = None,
        normal: torch.Tensor | None = None,
        roughness: torch.Tensor | None = None,
        metallic: torch.Tensor | None = None,
        occlusion: torch.Tensor | None = None,
        opacity: torch.Tensor | None = None,
        emissive: torch.Tensor | None = None,
        convention: str = "OpenGL",
        height_cm: float = 5.0,
        size_cm: float = 100.0,
        surface: SurfaceSize | None = None,
    ) -> io.NodeOutput:
        given = connected_maps(basecolor, height, normal, roughness, metallic, occlusion, opacity, emissive)
        check_batches(given)
        maps, rebuilt = engine_normals(given)
        said, of_size = said_size(surface, height_cm, size_cm)
        seams = seams_of_maps(maps)
        views = material_views(maps, SurfaceFacts(convention, said.height_cm, said.size_cm), seams)
        checks = validate(maps, seams, convention, said.height_cm, said.size_cm)
        found = [*rebuilt, *of_size, *checks]
        report = "\n".join([*found, *seam_figures(seams)])
        return io.NodeOutput(report, ui={VIEW: views, "text": [report], "badges": ["\n".join(found)]})


def material_views(
    maps: Mapping[str, torch.Tensor], surface: SurfaceFacts, seams: Sequence[MapSeams]
) -> list[dict[str, Any]]:
    """What the view shows of the first materials of a batch: files in temp and facts. maps as of `viewed_maps`, seams
    those of each material."""
    batch = len(next(iter(maps.values())))
    views = []
    for index in range(min(batch, MOST)):
        single = {name: pixels[index : index + 1] for name, pixels in maps.items()}
        files, facts = viewed_maps(single, surface)
        facts |= {"number": index + 1, "of": batch, "seams": _seams(seams[index])}
        views.append(facts | {"files": {name: viewed_file(f"{name}.png", png) for name, png in files.items()}})
    return views


def _seams(measured: MapSeams) -> dict[str, str]:
    """What Measure Seams says of the map that shows most: the first of `engine_presets.MAPS` that there is."""
    if not measured:  # too small to tell
        return {}
    name, (x, y) = next(iter(measured.items()))
    return {"map": name, "x": x.verdict, "y": y.verdict, "text": edge_words({"x": x, "y": y})}
