"""What differs from task to task: which script trains it, for which family of models, and the arguments that tell the
script what is trained and how fast."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..common.errors import InputError
from ..common.texture_dataset import TextureDataset
from ..training.config import NetworkConfig, TrainingConfig
from ..training.metadata import PLAIN_LORA, network_module
from .flow_models import FLOW_MODELS, FlowFacts, FlowModel, flow_network

SD1, SD2, SD2_V, SDXL = "SD1", "SD2", "SD2 v-prediction", "SDXL"
FAMILIES = [SD1, SD2, SD2_V, SDXL, *FLOW_MODELS]
AUTO = "auto"

LORA = "LoRA"
DREAMBOOTH = "DreamBooth"
FINE_TUNE = "fine-tune"
TEXTUAL_INVERSION = "textual inversion"
CONTROLNET = "ControlNet"

_SD_SCRIPTS = {
    LORA: "train_network.py",
    DREAMBOOTH: "train_db.py",
    FINE_TUNE: "fine_tune.py",
    TEXTUAL_INVERSION: "train_textual_inversion.py",
    CONTROLNET: "train_control_net.py",
}
_SDXL_SCRIPTS = {
    LORA: "sdxl_train_network.py",
    DREAMBOOTH: "sdxl_train.py",
    FINE_TUNE: "sdxl_train.py",
    TEXTUAL_INVERSION: "sdxl_train_textual_inversion.py",
    CONTROLNET: "sdxl_train_control_net.py",
}
_WHOLE = (DREAMBOOTH, FINE_TUNE)
_FOLDERS = {LORA: "loras", TEXTUAL_INVERSION: "embeddings", CONTROLNET: "controlnet"}

_NAMED = 5  # images in a message
TEMPLATES = {"captions": None, "object": "use_object_template", "style": "use_style_template"}


@dataclass(frozen=True)
class Job:
    """What is trained (`LORA`, `DREAMBOOTH`, ...), on a model of which family; facts are of a flow model.

    Raises `InputError` for a task that sd-scripts has no script for.
    """

    task: str
    family: str
    facts: FlowFacts = field(default=FlowFacts(), compare=False)

    def __post_init__(self) -> None:
        assert self.task in _SD_SCRIPTS and self.family in FAMILIES
        if self.flow and self.task != LORA and (self.task not in _WHOLE or not self.flow.whole_model):
            others = f"{DREAMBOOTH}, {FINE_TUNE} or a LoRA" if self.flow.whole_model else "a LoRA"
            raise InputError(f"sd-scripts has no {self.task} training for {self.family}. It has {others}.")

    @property
    def flow(self) -> FlowModel | None:
        """How sd-scripts trains the family, None for Stable Diffusion 1, 2 and SDXL."""
        return FLOW_MODELS.get(self.family)

    @property
    def script(self) -> str:
        """The script's file name. SDXL has its own for everything; the others would load it and train nonsense."""
        if self.flow:
            return self.flow.lora_script if self.task == LORA else self.flow.model_script
        return (_SDXL_SCRIPTS if self.family == SDXL else _SD_SCRIPTS)[self.task]

    @property
    def folder(self) -> str:
        """The folder below ComfyUI's output for what comes out, by the name of the host's model folders."""
        return _FOLDERS.get(self.task, self.flow.saved_as if self.flow else "checkpoints")

    @property
    def takes_ckpt(self) -> bool:
        """Whether its result may be a pickle file."""
        return self.task == LORA or (self.task != CONTROLNET and not self.flow)

    @property
    def resumes(self) -> bool:
        """Whether the script restores its step count from a state. The others would start from 0."""
        return self.task == LORA

    @property
    def knows_regularisation(self) -> bool:
        """Whether it can tell images of the class from those of the subject."""
        return self.task not in (FINE_TUNE, CONTROLNET)

    @property
    def reads_metadata_file(self) -> bool:
        """Whether captions are in one JSON file instead of a text file beside each image."""
        return self.script == "fine_tune.py"

    def model_settings(self) -> dict[str, bool]:
        """The arguments that tell SD1, SD2 and its v-prediction apart."""
        flags = {"v2": self.family in (SD2, SD2_V), "v_parameterization": self.family == SD2_V}
        return {name: True for name, holds in flags.items() if holds}


def task_settings(task: str, inputs: Mapping[str, Any], has_conditioning: bool) -> dict[str, Any]:
    """The arguments that belong to one kind of training. Raises `InputError` for what is missing."""
    if task == CONTROLNET and not has_conditioning:
        raise InputError(
            "A ControlNet is trained to follow a map, but nothing is connected to conditioning. Connect a dataset of "
            "the same materials with that map, such as their heights."
        )
    if task == DREAMBOOTH:
        return {"no_token_padding": True} if inputs.get("no_token_padding") else {}
    return _textual_inversion(inputs) if task == TEXTUAL_INVERSION else {}


