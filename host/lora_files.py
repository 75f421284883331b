"""LoRA files of the host's folders: their contents, and which layers fit a model."""

import math
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import comfy.lora
import comfy.lora_convert
import comfy.sd
import folder_paths
import torch

from ..common.errors import InputError
from ..common.files import content_digest
from ..common.paths import is_inside
from ..common.untrusted_json import parse_untrusted_json
from ..evaluation.cells import match_loras, step_of
from .folders import model_file
from .protocols import Clip, Model, Patcher
from .training import model_kind
from .weight_files import read_weights, spoilt_tensors

_LEAST_SHARE = 0.5  # of a file's layers: kindred models share some, and a LoRA of another family is none

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
    """A line on layers of the file that the model lacks, "" if it has all. Raises `InputError` where it lacks most."""
    keys = comfy.lora.model_lora_keys_unet(model.model, {})
    keys = comfy.lora.model_lora_keys_clip(clip.cond_stage_model, keys) if clip is not None else keys
    patches = comfy.lora.load_lora(comfy.lora_convert.convert_lora(dict(lora.tensors)), keys, log_missing=False)
    shapes = {**_shapes(model), **(_shapes(clip.patcher) if clip is not None else {})}
    fitting = sum(_fits(patch, shapes.get(key if isinstance(key, str) else key[0])) for key, patch in patches.items())
    layers = len({key.split(".lora_")[0].split(".hada_")[0].split(".lokr_")[0] for key in lora.tensors
                  if not key.endswith((".alpha", ".dora_scale"))})  # fmt: skip
    if not fitting and not any(map(_OF_LORA.search, lora.tensors)):
        raise InputError(
            f"{lora.name} holds no layers of a LoRA, but such as {next(iter(lora.tensors))}. Choose a LoRA; a "
            "checkpoint belongs into models/checkpoints."
        )
    if fitting < _LEAST_SHARE * layers or not fitting:
        unknown = "" if patches else f" ComfyUI knows none of its names for it, such as {next(iter(lora.tensors))}."
        made_for = lora.metadata.get("ss_base_model_version") or lora.metadata.get("modelspec.architecture")
        origin = f" It says that it was made for {made_for}." if made_for else ""
        raise InputError(
            f"The LoRA {lora.name} is of another family than the model: {fitting} of its {layers} layers fit, and the "
            f"model is of the kind {model_kind(model)}.{origin}{unknown} Load the checkpoint that the LoRA was trained "
            "on, or choose LoRAs that were trained on this one."
        )
    lines = [f"{layers - fitting} of {layers} layers do not fit the model"] if fitting < layers else []
    return "\n".join(f"{lora.name}: {line}" for line in [*lines, *_passed_over(lora)])


def _passed_over(lora: LoraFile) -> list[str]:
    """What the file holds of a LoRA's effect that ComfyUI leaves out without a word."""
    lines = []
    if magnitudes := sum("lora_magnitude_vector" in key for key in lora.tensors):
        lines.append(f"a DoRA of PEFT, whose {magnitudes} magnitudes ComfyUI passes over: painted as a plain LoRA")
    told = _told_alpha(lora.metadata)
    if told and told[2] != 1 and not any(key.endswith(".alpha") for key in lora.tensors):
        lines.append(
            f"its alpha of {told[0]:g} at rank {told[1]:g} stands in its metadata alone, which ComfyUI passes over: it "
            f"paints as strongly as it was trained at a strength of {told[2]:.3g}"
        )
    return lines


def _told_alpha(metadata: Mapping[str, str]) -> tuple[float, float, float] | None:
    """(alpha, rank, scale) where the metadata of PEFT's and diffusers' trainers have one of each, as such or as JSON.

    The scale is alpha / rank, and of a rank-stabilised LoRA alpha / sqrt(rank).
    """
    told: dict[str, object] = dict(metadata)
    with suppress(InputError):
        inner = parse_untrusted_json(metadata.get("lora_adapter_metadata", "{}"))
        told |= inner if isinstance(inner, dict) else {}
    values = {}
    for kind in ("lora_alpha", "r"):
        numbers = {_number(value) for name, value in told.items() if name.split(".")[-1] == kind}
        values[kind] = numbers.pop() if len(numbers) == 1 else 0.0
    if not all(values.values()):
        return None
    is_stabilised = any(name.split(".")[-1] == "use_rslora" and str(told[name]).lower() == "true" for name in told)
    alpha, rank = values["lora_alpha"], values["r"]
    return alpha, rank, alpha / (math.sqrt(rank) if is_stabilised else rank)


def _number(value: object) -> float:
    """A finite number above 0, else 0."""
    try:
        number = float(str(value))
    except ValueError:
        return 0.0
    return number if 0 < number < float("inf") else 0.0


def _shapes(patcher: Patcher) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in patcher.model_state_dict().items()}


def _fits(patch: Any, shape: torch.Size | None) -> bool:
    """Whether a patch has the size of the weight it is for; of kinds other than plain LoRA that is not looked at."""
    if shape is None:
        return False
    if getattr(patch, "name", "") != "lora":
        return True
    up, down = patch.weights[:2]
    joined = up.shape[1] == down.shape[0]  # ComfyUI leaves a layer out whose halves differ in rank, and only logs it
    return joined and up.shape[0] == shape[0] and down.flatten(1).shape[1] in (shape[1], shape[1:].numel())


def with_lora_file(model: Model, clip: Clip, lora: LoraFile, strength: float) -> tuple[Model, Clip]:
    """MODEL and CLIP with a LoRA at one strength for both, exactly as Load LoRA gives them."""
    if strength == 0:
        return model, clip
    metadata = dict(lora.metadata) or None
    return comfy.sd.load_lora_for_models(model, clip, dict(lora.tensors), strength, strength, lora_metadata=metadata)


def changes_text(clip: Clip, patched: Clip) -> bool:
    """Whether a LoRA patched the text encoder."""
    return sum(map(len, patched.patcher.patches.values())) != sum(map(len, clip.patcher.patches.values()))
