"""The node that makes a dataset of a graph's images."""

import torch
from comfy_api.latest import io

from ...common.dataset_counts import counted
from ...common.files import check_new_name
from ...common.finite import outside_note
from ...common.map_kinds import MAP_KINDS
from ...common.oklab import srgb_from_hex
from ...common.texture_dataset import TextureDataset
from ...dataset.from_images import write_images
from ...dataset.report import join_report
from ...host import folders
from ...host.edit_sets import listing_of, previewed
from ...host.progress import progress_callback
from ...host.reruns import Watch, all_there
from ..image_inputs import read_images
from ..sockets import TextureDatasetSocket
from ..validation import refusing

WRITTEN = Watch()


class DatasetFromImages(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightDatasetFromImages",
            display_name="Dataset from Images",
            category="Tilewright/dataset",
            description=(
                "Makes a dataset of the images of a graph, a batch or a list of any sizes, with captions. They are "
                "written to output/datasets/<folder>, so that training reads them when it needs them."
            ),
            search_aliases=[
                "images to dataset",
                "batch to dataset",
                "image list",
                "make training data",
                "images as dataset",
                "image batch",
            ],
            is_input_list=True,
            inputs=[
                io.Image.Input("images", tooltip="The images: a batch, or a list of images of different sizes."),
                io.String.Input(
                    "captions",
                    default="",
                    multiline=True,
                    tooltip="A caption for each image, one a line or as a list; one line alone holds for all.",
                ),
                io.String.Input("folder", default="from_images", tooltip="Folder below output/datasets to write to."),
                io.Combo.Input(
                    "map",
                    options=MAP_KINDS,
                    default="basecolor",
                    tooltip="What the images are. basecolor and emissive are written in 8 bits, all others in 16.",
                ),
                io.String.Input(
                    "name",
                    display_name="file name",
                    advanced=True,
                    default="image",
                    optional=True,
                    tooltip="What the files begin with. A second node of the same name replaces the first one's files.",
                ),
                io.Boolean.Input(
                    "tileable",
                    display_name="images tile",
                    default=False,
                    optional=True,
                    tooltip="The images tile, so the trainer may roll them and wrap around their edges.",
                ),
                io.Color.Input(
                    "background",
                    display_name="background of alpha",
                    advanced=True,
                    default="#808080",
                    optional=True,
                    tooltip="The colour that transparent images are laid over.",
                ),
            ],
            outputs=[
                TextureDatasetSocket.Output("dataset", tooltip="The images with their captions."),
                io.String.Output("folder", tooltip="Full path of the folder that was written."),
                io.String.Output("report", tooltip="What was written, and what of an earlier run was removed."),
            ],
            has_intermediate_output=True,
        )

    @classmethod
    @refusing
    def validate_inputs(cls, folder: list[str | None]) -> None:
        for one in folder if isinstance(folder, list) else [folder]:
            if one is not None:
                folders.dataset_folder(one)

    @classmethod
    def fingerprint_inputs(cls, folder: list[str | None] | None = None, **_: object) -> int:
        return WRITTEN.changes(_first(folder, "") or "")

    @classmethod
    def execute(
        cls,
        images: list[torch.Tensor],
        captions: list[str],
        folder: list[str],
        map: list[str],
        name: list[str] | None = None,
        tileable: list[bool] | None = None,
        background: list[str] | None = None,
    ) -> io.NodeOutput:
        path = folders.dataset_folder(folder[0])
        pictures = [picture for batch in images for picture in read_images(batch, "images")]
        pictures = [torch.cat([one, one[:1] * 0]) if len(one) == 2 else one for one in pictures]  # normals without blue
        beyond = [note for picture in pictures for note in outside_note(picture, "An image")]
        lines = [line.strip() for text in captions for line in text.splitlines() if line.strip()]
        words = lines if len(captions) == 1 else [" ".join(text.split()) for text in captions]
        called = check_new_name(_first(name, "image"), "name", path)
        samples, removed = write_images(
            path, called, pictures, words, map[0], _first(tileable, False), progress_callback()
        )
        for key in (folder[0], ""):
            WRITTEN.remember(key, str(path), all_there([sample.file for sample in samples]))
        dataset = TextureDataset(tuple(samples), srgb_from_hex(_first(background, "#808080")))
        lines = [f"{counted(len(samples), 'image')} written to {path}", join_report(dataset)]
        lines += [f"{len(beyond)} of them clipped: {beyond[0]}"] if beyond else []
        lines += [f"{len(removed)} images of an earlier run removed"] if removed else []
        return io.NodeOutput(dataset, str(path), "\n".join(lines), ui=previewed(dataset=listing_of(dataset)))


def _first(given: object, default: object) -> object:
    """The value of a widget, which arrives as a list of one, or as it is before a run."""
    if isinstance(given, list):
        return given[0] if given else default
    return default if given is None else given
