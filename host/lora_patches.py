"""What ComfyUI makes of a LoRA's tensors for a model: each patch is tried, on a weight with a size but no values."""

import logging
import re
import threading
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import comfy.lora
import comfy.lora_convert
import torch

from ..common.errors import InputError
from .protocols import Clip, Model, Patcher

Place = str | tuple
"""The name of a weight; or (name, (dimension, start, length), ...), a part of one, as diffusers splits q, k and v."""

EMBEDDINGS = "bundle_emb."  # what trainers put beside the layers of a LoRA that was trained with embeddings

_MAGNITUDES = {"lora": 4, "loha": 7, "lokr": 8, "glora": 5, "oft": 3, "boft": 3}  # where a patch has its dora_scale
_CONSTRAINTS = ("oft", "boft")  # whose alpha is one, which asks for the values
_NO_WEIGHT = "the model has no such weight"
_HALVES = (".lora_down.weight", ".lora_A.weight", ".lora.down.weight")
_ENDINGS = re.compile(
    r"\.lora|_lora\.|\.hada_|\.lokr_|\.oft_|\.[ab][12]\.|\.dora_scale|\.diff|\.[wb]_norm|\.set_weight|\.rescale|\.scalar"
)


@dataclass(frozen=True)
class Tried:
    """layers: places, and the names of layers that the model does not have. fitting: those that ComfyUI patches, empty:
    those whose patch changes nothing. own: the names of those patched. left: tensors that no patch holds. complaint:
    what ComfyUI says of the first layer that does not fit."""

    layers: frozenset[Place]
    fitting: frozenset[Place]
    empty: frozenset[Place]
    own: frozenset[str]
    left: tuple[str, ...]
    complaint: str


def try_patches(model: Model, clip: Clip | None, tensors: Mapping[str, torch.Tensor], what: str) -> Tried:
    """What becomes of a LoRA on `model` and `clip`. Raises `InputError` for one that ComfyUI stops at, or makes other
    weights of than those that were trained; `what` names it, as "The LoRA walls.safetensors"."""
    keys: dict[str, Place] = comfy.lora.model_lora_keys_unet(model.model, {})
    keys = comfy.lora.model_lora_keys_clip(clip.cond_stage_model, keys) if clip is not None else keys
    shapes = {**_shapes(model), **(_shapes(clip.patcher) if clip is not None else {})}
    given = comfy.lora_convert.convert_lora(dict(tensors))
    try:
        patches: dict[Place, Any] = comfy.lora.load_lora(given, keys, log_missing=False)
    except KeyError as missing:
        raise InputError(_half(what, f"{missing.args[0]} is missing")) from None
    layers_of = {name: layer_of(name, keys) for name in given if _is_of_a_layer(name)}
    for name, layer in layers_of.items():
        if layer and keys[layer] not in patches and name.endswith(_HALVES):
            raise InputError(_half(what, f"{name} stands alone"))
    weights = frozenset(keys.values())
    owners = {place: _weight_of(place, weights) for place in patches}
    complaints = [(owners[place], _complaint(place, patch, shapes, what)) for place, patch in patches.items()]
    unfit = {weight: complaint for weight, complaint in complaints if complaint}
    empty = {place for place, patch in patches.items() if _is_empty(patch)}
    filled = {owners[place] for place in patches.keys() - empty}
    held = {id(value) for patch in patches.values() for value in _tensors_of(patch)}
    return Tried(
        frozenset(_weight_of(keys[layer], weights) if layer else _beginning(name) for name, layer in layers_of.items()),
        frozenset(owners.values()) - unfit.keys(),
        frozenset(owners[place] for place in empty) - filled,
        frozenset(
            layer for layer in layers_of.values() if layer and _weight_of(keys[layer], weights) in owners.values()
        ),
        tuple(name for name in layers_of if id(given[name]) not in held and not name.endswith(".reshape_weight")),
        next((complaint for complaint in unfit.values() if complaint != _NO_WEIGHT), ""),
    )


def layer_of(name: str, layers: Container[str]) -> str:
    """Which of these layers a tensor is of, by the beginning of its name; "" for none."""
    parts = name.split(".")
    beginnings = [".".join(parts[:count]).removesuffix("_lora") for count in range(1, len(parts))]
    return next((beginning for beginning in reversed(beginnings) if beginning in layers), "")


def _is_of_a_layer(name: str) -> bool:
    return not name.endswith(".alpha") and not name.startswith(EMBEDDINGS)


