"""Which script trains what, for which family."""

from dataclasses import dataclass

from .base_checkpoint import FAMILIES, SD2, SD2_V, SDXL

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