def captions_without_token(own: Mapping[str, Any], dataset: TextureDataset) -> list[str]:
    """The images that a textual inversion by captions learns nothing from, as lines for a report; [] for other tasks.

    Raises `InputError` where no caption holds the token.
    """
    token = own.get("token_string")
    if token is None or any(own.get(template) for template in TEMPLATES.values() if template):
        return []
    learnt = [one for one in dataset.samples if not one.regularisation]
    without = [one for one in learnt if token not in one.caption]
    if len(without) == len(learnt):
        raise InputError(
            f"No caption holds the token {token!r}, so there is nothing to learn. Put it into the captions with "
            "Caption Template (its trigger), or set template to object or style."
        )
    names = ", ".join(one.file.name for one in without[:_NAMED]) + (", …" if len(without) > _NAMED else "")
    counted = f"{len(without)} of {len(learnt)} captions, of {names}"
    return [f"without the token {token!r}, so that they teach it nothing: {counted}"] if without else []


def _textual_inversion(inputs: Mapping[str, Any]) -> dict[str, Any]:
    token, start = inputs["token"].strip(), inputs["init_word"].strip()
    if not token or not start or " " in token:
        raise InputError(
            f"token is {token!r} and init_word is {start!r}. Give one new word without spaces, and a known word to "
            "start from."
        )
    if inputs["template"] not in TEMPLATES:  # the host does not check the choices of a dynamic combo
        raise InputError(f"template is {inputs['template']!r}. Choose one of {', '.join(TEMPLATES)}.")
    template = TEMPLATES[inputs["template"]]
    settings = {"token_string": token, "init_word": start, "num_vectors_per_token": inputs["vectors"]}
    return settings | ({template: True} if template else {})


def network_settings(job: Job, config: TrainingConfig) -> dict[str, Any]:
    """Which part of the model is trained: the LoRA, or for the other scripts whether the text encoder is."""
    network = config.network
    if job.script != "train_db.py":
        _check_text_encoder_until(job, network, config.objective.text_encoder_until)
    if job.task == LORA:
        return _lora(job, network)
    if job.flow:
        return {}
    if job.task == FINE_TUNE or job.script == "sdxl_train.py":
        return {"train_text_encoder": network.text_encoder}
    if job.task == DREAMBOOTH:
        return {"stop_text_encoder_training": _text_encoder_steps(config)}
    return {}


def learning_rates(job: Job, config: TrainingConfig) -> dict[str, Any]:
    """The learning rates, that of the text encoder only where it is trained."""
    rate = config.optimizer.learning_rate
    text_rate = config.optimizer.text_rate
    settings: dict[str, Any] = {"learning_rate": rate}
    if not config.network.text_encoder or job.task in (TEXTUAL_INVERSION, CONTROLNET):
        by_job = {"unet_lr": rate} if job.task == LORA else {}
    elif job.task == LORA:
        by_job = {"unet_lr": rate, "text_encoder_lr": [text_rate]}
    elif job.family == SDXL:
        by_job = {"learning_rate_te1": text_rate, "learning_rate_te2": text_rate}
    else:
        by_job = {"learning_rate_te": text_rate}
    if job.script == "sdxl_train_control_net.py":
        by_job = {"control_net_lr": rate}
    return settings | by_job


def _lora(job: Job, network: NetworkConfig) -> dict[str, Any]:
    if job.flow:
        return _sizes(network, flow_network(job.family, network), [])
    module, own = network_module(network)
    arguments = [f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in own.items()]
    if module != PLAIN_LORA:
        arguments.insert(0, "preset=full" if network.conv_rank else "preset=attn-mlp")
    arguments += _blocks(job, network, module)
    return _sizes(network, module, arguments)


def _sizes(network: NetworkConfig, module: str, arguments: list[str]) -> dict[str, Any]:
    return {
        "network_module": module,
        "network_dim": network.rank,
        "network_alpha": network.alpha,
        "network_dropout": network.dropout or None,
        "network_args": arguments or None,
        "network_train_unet_only": not network.text_encoder,
    }


def _blocks(job: Job, network: NetworkConfig, module: str) -> list[str]:
    """Blocks whose rate is 0 get no LoRA."""
    if network.blocks == "all":
        return []
    if network.blocks not in ("up", "middle and up") or module != PLAIN_LORA:
        raise InputError(
            f"blocks is {network.blocks!r} and kind is {network.kind!r}, which sd-scripts cannot combine. It trains "
            "all blocks, or for plain LoRA also 'up' and 'middle and up'. Train Texture LoRA can do the others."
        )
    downs, middles = (9, 3) if job.family == SDXL else (12, 1)
    down = f"down_lr_weight={','.join(['0'] * downs)}"
    return [down] if network.blocks == "middle and up" else [down, f"mid_lr_weight={','.join(['0'] * middles)}"]


def _check_text_encoder_until(job: Job, network: NetworkConfig, until: float) -> None:
    if network.text_encoder and until < 1:
        raise InputError(
            f"stop_text_encoder_training (text_encoder_until) is below 1, but {job.script} trains the text encoder "
            "to the end or not at all. Set it to 1, or switch text_encoder off."
        )


def _text_encoder_steps(config: TrainingConfig) -> int | None:
    """train_db.py's stop_text_encoder_training: None trains the text encoder to the end, -1 never."""
    until = config.objective.text_encoder_until
    if not config.network.text_encoder or until == 0:
        return -1
    if until == 1:
        return None
    if config.epochs:
        raise InputError(
            "stop_text_encoder_training (text_encoder_until) is below 1 and the run is counted in epochs, of which "
            "sd-scripts knows the steps only when it runs. Set epochs to 0 and give steps."
        )
    return max(1, round(until * config.steps))
