"""The weights of a network of the host with their patches, whatever form they are kept in."""

from typing import Any

import comfy.lora
import comfy.quant_ops
import comfy.utils
import torch

from .protocols import Patcher


def weights_of(patcher: Patcher, prefix: str | None = None) -> dict[str, list[Any]]:
    """Each weight as ((value, how it is brought to full precision), patches...), by its name.

    The host's own listing fails on quantised weights: it names the scales apart that are part of the value.
    """
    state = patcher.model_state_dict()
    apart = {name for name in state if not _is_there(patcher.model, name)}
    if not apart:
        return patcher.get_key_patches(prefix)
    listing: Any = patcher.clone()
    listing.model_state_dict = lambda *_given: {name: value for name, value in state.items() if name not in apart}
    weights: dict[str, list[Any]] = listing.get_key_patches(prefix)
    return weights


def patched(entry: list[Any], key: str, device: torch.device) -> torch.Tensor:
    """The weight of an entry of `weights_of` with its patches; without any it is the very tensor, if it is plain."""
    (given, convert), *patches = entry
    value = plain(given)
    if not patches:
        return value
    full = value.to(device, torch.float32, copy=True)
    return comfy.lora.calculate_weight(patches, full if value is not given else convert(full, inplace=True), key)


def plain(value: torch.Tensor) -> torch.Tensor:
    """A weight in the precision that it stands for, where it is kept quantised."""
    return value.dequantize() if isinstance(value, comfy.quant_ops.QuantizedTensor) else value


def for_autograd(tensor: torch.Tensor) -> torch.Tensor:
    """The same memory as a tensor that autograd can save, which it cannot where it was made under inference mode."""
    storage = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
    return storage.set_(tensor.untyped_storage(), tensor.storage_offset(), tensor.shape, tensor.stride())


def _is_there(network: torch.nn.Module, name: str) -> bool:
    owner, _, own = name.rpartition(".")
    try:
        return hasattr(comfy.utils.get_attr(network, owner) if owner else network, own)
    except AttributeError:
        return False
