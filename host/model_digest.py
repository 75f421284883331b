"""A digest of everything in a MODEL, CLIP or VAE that a picture depends on, the same in every process."""

import hashlib
from dataclasses import fields, is_dataclass
from typing import Any

import torch

from .protocols import Patcher
from .weights import plain, weights_of

_SAMPLES = 4096  # of each weight: training, merging and patching move nearly all numbers of a weight


def model_digest(patcher: Patcher, *facts: object) -> str:
    """Differs for two patchers that could give different results.

    It covers the network's build, samples of every weight, the patches on them, and everything that was put around or
    in place of the network's parts, with the settings it was made with.
    """
    digest = hashlib.blake2b(repr((facts, patcher.model)).encode(), digest_size=20)
    for name, ((value, _), *patches) in sorted(weights_of(patcher).items()):  # weights as they were loaded
        if "text_projection" in name:  # without one in its file it is memory that nobody wrote, and nobody reads
            continue
        digest.update(f"{name} {_tensor_words(value)} {_words(patches, 0)}".encode())
    settings = [patcher.object_patches, patcher.model_options, getattr(patcher, "wrappers", {})]
    digest.update(_words(settings, 0).encode())
    return digest.hexdigest()


def _tensor_words(value: torch.Tensor) -> str:
    flat = plain(value.detach()).reshape(-1)
    chosen = flat[:: max(1, -(-flat.numel() // _SAMPLES))].to("cpu", torch.float32)
    return f"{value.dtype} {tuple(value.shape)} {hashlib.blake2b(chosen.numpy().tobytes(), digest_size=12).hexdigest()}"


def _words(value: Any, depth: int) -> str:
    """`value` without the addresses of objects; functions with the values they closed over."""
    if isinstance(value, torch.Tensor):
        return _tensor_words(value)
    if isinstance(value, str | int | float | bool | bytes | type(None)):
        return repr(value)
    if depth > 12:
        return type(value).__qualname__
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_words(k, depth + 1)}: {_words(v, depth + 1)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_words(part, depth + 1) for part in value) + "]"
    if isinstance(value, set | frozenset):
        return "{" + ", ".join(sorted(_words(part, depth + 1) for part in value)) + "}"
    return _object_words(value, depth)


def _object_words(value: Any, depth: int) -> str:
    if isinstance(value, torch.nn.Module):
        numbers = {name: own for name, own in vars(value).items() if isinstance(own, str | int | float | bool | tuple)}
        return repr(value) + _words([value.state_dict(), numbers], depth + 1)
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if is_dataclass(value):
        return kind + _words({one.name: getattr(value, one.name) for one in fields(value)}, depth + 1)
    if callable(value) and hasattr(value, "__qualname__"):
        closed = [cell.cell_contents for cell in getattr(value, "__closure__", None) or ()]
        own = getattr(value, "__self__", None)
        name = f"{value.__module__}.{value.__qualname__}"
        return name + _words([closed, getattr(value, "__defaults__", None), own], depth + 1)
    if hasattr(value, "func") and hasattr(value, "keywords"):  # functools.partial
        return _words([value.func, value.args, value.keywords], depth + 1)
    if hasattr(value, "weights"):  # a LoRA's patch
        return kind + _words(value.weights, depth + 1)
    return kind
