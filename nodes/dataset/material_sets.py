"""The node that says which images of a dataset are the maps of one material."""

from comfy_api.latest import io

from ...common.map_words import parse_maps
from ...common.texture_dataset import TextureDataset
from ...dataset.material_sets import INCOMPLETE, NORMALS, material_sets_of
from ...host.edit_sets import listing_of, previewed
from ...host.progress import progress_callback
from ..set_maps import NodeOfMaps, maps_input
from ..sockets import TextureDatasetSocket


class MaterialSetDataset(NodeOfMaps):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightMaterialSetDataset",
            display_name="Material Set Dataset",
            category="Tilewright/dataset",
            description="Groups the maps of each material, so that a LoRA learns them together and one sampling gives "
            "a whole material. Captions get the map's word in front, normals are turned to OpenGL.",
            search_aliases=["pbr dataset", "map sets", "svbrdf", "group maps", "pbr training", "all maps"],
            inputs=[
                TextureDatasetSocket.Input(
                    "dataset", tooltip="All maps of your materials, captioned: the last node before Train Texture LoRA."
                ),
                maps_input(
                    "The maps to learn, of basecolor, normal, height, roughness, metallic, ao, opacity, emissive. "
                    "Leave out what hardly varies, such as the metallic of stone."
                ),
                io.Combo.Input(
                    "incomplete",
                    display_name="incomplete materials",
                    options=INCOMPLETE,
                    default=INCOMPLETE[0],
                    tooltip="What becomes of materials that lack some of these maps.",
                ),
                io.Combo.Input(
                    "normals",
                    display_name="normal format",
                    options=NORMALS,
                    default=NORMALS[0],
                    tooltip="What the normal maps are. auto goes by their names, and reads the pixels of those that do "
                    "not say; training is in OpenGL.",
                ),
            ],
            outputs=[
                TextureDatasetSocket.Output(
                    "dataset", tooltip="For Train Texture LoRA, with maps of LoRA Objective on together."
                ),
                io.String.Output("report", tooltip="Which materials have which maps, and what was left out."),
            ],
            has_intermediate_output=True,
        )

    @classmethod
    def execute(cls, dataset: TextureDataset, maps: str, incomplete: str, normals: str) -> io.NodeOutput:
        sets = material_sets_of(dataset, parse_maps(maps), incomplete, normals, progress_callback())
        return io.NodeOutput(sets.dataset, sets.report, ui=previewed(dataset=listing_of(sets.dataset)))
