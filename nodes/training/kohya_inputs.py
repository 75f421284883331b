"""The inputs that the nodes for sd-scripts share, and what they mean together."""

from typing import Any

import folder_paths
from comfy_api.latest import io

from ...training.config import PRECISIONS, TrainingConfig
from ..common.errors import InputError
from ..common.files import check_name
from ..common.sockets import TextureDatasetSocket
from .adapter import training_config
from .kohya.base_checkpoint import AUTO, FAMILIES
from .kohya.extra_arguments import split_arguments
from .kohya.settings import ATTENTIONS, CACHES, FILE_FORMATS, KohyaOptions
from .network_nodes import NetworkSocket
from .objective_nodes import ObjectiveSocket
from .optimizer_nodes import OptimizerSocket
from .saving_nodes import SavingSocket

NONE = "none"


def what_inputs(written: str) -> list[io.Input]:
    """Dataset, checkpoint and name; `written` says where the file goes."""
    return [
        TextureDatasetSocket.Input("dataset", tooltip="The images to learn, with their captions."),
        io.Combo.Input(
            "checkpoint",
            options=folder_paths.get_filename_list("checkpoints"),
            tooltip="The base model, read by sd-scripts itself. Its family chooses the script.",
        ),
        io.String.Input(
            "name",
            default="my_material",
            tooltip=f"File name in {written}. An existing file is kept: the new one is numbered.",
        ),
        io.Int.Input(
            "steps",
            default=1000,
            min=1,
            max=1_000_000,
            tooltip="How often the weights are updated. 40 to 100 steps per image are usual for small sets.",
        ),
        io.Int.Input(
            "batch_size",
            default=1,
            min=1,
            max=256,
            tooltip="Images per step. More gives a calmer course and needs more memory.",
        ),
        io.Int.Input(
            "resolution",
            default=512,
            min=64,
            max=4096,
            step=64,
            tooltip="Side in pixels that images are brought to: 512 for SD1, 768 for SD2 v-prediction, 1024 for SDXL.",
        ),
    ]


def rate_inputs(rate: float) -> list[io.Input]:
    """Learning rate and seed."""
    return [
        io.Float.Input(
            "learning_rate",
            default=rate,
            min=1e-8,
            max=1.0,
            step=1e-6,
            round=False,
            tooltip="How far a step moves the weights. Lower it when the loss jumps.",
        ),
        io.Int.Input(
            "seed",
            default=0,
            min=0,
            max=0xFFFFFFFFFFFFFFFF,
            control_after_generate=io.ControlAfterGenerate.fixed,
            tooltip="Start weights, order and noise. sd-scripts takes its last 32 bits.",
        ),
    ]


def option_inputs() -> list[io.Input]:
    """What Train LoRA has too: length in epochs, precision, memory, and the four option nodes."""
    return [
        io.Int.Input(
            "epochs",
            default=0,
            min=0,
            max=100_000,
            optional=True,
            tooltip="Passes over the dataset instead of a number of steps. 0 counts steps.",
        ),
        io.Combo.Input(
            "precision",
            options=list(PRECISIONS),
            default="auto",
            optional=True,
            tooltip="Of the frozen model and the mathematics. Auto is bfloat16 on a GPU that has it, else float32; "
            "with accelerate, what you configured there.",
        ),
        io.Boolean.Input(
            "gradient_checkpointing",
            default=False,
            optional=True,
            tooltip="Far less memory, a third slower.",
        ),
        NetworkSocket.Input("network", optional=True, tooltip="From LoRA Network: kind, layers, text encoder."),
        OptimizerSocket.Input("optimizer", optional=True, tooltip="From LoRA Optimizer: optimizer and schedule."),
        ObjectiveSocket.Input("objective", optional=True, tooltip="From LoRA Objective: noise, loss, captions."),
        SavingSocket.Input("saving", optional=True, tooltip="From LoRA Saving: checkpoints, samples, resuming."),
    ]


def script_inputs() -> list[io.Input]:
    """What only sd-scripts has, and where it is."""
    return [*_image_inputs(), *_machine_inputs(), *_installation_inputs()]


def _image_inputs() -> list[io.Input]:
    return [
        io.Combo.Input(
            "family",
            options=[AUTO, *FAMILIES],
            default=AUTO,
            optional=True,
            tooltip="Auto reads it off the checkpoint's weights. SDXL has scripts of its own.",
        ),
        io.Combo.Input(
            "vae",
            options=[NONE, *folder_paths.get_filename_list("vae")],
            default=NONE,
            optional=True,
            advanced=True,
            tooltip="A VAE in place of the checkpoint's own.",
        ),
        io.Combo.Input(
            "cache_latents",
            options=list(CACHES),
            default=CACHES[0],
            optional=True,
            tooltip="Encode each image once. Disk is for sets that memory does not hold.",
        ),
        io.Boolean.Input(
            "buckets",
            default=True,
            optional=True,
            advanced=True,
            tooltip="Keep the proportions of images that are not square. Off crops them to squares.",
        ),
        io.Boolean.Input(
            "flip_augmentation",
            default=False,
            optional=True,
            tooltip="Mirror half of the images. Not for normal maps, whose green or red would then be wrong.",
        ),
        io.Boolean.Input(
            "color_augmentation",
            default=False,
            optional=True,
            tooltip="Vary hue and gamma a little at every step. Not for data maps; needs cache_latents off.",
        ),
    ]