def _beginning(name: str) -> str:
    return _ENDINGS.split(name)[0]


def _half(what: str, missing: str) -> str:
    return (
        f"{what} holds half a layer: {missing}. It was written or converted only in part; have it written again, or "
        "choose another file."
    )


def _weight_of(place: Place, weights: Container[Place]) -> Place:
    """Of a bias the weight beside it, whose layer both are."""
    weight = f"{place.removesuffix('.bias')}.weight" if isinstance(place, str) and place.endswith(".bias") else place
    return weight if weight in weights else place


def _shapes(patcher: Patcher) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in patcher.model_state_dict().items()}


def _tensors_of(patch: Any) -> list[torch.Tensor]:
    held = patch[1] if isinstance(patch, tuple) else patch.weights
    return [value for value in held if isinstance(value, torch.Tensor)]


def _complaint(place: Place, patch: Any, shapes: Mapping[str, torch.Size], what: str) -> str:
    """What ComfyUI logs where it leaves the patch out, "" where it patches a weight of the model with it."""
    key, *part = (place, None) if isinstance(place, str) else place
    if key not in shapes:
        return _NO_WEIGHT
    weight = torch.empty(shapes[key], device="meta")
    _check_magnitudes(patch, _part(weight, part[0]), f"{what} at {key}")
    if getattr(patch, "name", "") in _CONSTRAINTS and patch.weights[2] is not None:
        patch = type(patch)(patch.loaded_keys, (*patch.weights[:2], 0.0, *patch.weights[3:]))
    with _complaints() as complaints:
        try:
            patched = comfy.lora.calculate_weight([(1.0, patch, 1.0, *part, *[None] * (2 - len(part)))], weight, key)
        except Exception as error:  # the arithmetic of any kind of LoRA
            raise InputError(
                f"{what} holds a layer for {key} that ComfyUI stops at ({error}): its tensors do not belong together. "
                "Have it written again, or choose another file."
            ) from None
    if patched.shape != shapes[key]:
        raise InputError(
            f"{what} widens {key} of the model from {list(shapes[key])} to {list(patched.shape)}, as LoRAs do that "
            "paint after a second picture (edges, depth, what to fill). Here none is given, so it would paint without "
            "it. Use it with Load LoRA and InstructPixToPixConditioning, and choose another one here."
        )
    return complaints[0] if complaints else ""


def _part(weight: torch.Tensor, part: tuple[int, int, int] | None) -> torch.Size:
    return (weight.narrow(*part) if part and part[1] + part[2] <= weight.shape[part[0]] else weight).shape


def _check_magnitudes(patch: Any, shape: torch.Size, what: str) -> None:
    """Raise `InputError` for a DoRA's magnitudes that are not one for each row or column of a weight of this shape."""
    magnitudes = patch.weights[_MAGNITUDES[patch.name]] if getattr(patch, "name", "") in _MAGNITUDES else None
    if magnitudes is None or magnitudes.numel() == 1 or len(shape) < 2:
        return
    rows, columns = [(1,) * axis + (size,) + (1,) * (len(shape) - 1 - axis) for axis, size in enumerate(shape[:2])]
    if tuple(magnitudes.shape) not in (rows, columns):
        raise InputError(
            f"{what} holds the magnitudes of a DoRA in the shape {list(magnitudes.shape)}, where ComfyUI takes "
            f"{list(rows)} or {list(columns)}, and would paint something else. Convert it to the format of LyCORIS, or "
            "choose another file."
        )


def _is_empty(patch: Any) -> bool:
    """Whether a patch of one of the kinds that are made of products or sums changes nothing."""
    if isinstance(patch, tuple):
        return bool(patch[0] == "diff" and not patch[1][0].float().any())
    if patch.name not in ("lora", "loha") or patch.weights[_MAGNITUDES[patch.name]] is not None:
        return False
    factors = [0, 1] if patch.name == "lora" else [0, 1, 3, 4]
    return bool(patch.weights[2] == 0) or any(not patch.weights[factor].float().any() for factor in factors)


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """What this thread makes the host warn of meanwhile, kept out of the log."""
    own = threading.get_ident()
    lines: list[str] = []

    def keep(record: logging.LogRecord) -> bool:
        if record.thread != own or record.levelno < logging.WARNING:
            return True
        lines.append(record.getMessage())
        return False

    logging.getLogger().addFilter(keep)
    try:
        yield lines
    finally:
        logging.getLogger().removeFilter(keep)
