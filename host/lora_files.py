"""LoRA files of the host's folders: their contents, and which layers fit a model."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import comfy.sd
import folder_paths
import torch

from ..common.errors import InputError
from ..common.files import content_digest
from ..common.paths import is_inside
from ..evaluation.cells import match_loras, step_of
from .folders import model_file
from .lora_patches import Tried, try_patches
from .lora_remainders import check_plain, passed_over
from .protocols import Clip, Model
from .training import model_kind
from .weight_files import read_weights, spoilt_tensors

_LEAST_SHARE = 0.5  # of a file's layers: kindred models share some, and a LoRA of another family is none

_PEFT = "base_model.model."

_OF_LORA = re.compile(r"lora|hada_|lokr_|oft_|\.diff(_b)?$|\.a1\.")  # in the names of the layers of every kind


@dataclass(frozen=True)
class LoraFile:
    """A file as ComfyUI lists it, its tensors, what it says of itself, and its steps if it says so."""

    name: str
    tensors: Mapping[str, torch.Tensor]
    metadata: Mapping[str, str]

    @property
    def step(self) -> int | None:
        return step_of(self.name, self.metadata)


def named_loras(text: str) -> list[str]:
    """Names of LoRA files for lines that are files, patterns, runs, or whole paths, as Train Texture LoRA gives them.

    Raises `InputError` for a line that means none.
    """
    folders = [Path(folder) for folder in folder_paths.get_folder_paths("loras")]
    lines = [_name_of_path(line.strip(), folders) for line in text.splitlines()]
    return match_loras("\n".join(lines), folder_paths.get_filename_list("loras"))


def _name_of_path(line: str, folders: list[Path]) -> str:
    path = Path(line)
    if line and path.is_absolute():
        inside = next((folder for folder in folders if is_inside(path, folder)), None)
        return line if inside is None else os.path.relpath(os.path.realpath(path), os.path.realpath(inside))
    return line


def files_state(names: Iterable[str]) -> list[tuple[str, int, int]]:
    """Name, size and time of change of each file: what tells that a run must be repeated."""
    states = [(name, model_file("loras", name, "loras").stat()) for name in names]
    return [(name, state.st_size, state.st_mtime_ns) for name, state in states]


def read_lora(name: str) -> LoraFile:
    """Read a file of the LoRA folders. Raises `InputError` for one that cannot be read."""
    return LoraFile(name, *read_weights(model_file("loras", name, "loras"), f"The LoRA {name}"))


def lora_step(name: str) -> int | None:
    """Steps of a file by its header alone, where it has one."""
    path = model_file("loras", name, "loras")
    return step_of(name, _header(path))


def _header(path: Path) -> dict[str, str]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError):
        return {}


def lora_digest(name: str) -> str:
    """Of the file's bytes."""
    path = model_file("loras", name, "loras")
    status = path.stat()
    return _file_digest(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=512)
def _file_digest(path: Path, _size: int, _changed: int) -> str:
    return content_digest(path)


def check_values(lora: LoraFile) -> str:
    """A line on tensors that hold no numbers, "" if there are none. Raises `InputError` for a LoRA of rank 0."""
    values = [value for key, value in lora.tensors.items() if not key.endswith(".alpha")]
    if values and not any(value.numel() for value in values):
        raise InputError(f"The LoRA {lora.name} is empty: its layers have rank 0. Train it with a rank of 1 or more.")
    spoilt = spoilt_tensors(lora.tensors)
    if not spoilt:
        return ""
    return (
        f"{lora.name}: {spoilt} of its {len(lora.tensors)} tensors hold NaN or infinite values: its training diverged"
    )


def check_fit(model: Model, clip: Clip, lora: LoraFile) -> str:
    """Lines on what of the file has no effect, "" if all has. Raises `InputError` where the model lacks most of its
    layers, or ComfyUI would paint something else than it holds."""
    what = f"The LoRA {lora.name}"
    check_plain(lora.tensors, what)
    tried = try_patches(model, clip, lora.tensors, what)
    fitting, layers = len(tried.fitting), len(tried.layers)
    if not fitting and not any(map(_OF_LORA.search, lora.tensors)):
        raise InputError(
            f"{lora.name} holds no layers of a LoRA, but such as {next(iter(lora.tensors))}. Choose a LoRA; a "
            "checkpoint belongs into models/checkpoints."
        )
    if fitting < _LEAST_SHARE * layers or not fitting:
        raise InputError(_unfit(lora, tried, model_kind(model)))
    lines = [f"{layers - fitting} of {layers} layers do not fit the model"] if fitting < layers else []
    if tried.fitting <= tried.empty:
        lines.append("none of its layers changes anything, for their weights or alphas are zero")
    return "\n".join(f"{lora.name}: {line}" for line in [*lines, *passed_over(lora.tensors, lora.metadata, tried)])


def _unfit(lora: LoraFile, tried: Tried, kind: str) -> str:
    """Why a LoRA that was tried on a model of this kind cannot be used."""
    first = next(iter(lora.tensors))
    if first.startswith(_PEFT):
        return (
            f"The LoRA {lora.name} has the names of PEFT itself, such as {first}, which ComfyUI does not know for a "
            f"model of the kind {kind}. Save it as the trainer saves for ComfyUI, or convert it to the names of "
            "sd-scripts (lora_unet_…)."
        )
    said = f" ComfyUI says of one: {tried.complaint[:200]}." if tried.complaint else ""
    unknown = said if tried.own else f" ComfyUI knows none of its names for it, such as {first}."
    made_for = lora.metadata.get("ss_base_model_version") or lora.metadata.get("modelspec.architecture")
    origin = f" It says that it was made for {made_for}." if made_for else ""
    return (
        f"The LoRA {lora.name} is of another family than the model: {len(tried.fitting)} of its {len(tried.layers)} "
        f"layers fit, and the model is of the kind {kind}.{origin}{unknown} Load the checkpoint that the LoRA was "
        "trained on, or choose LoRAs that were trained on this one."
    )


def with_lora_file(model: Model, clip: Clip, lora: LoraFile, strength: float) -> tuple[Model, Clip]:
    """MODEL and CLIP with a LoRA at one strength for both, exactly as Load LoRA gives them."""
    if strength == 0:
        return model, clip
    metadata = dict(lora.metadata) or None
    return comfy.sd.load_lora_for_models(model, clip, dict(lora.tensors), strength, strength, lora_metadata=metadata)


def changes_text(clip: Clip, patched: Clip) -> bool:
    """Whether a LoRA patched the text encoder."""
    return sum(map(len, patched.patcher.patches.values())) != sum(map(len, clip.patcher.patches.values()))
