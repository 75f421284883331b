"""Files of the host's model folders: which family a checkpoint is of, whether a file is the same, whether it loads."""

from pathlib import Path
from typing import Any

import comfy.supported_models
import comfy.utils
import torch
from comfy.model_base import ModelType

from ...common.errors import InputError
from ...sd_scripts.flow_models import FLOW_MODELS
from ...sd_scripts.start_file import check_start
from ...sd_scripts.tasks import AUTO, LORA, SD1, SD2, SD2_V, SDXL, TEXTUAL_INVERSION, Job
from ...training.config import TrainingConfig
from .. import folders
from ..in_graph.model import starting_weights
from .flow_files import known_flow, read_header, script_family

TEXT_ENCODERS = {  # one of its weights -> the family, and the host's class for it
    "conditioner.embedders.1.model.ln_final.weight": (SDXL, comfy.supported_models.SDXL),
    "cond_stage_model.model.ln_final.weight": (SD2, comfy.supported_models.SD20),
    "cond_stage_model.transformer.text_model.final_layer_norm.weight": (SD1, comfy.supported_models.SD15),
}
_UNET = "model.diffusion_model."


def checkpoint_family(file: Path, chosen: str) -> str:
    """One of `FAMILIES`: as `chosen`, or for "auto" as the file says. Raises `InputError` for another kind of file."""
    if chosen != AUTO:
        return chosen
    if file.suffix.lower() not in (".safetensors", ".sft"):
        raise InputError(
            f"{file.name} is not a safetensors file, so what it holds cannot be read beforehand. Choose its family "
            "instead of auto."
        )
    return _read_family(file)


def _read_family(file: Path) -> str:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt") as opened:
            weights = _Weights(opened)
            found = next((found for name, found in TEXT_ENCODERS.items() if name in weights), None)
            prediction = _prediction(found[1], weights) if found else ModelType.EPS
    except (SafetensorError, OSError) as error:
        raise InputError(f"{file} cannot be read ({error}). Download or copy the checkpoint again.") from None
    if found is None:
        if flow := known_flow(read_header(file)):
            return script_family(file, flow)
        raise InputError(
            f"{file.name} is not a checkpoint of Stable Diffusion 1, 2 or SDXL with its text encoder, nor a flow model "
            f"that sd-scripts trains ({', '.join(FLOW_MODELS)}). Choose one of these, or set "
            "family by hand if you know it."
        )
    if found[0] == SDXL and prediction != ModelType.EPS:
        raise InputError(
            f"{file.name} is an SDXL checkpoint that does not predict noise ({prediction.name}), and sd-scripts would "
            "train it as if it did. Use Train Texture LoRA, or choose another checkpoint."
        )
    return SD2_V if found[0] == SD2 and prediction == ModelType.V_PREDICTION else found[0]


def _prediction(kind: type, weights: "_Weights") -> ModelType:
    """What the UNet predicts, by the rules of the host."""
    first = f"{_UNET}input_blocks.0.0.weight"
    channels = weights[first].shape[1] if first in weights else 4
    return kind({"in_channels": channels}).model_type(weights, _UNET)


class _Weights:
    """An open safetensors file as the mapping that the host's rules ask."""

    def __init__(self, opened: Any) -> None:
        self.opened, self.names = opened, set(opened.keys())

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> torch.Tensor:
        return self.opened.get_tensor(name).float()

    def get(self, name: str, default: torch.Tensor | None = None) -> torch.Tensor | None:
        return self[name] if name in self else default


def file_stamp(file: Path) -> tuple[int, int]:
    """Size and time of change, by which a file is taken to be the same."""
    facts = file.stat()
    return facts.st_size, facts.st_mtime_ns


def lora_to_start_from(job: Job, config: TrainingConfig) -> Path | None:
    """The file that a LoRA goes on from, if one is chosen. Raises `InputError` for one that sd-scripts cannot use."""
    name = config.network.start_from
    if not name or job.task != LORA:
        return None
    weights = starting_weights(config) or {}
    check_start(name, {key: tuple(value.shape) for key, value in weights.items()}, job.family, config.network)
    return folders.model_file("loras", name, "start_from")


def loaded_weights(path: Path, job: Job) -> dict[str, Any]:
    """The weights of a small file; of a large one only the proof that it can be read."""
    from safetensors import SafetensorError, safe_open

    try:
        if job.task in (LORA, TEXTUAL_INVERSION) or path.suffix != ".safetensors":
            state = comfy.utils.load_torch_file(str(path), safe_load=True)
            return state if job.task == LORA else {}
        with safe_open(path, "pt") as weights:
            weights.get_tensor(next(iter(weights.keys())))
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{path} was written but does not load ({error}). Look into its log.") from None
    return {}
