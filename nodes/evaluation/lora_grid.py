"""The node that paints LoRA files at several weights."""

from itertools import islice

import psutil
import torch
from comfy_api.latest import io

from ...common.dataset_counts import counted
from ...common.errors import InputError
from ...common.files import check_new_name
from ...common.texture_dataset import TextureDataset
from ...evaluation.cells import parse_strengths
from ...evaluation.grid import LoraGrid, Sampling
from ...evaluation.seeds import parse_seeds
from ...evaluation.sheet import contact_sheet, to_image
from ...host.folders import output_folder
from ...host.lora_files import files_state, named_loras
from ...host.lora_grid import Log, grid_cells, paint_grid
from ...host.painting import SAMPLERS, SCHEDULERS
from ...host.protocols import Clip, Model, Vae
from ...host.reruns import Watch, all_there
from ...host.screening import Screening
from ..offered import offered
from ..shown_where import shown_where
from ..sockets import TextureDatasetSocket
from ..validation import refusing
from .renders import captioned_renders
from .sockets import LoraGridSocket, stacked

PAINTED = Watch()


class LoraGridNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightLoraGrid",
            display_name="LoRA Grid",
            category="Tilewright/evaluation",
            description="Paints the same prompts and seeds with every checkpoint at every weight, exactly as Load "
            "LoRA and KSampler would. Pictures are files as soon as they are painted, so a cancelled grid goes on.",
            search_aliases=[
                "xy plot",
                "x/y/z plot",
                "compare loras",
                "lora strength",
                "checkpoint comparison",
                "grid",
                "compare",
                "comparison",
                "x y plot",
            ],
            is_output_node=True,
            inputs=[
                io.Model.Input(
                    "model", tooltip="The model that the LoRAs were trained on, seamless or tiled as you like."
                ),
                io.Clip.Input("clip", tooltip="Its text encoder. A LoRA goes on it at the same weight."),
                io.Vae.Input("vae", tooltip="Its VAE, which decodes the pictures."),
                io.String.Input(
                    "loras",
                    extra_dict=offered("loras", several="\n"),
                    display_name="LoRAs (checkpoints)",
                    default="my_material",
                    multiline=True,
                    tooltip="One a line: a file, a pattern such as bricks*, or a run's name for all its checkpoints.",
                ),
                io.String.Input(
                    "strengths",
                    default="0 0.4 0.7 1",
                    tooltip="Weights, such as 0 0.4 0.7 1, or 0-1 [5] for five from 0 to 1. The model without LoRA is "
                    "painted once.",
                ),
                io.String.Input(
                    "prompts",
                    default="",
                    multiline=True,
                    tooltip="One a line. A dataset's captions come before them.",
                ),
                io.String.Input("seeds", default="1 2", tooltip="Seeds, such as 1 2 7, or 1-4. Two or three suffice."),
                io.Int.Input("steps", default=20, min=1, max=1000, tooltip="Sampler steps, as in KSampler."),
                io.Float.Input(
                    "cfg",
                    advanced=True,
                    default=6.0,
                    min=0.0,
                    max=100.0,
                    step=0.1,
                    round=0.01,
                    tooltip="Guidance, as in KSampler.",
                ),
                io.Combo.Input(
                    "sampler_name",
                    display_name="sampler",
                    advanced=True,
                    options=SAMPLERS,
                    default="dpmpp_2m",
                    tooltip="As in KSampler. Those that draw noise on the way are painted one picture at a time.",
                ),
                io.Combo.Input(
                    "scheduler", advanced=True, options=SCHEDULERS, default="karras", tooltip="As in KSampler."
                ),
                io.Int.Input("width", default=512, min=16, max=8192, step=8, tooltip="Width of a picture in pixels."),
                io.Int.Input("height", default=512, min=16, max=8192, step=8, tooltip="Height of a picture in pixels."),
                io.String.Input(
                    "negative",
                    display_name="negative prompt",
                    advanced=True,
                    default="",
                    multiline=True,
                    tooltip="The negative prompt of all pictures.",
                ),
                io.String.Input(
                    "name",
                    display_name="grid name",
                    default="my_grid",
                    tooltip="Folder in output/grids. What is there already, of the same settings, is not painted "
                    "again.",
                ),
                TextureDatasetSocket.Input(
                    "dataset",
                    optional=True,
                    tooltip="Renders that were held out: their captions are prompts, so that pictures have a render "
                    "each.",
                ),
                io.Boolean.Input(
                    "tiled",
                    display_name="sheet 2 × 2",
                    advanced=True,
                    default=False,
                    optional=True,
                    tooltip="Show every picture of the sheet 2 x 2, to see its seams.",
                ),
                io.Int.Input(
                    "thumbnail",
                    display_name="thumbnail (px)",
                    advanced=True,
                    default=128,
                    min=24,
                    max=1024,
                    optional=True,
                    tooltip="Side of a picture on the sheet.",
                ),
                io.Int.Input(
                    "batch_size",
                    display_name="batch size",
                    default=0,
                    min=0,
                    max=4096,
                    optional=True,
                    advanced=True,
                    tooltip="Pictures at once, 0 for as many as fit. 1 is KSampler bit for bit; more differ in the "
                    "last bits.",
                ),
                io.Int.Input(
                    "prescreen",
                    extra_dict=shown_where(training=True),
                    default=0,
                    min=0,
                    max=1000,
                    optional=True,
                    advanced=True,
                    tooltip="Paint only so many cells: those that win most of the loss on the dataset's renders. 0 "
                    "for all. Needs dataset and training.",
                ),
                TextureDatasetSocket.Input(
                    "training", optional=True, tooltip="The renders that were trained on, for prescreen alone."
                ),
            ],
            outputs=[
                LoraGridSocket.Output("grid", tooltip="For Score Grid."),
                io.Image.Output(
                    "images", tooltip="All pictures: without LoRA first, then file by file, weight by weight."
                ),
                io.Image.Output(
                    "sheet", tooltip="All pictures as thumbnails: a row for each file, a column for each weight."
                ),
                io.String.Output("report", tooltip="What was painted, how long it took, and what to know about it."),
            ],
        )

    @classmethod
    @refusing
    def validate_inputs(cls, strengths: str | None = None) -> None:
        if strengths is not None:
            parse_strengths(strengths)

    @classmethod
    def fingerprint_inputs(cls, loras: str | None = None, name: str | None = None, **_: object) -> list:
        changes = PAINTED.changes(name or "")
        if loras is None:  # it is linked
            return [changes]
        try:
            return [*files_state(named_loras(loras)), changes]
        except InputError:  # reported when it runs
            return [changes]

    @classmethod
    def execute(
        cls,
        model: Model,
        clip: Clip,
        vae: Vae,
        loras: str,
        strengths: str,
        prompts: str,
        seeds: str,
        steps: int,
        cfg: float,
        sampler_name: str,
        scheduler: str,
        width: int,
        height: int,
        negative: str,
        name: str,
        dataset: TextureDataset | None = None,
        tiled: bool = False,
        thumbnail: int = 128,
        batch_size: int = 0,
        prescreen: int = 0,
        training: TextureDataset | None = None,
    ) -> io.NodeOutput:
        check_new_name(name, "name", output_folder("grids"))
        drawn = parse_seeds(seeds)
        cells = grid_cells(named_loras(loras), parse_strengths(strengths))
        sampling = Sampling(steps, cfg, sampler_name, scheduler, width // 8 * 8, height // 8 * 8, negative)
        texts = all_prompts(prompts, dataset)
        screening = _screening(prescreen, training, dataset, (sampling.width, sampling.height))
        grid, log = paint_grid(model, clip, vae, cells, texts, drawn, sampling, name.strip(), batch_size, screening)
        log.note(uncaptioned(dataset))
        files = [file for painted in grid.files.values() for file in painted]
        for key in (name, ""):
            PAINTED.remember(key, str(grid.folder), all_there(files))
        sheet = contact_sheet(grid.cells, grid.pictures, grid.prompts, len(grid.seeds), thumbnail, tiled)
        images = _images(grid, log)
        return io.NodeOutput(grid, images, to_image(sheet), grid_report(grid, log), ui={"tilewright_grid": [grid.name]})


def all_prompts(prompts: str, dataset: TextureDataset | None) -> list[str]:
    """The captions of a dataset's own renders and the lines of `prompts`, each once. Raises `InputError` for none."""
    captions = [sample.caption for sample in dataset.samples if not sample.regularisation] if dataset else []
    lines = [line.strip() for line in prompts.splitlines()]
    texts = list(dict.fromkeys(text for text in [*captions, *lines] if text.strip()))
    if not texts:
        raise InputError("There is nothing to paint: write prompts, one a line, or connect a dataset with captions.")
    return texts


def uncaptioned(dataset: TextureDataset | None) -> str:
    """A line on the renders without a caption, which give no prompt, "" if all have one."""
    own = [sample.caption.strip() for sample in dataset.samples if not sample.regularisation] if dataset else []
    return (
        f"{own.count('')} of {len(own)} renders of dataset have no caption, so they gave no prompt" if "" in own else ""
    )


def _screening(
    keep: int, training: TextureDataset | None, held_out: TextureDataset | None, size: tuple[int, int]
) -> Screening | None:
    if not keep:
        return None
    if training is None or held_out is None:
        raise InputError(
            "prescreen compares losses on renders that were trained on with losses on renders that were not: connect "
            "the first as training and the second as dataset, or set prescreen to 0."
        )
    return Screening(captioned_renders(training, size, "training"), captioned_renders(held_out, size, "dataset"), keep)


def _images(grid: LoraGrid, log: Log) -> torch.Tensor:
    """All pictures, or as many as a quarter of the free memory holds."""
    total = sum(len(files) for files in grid.files.values())
    each = grid.sampling.width * grid.sampling.height * 3 * 4  # bytes
    most = max(1, psutil.virtual_memory().available // 4 // each)
    if total > most:
        log.note(
            f"images holds the first {most} of {total} pictures: all of them would take {total * each / 2**30:.0f} GB "
            "of memory. Every one is in the folder, and Score Grid reads them there"
        )
    pictures = (picture for cell in grid.cells for picture in grid.pictures(cell))
    return stacked(list(islice(pictures, most)))


def grid_report(grid: LoraGrid, log: Log) -> str:
    """What was painted and what to know about it."""
    total = sum(len(files) for files in grid.files.values())
    pace = f" in {log.seconds:.1f} s" if log.painted else ""
    files = len({cell.lora for cell in grid.cells if not cell.is_base})
    return "\n".join(
        [
            f"{counted(total, 'picture')} in {grid.folder}: {counted(len(grid.cells), 'cell')} "
            f"({counted(files, 'file')}), {counted(len(grid.prompts), 'prompt')}, {counted(len(grid.seeds), 'seed')}.",
            f"{log.painted} painted{pace}, {log.kept} from before.",
            *log.notes,
        ]
    )
