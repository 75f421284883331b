"""The inputs that the nodes for sd-scripts share."""

from collections.abc import Mapping
from typing import Any

import folder_paths
from comfy_api.latest import io

from ...common.texture_dataset import TextureDataset
from ...host.sd_scripts.order import ScriptOrder
from ...sd_scripts.settings import KohyaOptions
from ...sd_scripts.tasks import AUTO, FAMILIES
from ...training.config import NetworkConfig, ObjectiveConfig, OptimizerConfig, SavingConfig
from ...training.settings import configured
from ..sockets import TextureDatasetSocket
from .run_inputs import name_input, option_inputs, rate_inputs, run_config, size_inputs
from .widgets import NONE, widget, widgets


def what_inputs(written: str) -> list[io.Input]:
    """Dataset, checkpoint, name and sizes; `written` says where the file goes."""
    return [
        TextureDatasetSocket.Input("dataset", tooltip="The images to learn, with their captions."),
        io.Combo.Input(
            "checkpoint",
            options=folder_paths.get_filename_list("checkpoints"),
            tooltip="The base model, read by sd-scripts itself. Its family chooses the script.",
        ),
        name_input(written),
        *size_inputs("512 for SD1, 768 for SD2 v-prediction, 1024 for SDXL"),
    ]


def course_inputs(rate: float, rates: str = "") -> list[io.Input]:
    """Learning rate, `rate` if nothing is said (`rates` says more), seed, and `option_inputs`."""
    return [
        *rate_inputs(rate, "sd-scripts takes its last 32 bits.", rates),
        *option_inputs("With accelerate it is what you configured there."),
    ]


def script_inputs() -> list[io.Input]:
    """What only sd-scripts has, and where it is."""
    files = ["file_format", "tensorboard"]
    return [
        io.Combo.Input(
            "family",
            advanced=True,
            options=[AUTO, *FAMILIES],
            default=AUTO,
            optional=True,
            tooltip="Auto reads it off the checkpoint's weights. SDXL has scripts of its own. (kohya: v2, "
            "v_parameterization)",
        ),
        io.Combo.Input(
            "vae",
            options=[NONE, *folder_paths.get_filename_list("vae")],
            default=NONE,
            optional=True,
            advanced=True,
            tooltip="A VAE in place of the checkpoint's own, such as one that bears float16 for SDXL.",
        ),
        *widgets(KohyaOptions, leave_out=files),
        io.Boolean.Input(
            "accelerate",
            advanced=True,
            default=False,
            optional=True,
            tooltip="Start through accelerate launch with your own configuration: for several GPUs or machines.",
        ),
        *(widget(KohyaOptions, name) for name in files),
        *_installation_inputs(),
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
            advanced=True,
            default="",
            multiline=True,
            optional=True,
            tooltip="More arguments as on sd-scripts' command line, such as --scale_weight_norms 1. They are checked "
            "before the training starts.",
        ),
    ]


def script_order(
    task: str,
    dataset: TextureDataset,
    checkpoint: str,
    name: str,
    network: NetworkConfig | None = None,
    optimizer: OptimizerConfig | None = None,
    objective: ObjectiveConfig | None = None,
    saving: SavingConfig | None = None,
    family: str = AUTO,
    vae: str = NONE,
    accelerate: bool = False,
    sd_scripts: str = "",
    python: str = "",
    arguments: str = "",
    own: Mapping[str, Any] | None = None,
    conditioning: TextureDataset | None = None,
    **settings: Any,
) -> ScriptOrder:
    """What a node's inputs ask of sd-scripts; `own` are the arguments of one kind of training."""
    return ScriptOrder(
        task,
        dataset,
        checkpoint,
        name,
        run_config(settings, network, optimizer, objective, saving),
        configured(KohyaOptions, settings),
        family=family,
        vae="" if vae == NONE else vae,
        accelerate=accelerate,
        sd_scripts=sd_scripts,
        python=python,
        arguments=arguments,
        own=own or {},
        conditioning=conditioning,
    )
