"""The node that writes variations of the materials of a dataset."""

from dataclasses import replace

from comfy_api.latest import io

from ...common.dataset_counts import counted
from ...common.texture_dataset import TextureDataset, rejected_by_reason
from ...host import folders
from ...host.edit_sets import listing_of, previewed
from ...host.progress import progress_callback
from ...host.reruns import Watch, all_there
from ..sockets import TextureDatasetSocket
from ..validation import refusing

WRITTEN = Watch()


class AugmentDataset(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightAugmentDataset",
            display_name="Augment Dataset",
            category="Tilewright/dataset",
            description=(
                "Writes more views of the same materials: rolled, turned, mirrored, cropped, in other colours. "
                "All maps of a material change together, and normals turn with the surface."
            ),
            search_aliases=[
                "data augmentation",
                "flip images",
                "rotate images",
                "random crop",
                "color jitter",
                "augmentation",
                "mirror",
            ],
            inputs=[
                TextureDatasetSocket.Input("dataset", tooltip="The materials to vary."),
                io.Int.Input(
                    "count",
                    display_name="variations each",
                    default=2,
                    min=1,
                    max=100,
                    tooltip="Variations of each material.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**53,
                    control_after_generate=io.ControlAfterGenerate.fixed,
                    tooltip="Another seed draws other variations.",
                ),
                io.String.Input(
                    "folder",
                    default="augmented",
                    tooltip="Folder below output/datasets to write to. Files of the same name are replaced.",
                ),
                io.Boolean.Input(
                    "rolls",
                    display_name="offset (tiling)",
                    advanced=True,
                    default=True,
                    optional=True,
                    tooltip="Shift tileable materials around their edges.",
                ),
                io.Boolean.Input(
                    "turns",
                    display_name="rotate 90°",
                    default=True,
                    optional=True,
                    tooltip="Quarter turns. Turn off for materials with an up and a down. 'horizontal' and 'vertical' "
                    "in captions follow.",
                ),
                io.Boolean.Input(
                    "mirror",
                    display_name="flip",
                    default=True,
                    optional=True,
                    tooltip="Mirror images. Turn off where there is writing.",
                ),
                io.Int.Input(
                    "crop",
                    display_name="random crop (px)",
                    advanced=True,
                    default=0,
                    min=0,
                    max=16384,
                    step=8,
                    optional=True,
                    tooltip="Cut pieces of this many pixels out of large renders, 0 for none. Pieces do not tile.",
                ),
                io.Float.Input(
                    "color",
                    display_name="color jitter",
                    advanced=True,
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    optional=True,
                    tooltip="How far basecolors stray: at 1 lightness by 0.1, chroma by 30 % and hue by 20 degrees. "
                    "Other maps never change.",
                ),
                io.Boolean.Input(
                    "keep_originals",
                    display_name="keep originals",
                    advanced=True,
                    default=True,
                    optional=True,
                    tooltip="Put the variations behind the originals.",
                ),
                io.Boolean.Input(
                    "sync",
                    display_name="remove stale files",
                    advanced=True,
                    default=False,
                    optional=True,
                    tooltip="Also remove variations that an earlier run of this node wrote to the folder and this one "
                    "does not. Files that were changed since, or that came from elsewhere, always stay.",
                ),
            ],
            outputs=[
                TextureDatasetSocket.Output("dataset", tooltip="The variations, behind the originals if kept."),
                io.String.Output("report", tooltip="What was written, and files that could not be read."),
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
        dataset: TextureDataset,
        count: int,
        seed: int,
        folder: str,
        rolls: bool = True,
        turns: bool = True,
        mirror: bool = True,
        crop: int = 0,
        color: float = 0.0,
        keep_originals: bool = True,
        sync: bool = False,
    ) -> io.NodeOutput:
        from ...dataset.augment import Augmentation, augment_dataset

        path = folders.dataset_folder(folder)
        wanted = Augmentation(count, rolls, turns, mirror, crop, color)
        augmented = augment_dataset(dataset, path, wanted, seed, progress_callback(), sync)
        for key in (folder, ""):
            WRITTEN.remember(key, str(path), all_there([sample.file for sample in augmented.samples]))
        originals = dataset.samples if keep_originals else ()
        lines = [f"{counted(len(augmented.samples), 'variation')} written to {path}"]
        lines += [f"{len(augmented.removed)} variations of an earlier run removed"] if augmented.removed else []
        lines += rejected_by_reason(augmented.rejected, path)
        varied = replace(dataset, samples=(*originals, *augmented.samples))
        return io.NodeOutput(varied, "\n".join(lines), ui=previewed(dataset=listing_of(varied)))
