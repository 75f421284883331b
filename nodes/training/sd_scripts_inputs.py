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
from ..sockets import NONE, FileCombo, TextureDatasetSocket
from .run_inputs import name_input, option_inputs, rate_inputs, run_config, size_inputs
from .widgets import widget, widgets


def what_inputs(written: str) -> list[io.Input]:
    """Dataset, checkpoint, name and sizes; `written` says where the file goes."""
    return [
        TextureDatasetSocket.Input("dataset", tooltip="The images to learn, with their captions."),
        FileCombo(
            "checkpoint",
            options=[*folder_paths.get_filename_list("checkpoints"), NONE],
            tooltip="The base model, read by sd-scripts itself. Its family chooses the script. Set it to none for "
            "a flow model, which is chosen in diffusion_model.",
        ),
        name_input(written),
        *size_inputs("512 for SD1, 768 for SD2 v-prediction, 1024 for SDXL and flow models"),
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
            tooltip="Auto reads it off the model's weights. SDXL and each flow model have scripts of their own. "
            "(kohya: v2, v_parameterization, model_type)",
        ),
        _file_input(
            "vae",
            "vae",
            "A VAE in place of the checkpoint's own, such as one that bears float16 for SDXL. Flow models need theirs: "
            "Flux.1, Chroma and Lumina 2 ae.safetensors, Anima that of Qwen-Image. (kohya: vae, ae)",
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
        *_flow_inputs(),
    ]


def _flow_inputs() -> list[io.Input]:
    which = "Flux.1: CLIP-L and T5-XXL; Chroma: T5-XXL; SD3: CLIP-L, CLIP-G and T5-XXL; Lumina 2: Gemma 2; Anima: Qwen3"
    tooltips = {
        "text_encoder": f"A flow model's text encoders, in any order. {which}. (kohya: clip_l, clip_g, t5xxl, gemma2, "
        "qwen3)",
        "text_encoder_2": "The second text encoder, for Flux.1 and SD3.",
        "text_encoder_3": "The third text encoder, for SD3.",
    }
    return [
        _file_input(
            "diffusion_model",
            "diffusion_models",
            "The transformer of a flow model (Flux.1, Chroma, SD3, Lumina 2, Anima) in place of the checkpoint.",
        ),
        *(_file_input(name, "text_encoders", tooltip) for name, tooltip in tooltips.items()),
    ]


def _file_input(name: str, folder: str, tooltip: str) -> io.Input:
    """A choice among the host's files of a kind, or none."""
    files = [NONE, *folder_paths.get_filename_list(folder)]
    return FileCombo(name, options=files, default=NONE, optional=True, advanced=True, tooltip=tooltip)


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
    diffusion_model: str = NONE,
    text_encoder: str = NONE,
    text_encoder_2: str = NONE,
    text_encoder_3: str = NONE,
    **settings: Any,
) -> ScriptOrder:
    """What a node's inputs ask of sd-scripts; `own` are the arguments of one kind of training."""
    return ScriptOrder(
        task,
        dataset,
        _chosen(checkpoint),
        name,
        run_config(settings, network, optimizer, objective, saving),
        configured(KohyaOptions, settings),
        family=family,
        vae=_chosen(vae),
        accelerate=accelerate,
        sd_scripts=sd_scripts,
        python=python,
        arguments=arguments,
        own=own or {},
        conditioning=conditioning,
        diffusion_model=_chosen(diffusion_model),
        text_encoders=tuple(filter(None, map(_chosen, (text_encoder, text_encoder_2, text_encoder_3)))),
    )


def _chosen(name: str) -> str:
    return "" if name == NONE else name
