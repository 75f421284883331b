"""The node that sorts a dataset into fit and unfit images."""

from comfy_api.latest import io

from ...common.texture_dataset import TextureDataset
from ...dataset.checks import MARK, NORMAL_MODES, SAME, SEAM_MODES, Rules
from ...dataset.clean import clean_dataset
from ...dataset.report import clean_report
from ...host.edit_sets import listing_of, previewed
from ...host.progress import progress_callback
from ..sockets import TextureDatasetSocket


class CleanDataset(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightCleanDataset",
            display_name="Clean Dataset",
            category="Tilewright/dataset",
            description=(
                "Takes out what would harm a training: damaged, tiny, blank and doubled images, textures that do not "
                "tile, normal maps of the wrong convention. Every rejected file is named with its reason."
            ),
            search_aliases=[
                "filter images",
                "deduplicate",
                "remove duplicates",
                "dataset quality",
                "check seams",
                "blurry",
                "near duplicates",
                "quality filter",
            ],
            inputs=[
                TextureDatasetSocket.Input("dataset", tooltip="The dataset to clean."),
                io.Int.Input(
                    "min_side",
                    display_name="min side (px)",
                    default=256,
                    min=0,
                    max=16384,
                    tooltip="Shortest side in pixels. Smaller images would be blown up for training.",
                ),
                io.Boolean.Input(
                    "reject_duplicates",
                    display_name="reject duplicates",
                    default=True,
                    tooltip="Keep only the first of images that show the same texture, even rolled, turned, mirrored, "
                    "resized or saved again. Colour variants stay.",
                ),
                io.Combo.Input(
                    "seams",
                    display_name="seam check",
                    options=SEAM_MODES,
                    default=MARK,
                    tooltip="mark: images that measure as seamless count as tileable from here on. "
                    "reject: images with a visible seam are taken out as well.",
                ),
                io.Combo.Input(
                    "normals",
                    display_name="normal format",
                    advanced=True,
                    options=NORMAL_MODES,
                    default=SAME,
                    optional=True,
                    tooltip="The convention that normal maps must have, read from their pixels: OpenGL, DirectX, or "
                    "the one that most of them have.",
                ),
                io.Boolean.Input(
                    "reject_blank",
                    display_name="reject blank",
                    advanced=True,
                    default=True,
                    optional=True,
                    tooltip="Take out flat, black and clipped images. Roughness, metallic and such may be flat.",
                ),
                io.Int.Input(
                    "max_side",
                    display_name="max side (px)",
                    advanced=True,
                    default=0,
                    min=0,
                    max=65536,
                    optional=True,
                    tooltip="Longest side in pixels, 0 for any.",
                ),
                io.Float.Input(
                    "kilobytes_per_pixel",
                    display_name="min KB per pixel",
                    advanced=True,
                    default=0.0005,
                    min=0.0,
                    max=0.02,
                    step=0.0001,
                    round=False,
                    optional=True,
                    tooltip="Smallest file size for each pixel of JPEG, WebP and AVIF colour maps, against images that "
                    "were compressed to mush. 0 for any.",
                ),
                io.Int.Input(
                    "min_dpi",
                    display_name="min dpi",
                    advanced=True,
                    default=0,
                    min=0,
                    max=10000,
                    optional=True,
                    tooltip="Lowest resolution of scans in dots per inch, where the file states it. 0 for any.",
                ),
            ],
            outputs=[
                TextureDatasetSocket.Output("kept", tooltip="The images that passed, with their captions."),
                TextureDatasetSocket.Output("rejected", tooltip="The others, with their captions."),
                io.String.Output("report", tooltip="Every rejected file with its reason."),
            ],
            has_intermediate_output=True,
        )

    @classmethod
    def execute(
        cls,
        dataset: TextureDataset,
        min_side: int,
        reject_duplicates: bool,
        seams: str,
        normals: str = SAME,
        reject_blank: bool = True,
        max_side: int = 0,
        kilobytes_per_pixel: float = 0.0005,
        min_dpi: int = 0,
    ) -> io.NodeOutput:
        rules = Rules(min_side, max_side, kilobytes_per_pixel, min_dpi, reject_blank, reject_duplicates, seams, normals)
        cleaned = clean_dataset(dataset, rules, progress_callback())
        why = [(one.reason,) for one in cleaned.reasons]
        shown = previewed(kept=listing_of(cleaned.kept), rejected=listing_of(cleaned.rejected, why))
        return io.NodeOutput(cleaned.kept, cleaned.rejected, clean_report(cleaned), ui=shown)
