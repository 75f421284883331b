"""What a LoRA file holds of its effect that ComfyUI leaves out without a word: alphas in its metadata, and tensors."""

import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import torch

from ..common.errors import InputError
from ..common.untrusted_json import parse_untrusted_json
from .lora_patches import EMBEDDINGS, Tried, layer_of

_ALPHAS, _RANKS = ("lora_alpha", "network_alpha", "alpha"), ("r", "rank", "network_dim")
_SCALES = ("scale_weight", "weight_scale", "scale_input", "input_scale")


def check_plain(tensors: Mapping[str, torch.Tensor], what: str) -> None:
    """Raise `InputError` for tensors that are not the weights themselves, but what these are reckoned from."""
    if scale := next((name for name in tensors if name.endswith(_SCALES)), ""):
        raise InputError(
            f"{what} holds weights of 8 bits with scales of their own, such as {scale}, which ComfyUI passes over: it "
            "would have another effect. Choose the file in 16 bits, or multiply the scales in with what wrote it."
        )
    for name, value in tensors.items():
        if name.endswith(".alpha") and value.numel() != 1:
            raise InputError(
                f"{what} holds {value.numel()} numbers as {name}, which is one number. Have it written again, or "
                "choose another file."
            )
        if value.ndim > 1 and not value.is_floating_point():
            raise InputError(
                f"{what} holds weights that are no floating-point numbers, such as {name} ({_kind(value)}), as "
                "programs write them that quantise: ComfyUI would take them as they are. Choose the file in 16 bits."
            )


def _kind(value: torch.Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")


def passed_over(tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str], tried: Tried) -> list[str]:
    """Lines on what is left out of a LoRA of these tensors, which was tried on its models."""
    lines = []
    if embeddings := {name.split(".")[1] for name in tensors if name.startswith(EMBEDDINGS)}:
        lines.append(f"ComfyUI passes over the embeddings in it ({', '.join(sorted(embeddings)[:3])}): painted without "
                     "them, and prompts know their words only from files in models/embeddings")  # fmt: skip
    magnitudes = [name for name in tensors if "lora_magnitude_vector" in name]
    if magnitudes:
        lines.append(f"a DoRA of PEFT, whose {len(magnitudes)} magnitudes ComfyUI passes over: painted as a plain LoRA")
    left = [name for name in tried.left if layer_of(name, tried.own) and name not in magnitudes]
    if left:
        lines.append(f"ComfyUI passes over {len(left)} of its tensors, such as {left[0]}: painted without them")
    if not any(name.endswith(".alpha") for name in tensors):
        lines += _alpha_lines(_facts(metadata))
    elif not tried.fitting <= tried.empty and (zero := silenced(tensors)):
        lines.append(f"{len(zero)} of its layers have an alpha of 0, such as {zero[0]}: they change nothing")
    return lines


def silenced(tensors: Mapping[str, torch.Tensor]) -> list[str]:
    """The alphas of 0, but of OFT, where they are a limit."""
    return [
        name
        for name, value in tensors.items()
        if name.endswith(".alpha") and value == 0 and f"{name.removesuffix('alpha')}oft_blocks" not in tensors
    ]


def _facts(metadata: Mapping[str, str]) -> dict[str, Any]:
    """What the metadata of PEFT's and diffusers' trainers say, as such or as JSON."""
    facts: dict[str, Any] = dict(metadata)
    with suppress(InputError):
        inner = parse_untrusted_json(metadata.get("lora_adapter_metadata", "{}"))
        facts |= inner if isinstance(inner, dict) else {}
    return facts


def _alpha_lines(facts: Mapping[str, Any]) -> list[str]:
    alpha, rank = _only(facts, _ALPHAS), _only(facts, _RANKS)
    if not alpha or not rank:
        return []
    alphas, ranks = _pattern(facts, "alpha_pattern"), _pattern(facts, "rank_pattern")
    stabilised = any(name.split(".")[-1] == "use_rslora" and str(facts[name]).lower() == "true" for name in facts)
    own = [(alphas.get(layer, alpha), ranks.get(layer, rank)) for layer in {**alphas, **ranks}]
    shares = {one / (math.sqrt(other) if stabilised else other) for one, other in [(alpha, rank), *own]}
    if len(shares) > 1:
        return [
            "its layers have alphas of their own (alpha_pattern, rank_pattern), which stand in its metadata alone and "
            f"ComfyUI passes over: they paint as strongly as they were trained at strengths of {min(shares):.3g} to "
            f"{max(shares):.3g}, so that no strength is right for all. Convert it to a format with an alpha a layer"
        ]
    [share] = shares
    if share == 1:
        return []
    return [
        f"its alpha of {alpha:g} at rank {rank:g} stands in its metadata alone, which ComfyUI passes over: it "
        f"paints as strongly as it was trained at a strength of {share:.3g}"
    ]


def _only(facts: Mapping[str, Any], names: Iterable[str]) -> float:
    """The one number above 0 that stands under the first of these names, else 0."""
    for kind in names:
        numbers = {_number(value) for name, value in facts.items() if name.split(".")[-1] == kind}
        if numbers:
            return numbers.pop() if len(numbers) == 1 else 0.0
    return 0.0


def _pattern(facts: Mapping[str, Any], kind: str) -> dict[str, float]:
    """The numbers above 0 of the layers, by name or pattern, of all that the facts say under this name."""
    found: dict[str, float] = {}
    for name, value in facts.items():
        if name.split(".")[-1] == kind:
            with suppress(InputError):
                pattern = parse_untrusted_json(value) if isinstance(value, str) else value
                numbers = {layer: _number(one) for layer, one in pattern.items()} if isinstance(pattern, dict) else {}
                found |= {layer: number for layer, number in numbers.items() if number}
    return found


def _number(value: object) -> float:
    """A finite number above 0, else 0."""
    try:
        number = float(str(value))
    except ValueError:
        return 0.0
    return number if 0 < number < float("inf") else 0.0
