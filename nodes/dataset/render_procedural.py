"""The node that renders materials from the pack's own generators."""

import comfy.model_management
import comfy.utils
import torch
from comfy_api.latest import io

from ...common.layout import grey_to_rgb, to_bhwc
from ...dataset.procedural.catalogue import GROUPS, MATERIALS, NO_MATERIAL, chosen_materials
from ...dataset.procedural.render import SEE_THROUGH_MAPS, Rendered, render_folder
from ...host import folders
from ...host.edit_sets import listing_of, previewed
from ...host.reruns import Watch, all_there
from ..shown_where import shown_where
from ..sockets import TextureDatasetSocket
from ..validation import refusing

WRITTEN = Watch()


class RenderProcedural(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightRenderProcedural",
            display_name="Render Procedural Materials",
            category="Tilewright/dataset",
            description=(
                "Renders tileable materials with all their maps, each different, from generators that come with "
                "Tilewright. The files and a manifest of their parameters go to output/datasets/<folder>."
            ),
            search_aliases=[
                "texture generator",
                "tileable",
                "substance",
                "brick",
                "wood",
                "fabric",
                "synthetic data",
                "procedural texture",
                "texture maps",
                "cobblestone",
                "pbr",
                "noise texture",
                "material generator",
            ],
            inputs=[
                io.Combo.Input(
                    "material",
                    options=[*MATERIALS, *GROUPS],
                    tooltip="What to render. A group renders `count` of each of its materials into one folder: 'all' "
                    "the first seven, bricks to terrazzo, as it always has; 'everyday' those and the next seven, up to "
                    "tread; 'case studies' lace, facade and stylised.",
                ),
                io.Int.Input(
                    "count",
                    display_name="variations",
                    default=8,
                    min=1,
                    max=10000,
                    tooltip="How many renders of the material to make.",
                ),
                io.Int.Input(
                    "size",
                    display_name="output size",
                    default=512,
                    min=64,
                    max=4096,
                    step=8,
                    tooltip="Width and height of every map, in pixels.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**53,
                    control_after_generate=io.ControlAfterGenerate.fixed,
                    tooltip="Seed of the first render; the next ones count on from it. "
                    "The same settings give the same files, byte for byte.",
                ),
                io.String.Input(
                    "folder",
                    default="procedural",
                    tooltip="Folder below output/datasets to write to. Files of the same name are replaced, "
                    "others stay as they are.",
                ),
                io.Combo.Input(
                    "map",
                    display_name="map of the dataset",
                    advanced=True,
                    options=[*SEE_THROUGH_MAPS, "any"],
                    default="basecolor",
                    optional=True,
                    tooltip="Which map of each render the dataset output carries, 'any' for all. "
                    "All maps are written to the folder in any case. Only lace has an opacity.",
                ),
                io.Float.Input(
                    "variation",
                    advanced=True,
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    optional=True,
                    tooltip="How far parameters and colours stray from each material's typical look: "
                    "0 always renders the typical material, 1 uses the whole range.",
                ),
                io.Int.Input(
                    "image_limit",
                    display_name="preview images",
                    advanced=True,
                    default=16,
                    min=1,
                    max=10000,
                    optional=True,
                    tooltip="How many images the images output holds. All of them stay in memory: 3 MB for each "
                    "512 px image. The dataset is always complete.",
                ),
                io.Combo.Input(
                    "leave_out",
                    display_name="exclude material",
                    extra_dict=shown_where(material=list(GROUPS)),
                    advanced=True,
                    options=[NO_MATERIAL, *MATERIALS],
                    default=NO_MATERIAL,
                    optional=True,
                    tooltip="A material that a group does not render, such as the one that a LoRA is to learn while "
                    "the others keep the rest as it is.",
                ),
            ],
            outputs=[
                TextureDatasetSocket.Output("dataset", tooltip="The rendered maps as a dataset, ready for captions."),
                io.String.Output("folder", tooltip="Full path of the folder that was written."),
                io.String.Output("report", tooltip="What was rendered and with which parameters, in words."),
                io.Image.Output(
                    "images",
                    tooltip="The dataset's first images, as many as preview images says, as one batch, before they "
                    "are rounded to the bits of their files. 'any' gives each render's maps in the order that `map` "
                    "lists them.",
                ),
            ],
            has_intermediate_output=True,
        )

    @classmethod
    @refusing
    def validate_inputs(cls, folder: str | None) -> None:
        if folder is not None:
            folders.dataset_folder(folder)

    @classmethod
    def fingerprint_inputs(cls, folder: str | None = None, **_: object) -> int:
        return WRITTEN.changes(folder or "")

    @classmethod
    def execute(
        cls,
        material: str,
        count: int,
        size: int,
        seed: int,
        folder: str,
        map: str = "basecolor",
        variation: float = 1.0,
        image_limit: int = 16,
        leave_out: str = NO_MATERIAL,
    ) -> io.NodeOutput:
        path = folders.dataset_folder(folder)
        materials = chosen_materials(material, leave_out)
        kinds = None if map == "any" else (map,)
        progress = comfy.utils.ProgressBar(count * len(materials))
        images: list[torch.Tensor] = []

        def rendered(tile: Rendered) -> None:
            shown = list(kinds or tile.maps)[: image_limit - len(images)]
            images.extend(grey_to_rgb(tile.maps[kind][None]) for kind in shown)
            progress.update(1)
            comfy.model_management.throw_exception_if_processing_interrupted()

        waiting = comfy.model_management.throw_exception_if_processing_interrupted
        dataset, report = render_folder(path, materials, count, size, seed, variation, kinds, rendered, waiting)
        files = [path / file for sample in dataset.samples for file in sample.record.maps.values()]
        for key in (folder, ""):
            WRITTEN.remember(key, str(path), all_there(files))
        shown = previewed(dataset=listing_of(dataset))
        return io.NodeOutput(dataset, str(path), report, to_bhwc(torch.cat(images)), ui=shown)
