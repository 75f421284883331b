"""Which script trains what, for which family of Stable Diffusion. A checkpoint's weights tell its family."""

from dataclasses import dataclass
from pathlib import Path

from ..common.errors import InputError

SD1, SD2, SD2_V, SDXL = "SD1", "SD2", "SD2 v-prediction", "SDXL"
FAMILIES = [SD1, SD2, SD2_V, SDXL]
AUTO = "auto"

_MARKS = {  # a weight of its text encoder, by which ComfyUI tells them apart too
    "conditioner.embedders.1.model.ln_final.weight": SDXL,
    "cond_stage_model.model.ln_final.weight": SD2,
    "cond_stage_model.transformer.text_model.final_layer_norm.weight": SD1,
}
_SPREADS_IN_V = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"
_V_SPREAD = 0.09

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
_FOLDERS = {LORA: "loras", TEXTUAL_INVERSION: "embeddings", CONTROLNET: "controlnet"}


@dataclass(frozen=True)
class Job:
    """What is trained (`LORA`, `DREAMBOOTH`, ...), on a checkpoint of which family."""

    task: str
    family: str

    def __post_init__(self) -> None:
        assert self.task in _SD_SCRIPTS and self.family in FAMILIES

    @property
    def script(self) -> str:
        """The script's file name. SDXL has its own for everything; the others would load it and train nonsense."""
        return (_SDXL_SCRIPTS if self.family == SDXL else _SD_SCRIPTS)[self.task]

    @property
    def folder(self) -> str:
        """The folder below ComfyUI's output for what comes out, by the name of the host's model folders."""
        return _FOLDERS.get(self.task, "checkpoints")

    @property
    def resumes(self) -> bool:
        """Whether the script knows, from a state, how far it had come. The others would begin to count again."""
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
        told = {"v2": self.family in (SD2, SD2_V), "v_parameterization": self.family == SD2_V}
        return {name: True for name, holds in told.items() if holds}


def checkpoint_family(file: Path, told: str) -> str:
    """One of `FAMILIES`: as `told`, or for "auto" as the file says. Raises `InputError` for another kind of file."""
    if told != AUTO:
        return told
    if file.suffix.lower() not in (".safetensors", ".sft"):
        raise InputError(
            f"{file.name} is no safetensors file, so what it holds cannot be read beforehand. Choose its family "
            "instead of auto."
        )
    return _read_family(file)


def _read_family(file: Path) -> str:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt") as weights:
            names = set(weights.keys())
            family = next((family for mark, family in _MARKS.items() if mark in names), None)
            if family == SD2 and _SPREADS_IN_V in names:
                predicts_v = weights.get_tensor(_SPREADS_IN_V).float().std() > _V_SPREAD
                return SD2_V if predicts_v else SD2
    except (SafetensorError, OSError) as error:
        raise InputError(f"{file} cannot be read ({error}). Download or copy the checkpoint again.") from None
    if family is None:
        raise InputError(
            f"{file.name} is no checkpoint of Stable Diffusion 1, 2 or SDXL with its text encoder, which these scripts "
            "train. Choose such a checkpoint, or its family if you know that it is one."
        )
    return family
