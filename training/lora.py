"""All the LoRA layers of a model, and their names in a LoRA file."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, cast

import torch
from torch import nn

from .config import ConfigError, NetworkConfig
from .lora_layers import KINDS, Layer, LoraLayer
from .randomness import generator


class LoraNetwork(nn.Module):
    """One LoRA layer for each of `layers`, a mapping of kohya name ("lora_unet_..._to_q") to frozen Linear or Conv2d.

    Convolutions wider than a pixel have the rank `conv_rank`, all other layers `rank`.
    """

    def __init__(self, layers: Mapping[str, Layer], config: NetworkConfig, seed: int) -> None:
        super().__init__()
        draw = generator(seed, "weights", 0)
        self.lora_layers = nn.ModuleDict()
        self.left_out: list[str] = []  # tensors of the file that it began with, of layers that it has not
        for name, layer in layers.items():
            rank = config.conv_rank if is_spatial(layer) else config.rank
            self.lora_layers[name] = KINDS[config.kind](layer, rank, config.alpha_of(rank), config.dropout, draw)

    def named_layers(self) -> Iterator[tuple[str, LoraLayer]]:
        """Each LoRA layer with the kohya name of the frozen one that it stands beside."""
        for name, lora in self.lora_layers.items():
            yield name, cast(LoraLayer, lora)

    def attach(self) -> None:
        """Add each LoRA layer's output to that of its frozen layer, until `detach`."""
        for _, lora in self.named_layers():
            lora.layer.forward = partial(lora.beside, lora.layer.forward)  # type: ignore[method-assign]

    def detach(self) -> None:
        """Undo `attach`."""
        for _, lora in self.named_layers():
            layer: Any = lora.layer
            (before,) = layer.forward.args
            del layer.forward
            if layer.forward != before:  # not that of its class: somebody had patched the layer already
                layer.forward = before

    def parameters_of(self, prefix: str) -> Iterator[nn.Parameter]:
        """The weights of all LoRA layers whose name begins with `prefix`."""
        for name, lora in self.named_layers():
            if name.startswith(prefix):
                yield from lora.parameters()

    def kohya_state(self, dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
        """A copy of the weights on the CPU, in the key names that kohya's tools and ComfyUI read."""
        return {
            f"{name}.{part}": value.to(dtype)
            for name, lora in self.named_layers()
            for part, value in lora.file_state().items()
        }

    @torch.no_grad()
    def load_kohya_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """Continue from the weights of a LoRA file of the same kind, rank and layers; raises `ConfigError` otherwise.

        Where the file has another alpha, its weights are scaled to have the same effect with this one.
        """
        taken = set()
        for name, lora in self.named_layers():
            stored = state.get(f"{name}.alpha", torch.tensor(float(lora.rank)))
            for part, parameter in lora.named_parameters():
                key = f"{name}.{part.replace('__', '.')}"
                if key not in state or state[key].shape != parameter.shape:
                    raise ConfigError(_mismatch(key, parameter, state))
                parameter.copy_(state[key])
                taken.add(key)
            _rescale(lora, float(stored) / lora.alpha)
        names = tuple(f"{name}." for name, _ in self.named_layers())
        self.left_out = [key for key in state if key not in taken and not key.endswith(".alpha")]
        if beside := next((key for key in self.left_out if key.startswith(names)), ""):
            raise ConfigError(
                f"The LoRA to start from does not fit: it holds {beside}, which this kind of LoRA has no place for, so "
                "that it would have another effect. Choose the kind of the file, or start from nothing."
            )


def is_spatial(layer: nn.Module) -> bool:
    """Whether a layer is a convolution that looks beyond its own pixel."""
    return isinstance(layer, nn.Conv2d) and max(layer.kernel_size) > 1


def _rescale(lora: LoraLayer, factor: float) -> None:
    zero_at_start = ("lora_up__weight", "hada_w2_a", "lokr_w1")
    for name in zero_at_start:
        if hasattr(lora, name):
            getattr(lora, name).mul_(factor)


def _mismatch(key: str, parameter: torch.Tensor, state: Mapping[str, torch.Tensor]) -> str:
    found = f"has {list(state[key].shape)} there" if key in state else "has no such weight"
    return (
        f"The LoRA to start from does not fit: {key} should be {list(parameter.shape)}, but the file {found}. "
        "Use the same kind, rank, blocks and base model as the file, or start from nothing."
    )