def _machine_inputs() -> list[io.Input]:
    return [
        io.Combo.Input(
            "attention",
            options=list(ATTENTIONS),
            default="sdpa",
            optional=True,
            advanced=True,
            tooltip="sdpa is PyTorch's own and always there; xformers needs its package.",
        ),
        io.Boolean.Input(
            "half_gradients",
            default=False,
            optional=True,
            advanced=True,
            tooltip="Keep the trained weights in half precision too (full fp16 or bf16). Saves memory, costs accuracy.",
        ),
        io.Int.Input(
            "workers",
            default=0,
            min=0,
            max=64,
            optional=True,
            advanced=True,
            tooltip="Processes that load images. 0 loads in the training process: enough with cached latents.",
        ),
        io.Int.Input(
            "threads",
            default=0,
            min=0,
            max=1024,
            optional=True,
            advanced=True,
            tooltip="CPU threads of each process; 0 leaves the choice to PyTorch.",
        ),
        io.Boolean.Input(
            "accelerate",
            default=False,
            optional=True,
            tooltip="Start through accelerate launch with your own configuration: for several GPUs or machines.",
        ),
        io.Combo.Input(
            "file_format",
            options=list(FILE_FORMATS),
            default=FILE_FORMATS[0],
            optional=True,
            advanced=True,
            tooltip="safetensors loads fast and cannot carry code. ckpt is for old tools.",
        ),
        io.Boolean.Input(
            "tensorboard",
            default=False,
            optional=True,
            advanced=True,
            tooltip="Write a TensorBoard log to output/training/<name>/logs. Needs the package tensorboard.",
        ),
    ]


def _installation_inputs() -> list[io.Input]:
    return [
        io.String.Input(
            "sd_scripts",
            default="",
            optional=True,
            advanced=True,
            tooltip="Folder of the checkout, among those you allowed. Empty takes SD_SCRIPTS_PATH, else the folder "
            "sd-scripts in or beside ComfyUI.",
        ),
        io.String.Input(
            "python",
            default="",
            optional=True,
            advanced=True,
            tooltip="Folder of its virtual environment, or of packages for ComfyUI's Python. Empty looks for venv "
            "and packages in the checkout.",
        ),
        io.String.Input(
            "arguments",
            default="",
            multiline=True,
            optional=True,
            tooltip="More arguments as on sd-scripts' command line, such as --scale_weight_norms 1. They are checked "
            "before the training starts.",
        ),
    ]


def kohya_options(inputs: dict[str, Any]) -> KohyaOptions:
    """The options of the inputs that only sd-scripts has."""
    return KohyaOptions(
        half_gradients=inputs.get("half_gradients", False),
        cache=inputs.get("cache_latents", CACHES[0]),
        buckets=inputs.get("buckets", True),
        flip=inputs.get("flip_augmentation", False),
        color_changes=inputs.get("color_augmentation", False),
        attention=inputs.get("attention", "sdpa"),
        workers=inputs.get("workers", 0),
        threads=inputs.get("threads", 0),
        file_format=inputs.get("file_format", FILE_FORMATS[0]),
        tensorboard=inputs.get("tensorboard", False),
    )


def checked_inputs(inputs: dict[str, Any], rank: int | None = None, alpha: float | None = None) -> bool | str:
    """Whether the widgets can be trained with, or a sentence about the first that cannot. Linked ones are None."""
    numbers = ("steps", "batch_size", "resolution", "seed", "epochs")
    try:
        check_name("name" if inputs.get("name") is None else inputs["name"], "name")
        whole = {name: inputs.get(name) for name in numbers}
        training_config({}, rank, alpha, inputs.get("learning_rate"), **whole)
        split_arguments(inputs.get("arguments") or "")
    except InputError as error:
        return str(error)
    return True


def configured(inputs: dict[str, Any], rank: int | None = None, alpha: float | None = None) -> TrainingConfig:
    """The configuration of a node's inputs and its connected option nodes."""
    options = {name: inputs.get(name) for name in ("network", "optimizer", "objective", "saving")}
    whole = ("steps", "batch_size", "resolution", "seed", "epochs", "precision", "gradient_checkpointing")
    return training_config(
        options, rank, alpha, inputs["learning_rate"], **{name: inputs[name] for name in whole if name in inputs}
    )
