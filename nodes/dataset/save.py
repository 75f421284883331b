"""The node that writes datasets to folders."""

from comfy_api.latest import io

from ...common.caption_files import KEEP, OFF, WRITE_MODES
from ...common.files import check_name
from ...common.texture_dataset import TextureDataset
from ...dataset.report import save_report
from ...dataset.save import caption_files, save_dataset
from ...dataset.save_plan import KOHYA, LAYOUTS, Saving
from ...host import folders
from ...host.edit_sets import listing_of, previewed
from ...host.progress import progress_callback
from ...host.reruns import Watch, all_there
from ..shown_where import shown_where
from ..sockets import TextureDatasetSocket
from ..validation import refusing

WRITTEN = Watch()


class SaveDataset(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightSaveDataset",
            display_name="Save Dataset",
            category="Tilewright/dataset",
            description=(
                "Writes a dataset to output/datasets/<folder> as upright PNGs with their captions, in the layout of "
                "kohya's trainers or of Hugging Face."
            ),
            search_aliases=[
                "export dataset",
                "kohya folder",
                "metadata.jsonl",
                "imagefolder",
                "save captions",
                "hugging face dataset",
                "write captions",
            ],
            is_output_node=True,
            inputs=[
                TextureDatasetSocket.Input("dataset", tooltip="The images to write."),
                io.String.Input(
                    "folder",
                    default="my_dataset",
                    tooltip="Folder below output/datasets. A picture that was saved there before is replaced.",
                ),
                io.Combo.Input(
                    "layout",
                    options=LAYOUTS,
                    default=KOHYA,
                    tooltip="kohya: train/<repeats>_<concept>/ with a .txt beside each image. "
                    "Hugging Face: train/ with metadata.jsonl.",
                ),
                io.String.Input(
                    "concept",
                    display_name="class (folder name)",
                    extra_dict=shown_where(layout=[KOHYA]),
                    default="texture",
                    optional=True,
                    tooltip="The words in the name of kohya's folders, such as 'twbricks wall': the caption of "
                    "images without one.",
                ),
                io.Combo.Input(
                    "captions",
                    display_name="existing captions",
                    options=[mode for mode in WRITE_MODES if mode != OFF],
                    default=KEEP,
                    optional=True,
                    tooltip="What happens to captions that are already in the folder: keep them, append new phrases, "
                    "or overwrite them.",
                ),
                io.Combo.Input(
                    "bit_depth",
                    display_name="bit depth",
                    advanced=True,
                    options=["8", "16"],
                    default="8",
                    optional=True,
                    tooltip="Bits a channel of height, normal and other data maps. sd-scripts reads 8 bits only. "
                    "Colour is always 8 bits.",
                ),
                TextureDatasetSocket.Input(
                    "validation",
                    optional=True,
                    tooltip="Materials held back by Split Dataset; they go to validation/ beside train/.",
                ),
                io.Boolean.Input(
                    "sync",
                    display_name="remove stale files",
                    advanced=True,
                    default=False,
                    optional=True,
                    tooltip="Also remove images that an earlier save wrote to the folder and this dataset no longer "
                    "holds. Files that were changed since, or that came from elsewhere, always stay.",
                ),
            ],
            outputs=[
                io.String.Output("folder", tooltip="Full path of the folder that was written."),
                io.String.Output("report", tooltip="What was written, kept and left out."),
            ],
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
        dataset: TextureDataset,
        folder: str,
        layout: str,
        concept: str = "texture",
        captions: str = KEEP,
        bit_depth: str = "8",
        validation: TextureDataset | None = None,
        sync: bool = False,
    ) -> io.NodeOutput:
        path = folders.dataset_folder(folder)
        parts = {"train": dataset} | ({"validation": validation} if validation else {})
        saving = Saving(
            layout, check_name(concept, "The concept"), captions, int(bit_depth), folders.writable_folders(), sync
        )
        saved = save_dataset(path, parts, saving, progress_callback())
        for key in (folder, ""):
            WRITTEN.remember(key, str(path), all_there([*saved.files, *caption_files(saved.files, layout)]))
        shown = previewed(**{name: listing_of(part) for name, part in parts.items()})
        return io.NodeOutput(str(path), save_report(saved, path), ui=shown)
