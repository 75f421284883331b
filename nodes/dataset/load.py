"""Nodes between folders and datasets."""

from functools import partial

from comfy_api.latest import io

from ...common.caption_files import AUTOMATIC, ENCODINGS
from ...common.map_files import REFUSE, REPAIR, Reading
from ...common.map_kinds import MAP_KINDS
from ...common.oklab import srgb_from_hex
from ...common.paths import resolve_inside
from ...common.texture_dataset import TextureDataset
from ...dataset.caption_lookup import CAPTION_SOURCES
from ...dataset.image_files import fingerprint
from ...dataset.load import ANY, Loading, decode_images, load_folder
from ...dataset.report import load_report
from ...host import folders
from ...host.edit_sets import listing_of, previewed
from ...host.progress import progress_callback
from ...host.reruns import Watch
from ..offered import offered
from ..sockets import TextureDatasetSocket, layer_input, light_input
from ..validation import refusing

LINKED = Watch()  # folders that were read: `fingerprint_inputs` does not receive a linked one


class LoadDataset(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightLoadDataset",
            display_name="Load Dataset",
            category="Tilewright/dataset",
            description=(
                "Reads a folder of images with their captions as a dataset. Files that cannot be used are named in "
                "the report with the reason, and left out."
            ),
            search_aliases=[
                "load images",
                "image folder",
                "batch load",
                "training data",
                "kohya dataset",
                "texture folder",
                "folder of images",
                "captions txt",
            ],
            inputs=[
                io.String.Input(
                    "folder",
                    extra_dict=offered("folders"),
                    default="datasets/procedural",
                    tooltip="Folder below ComfyUI's input, output or temp folder, with its sub-folders. Other places "
                    "can be allowed in extra_model_paths.yaml under tilewright_datasets or "
                    "tilewright_writable_folders.",
                ),
                io.Combo.Input(
                    "map",
                    options=[*MAP_KINDS, ANY],
                    default="basecolor",
                    tooltip="Which map of each material to take, by the folder's manifest or else by file names. "
                    "Images whose name says nothing count as basecolor.",
                ),
                io.String.Input(
                    "regularisation_folder",
                    extra_dict=offered("folders"),
                    display_name="regularisation folder",
                    advanced=True,
                    default="",
                    optional=True,
                    tooltip="A second folder with ordinary images of the same class, to keep the model from forgetting "
                    "them. Empty for none.",
                ),
                io.Int.Input(
                    "repeats",
                    display_name="num_repeats",
                    advanced=True,
                    default=1,
                    min=1,
                    max=1000,
                    optional=True,
                    tooltip="How often each image is seen in an epoch. Multiplies the number that kohya's folder names "
                    "begin with, as in 10_bricks.",
                ),
                io.Combo.Input(
                    "caption_extension",
                    display_name="caption extension",
                    advanced=True,
                    options=CAPTION_SOURCES,
                    default=AUTOMATIC,
                    optional=True,
                    tooltip="Where captions are: text files beside the images, metadata.jsonl, or the first of these "
                    "that has one (auto).",
                ),
                io.Color.Input(
                    "background",
                    display_name="background of alpha",
                    advanced=True,
                    default="#808080",
                    optional=True,
                    tooltip="The colour that transparent images are laid over.",
                ),
                io.Boolean.Input(
                    "tileable",
                    display_name="images tile",
                    default=False,
                    optional=True,
                    tooltip="The images tile, so the trainer may roll them and wrap around their edges. Images with a "
                    "manifest say so themselves.",
                ),
                io.Int.Input(
                    "image_limit",
                    display_name="preview images",
                    advanced=True,
                    default=16,
                    min=0,
                    max=100000,
                    optional=True,
                    tooltip="How many images the images output holds, 0 for none. All of them stay in memory: "
                    "50 MB for each 2048 px image. The dataset and the captions are always complete.",
                ),
                light_input(),
                layer_input(),
                io.Combo.Input(
                    "not_finite",
                    display_name="NaN pixels",
                    advanced=True,
                    options=[REFUSE, REPAIR],
                    default=REFUSE,
                    optional=True,
                    tooltip="What to do with images that hold NaN or infinite values: leave them out by name (refuse), "
                    "or take the nearest pixel's values there (repair).",
                ),
                io.Combo.Input(
                    "caption_encoding",
                    display_name="caption encoding",
                    advanced=True,
                    options=ENCODINGS,
                    default=AUTOMATIC,
                    optional=True,
                    tooltip="How caption files are written. auto reads UTF-8, and UTF-16 with its mark. Choose another "
                    "for old files that the report names as unreadable.",
                ),
            ],
            outputs=[
                TextureDatasetSocket.Output(
                    "dataset", tooltip="All images with their captions; pixels are read when needed."
                ),
                io.Image.Output(
                    "images",
                    is_output_list=True,
                    tooltip="The first images, as many as preview images says, in full size. Nothing where that is 0.",
                ),
                io.String.Output("captions", is_output_list=True, tooltip="One caption for each image of the dataset."),
                io.String.Output("report", tooltip="What was found, and every file that was left out with the reason."),
            ],
            has_intermediate_output=True,
        )

    @classmethod
    @refusing
    def validate_inputs(cls, folder: str | None) -> None:
        if folder is not None:
            resolve_inside(folder, folders.readable_folders(), "The folder")

    @classmethod
    def fingerprint_inputs(cls, folder: str | None, regularisation_folder: str | None = "", **_: object) -> list:
        named = [name for name in (folder, regularisation_folder) if name]
        seen = [fingerprint(resolve_inside(name, folders.readable_folders(), "The folder")) for name in named]
        linked = LINKED.changes("") if None in (folder, regularisation_folder) else 0
        return [*seen, linked] if linked else seen

    @classmethod
    def execute(
        cls,
        folder: str,
        map: str,
        regularisation_folder: str = "",
        repeats: int = 1,
        caption_extension: str = AUTOMATIC,
        background: str = "#808080",
        tileable: bool = False,
        image_limit: int = 16,
        light: str = AUTOMATIC,
        layer: str = "",
        not_finite: str = REFUSE,
        caption_encoding: str = AUTOMATIC,
    ) -> io.NodeOutput:
        roots = folders.readable_folders()
        path = resolve_inside(folder, roots, "The folder")
        regular = regularisation_folder and resolve_inside(regularisation_folder, roots, "The regularisation folder")
        reading = Reading(light, layer.strip(), not_finite)
        loading = Loading(map, roots, caption_extension, repeats, tileable, reading=reading, encoding=caption_encoding)
        loaded = load_folder(path, loading, progress_callback())
        if regular:
            loaded += load_folder(regular, loading.for_regularisation(), progress_callback())
        for read in filter(None, (path, regular)):
            LINKED.remember("", str(read), partial(fingerprint, read))
        dataset = TextureDataset(tuple(loaded.samples), srgb_from_hex(background), findings=loaded.findings)
        images = decode_images(dataset, image_limit)
        report = load_report(dataset, path, loaded, len(images))
        return io.NodeOutput(dataset, images, dataset.captions, report, ui=previewed(dataset=listing_of(dataset)))
