"""All the bypasses of a model, and their names in a LoRA file."""

from collections.abc import Iterator, Mapping
from functools import partial

import torch
from torch import nn

from .config import ConfigError, NetworkConfig
from .lora_layers import KINDS, Bypass
from .randomness import generator


class LoraNetwork(nn.Module):
    """One bypass for each of `layers`, a mapping of kohya name ("lora_unet_..._to_q") to frozen Linear or Conv2d.

    Convolutions wider than a pixel have the rank `conv_rank`, all other layers `rank`.
    """

    def __init__(self, layers: Mapping[str, nn.Module], config: NetworkConfig, seed: int) -> None:
        super().__init__()
        draw = generator(seed, "weights", 0)
        self.bypasses = nn.ModuleDict()
        for name, layer in layers.items():
            rank = config.conv_rank if is_spatial(layer) else config.rank
            alpha = config.alpha * rank / config.rank
            self.bypasses[name] = KINDS[config.kind](layer, rank, alpha, config.dropout, draw)

    def attach(self) -> None:
        """From now on each layer's output has its bypass added."""
        for bypass in self.bypasses.values():
            bypass.layer.forward = partial(bypass.beside, bypass.layer.forward)

    def detach(self) -> None:
        """The layers are as they were."""
        for bypass in self.bypasses.values():
            (before,) = bypass.layer.forward.args
            del bypass.layer.forward
            if bypass.layer.forward != before:  # not that of its class: somebody had patched the layer already
                bypass.layer.forward = before

    def parameters_of(self, prefix: str) -> Iterator[nn.Parameter]:
        """The weights of all bypasses whose name begins with `prefix`."""
        for name, bypass in self.bypasses.items():
            if name.startswith(prefix):
                yield from bypass.parameters()

    def kohya_state(self, dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
        """A copy of the weights on the CPU, in the key names that kohya's tools and ComfyUI read."""
        return {
            f"{name}.{part}": value.to(dtype)
            for name, bypass in self.bypasses.items()
            for part, value in bypass.file_state().items()
        }

    @torch.no_grad()
    def load_kohya_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """Continue from the weights of a LoRA file of the same kind, rank and layers; raises `ConfigError` otherwise.

        Where the file has another alpha, its weights are scaled to mean the same with this one.
        """
        for name, bypass in self.bypasses.items():
            stored = state.get(f"{name}.alpha", torch.tensor(float(bypass.rank)))
            for part, parameter in bypass.named_parameters():
                key = f"{name}.{part.replace('__', '.')}"
                if key not in state or state[key].shape != parameter.shape:
                    raise ConfigError(_mismatch(key, parameter, state))
                parameter.copy_(state[key])
            _rescale(bypass, float(stored) / bypass.alpha)


def is_spatial(layer: nn.Module) -> bool:
    """Whether a layer is a convolution that looks beyond its own pixel."""
    return isinstance(layer, nn.Conv2d) and max(layer.kernel_size) > 1


def _rescale(bypass: Bypass, factor: float) -> None:
    zero_at_start = ("lora_up__weight", "hada_w2_a", "lokr_w1")
    for name in zero_at_start:
        if hasattr(bypass, name):
            getattr(bypass, name).mul_(factor)


def _mismatch(key: str, parameter: torch.Tensor, state: Mapping[str, torch.Tensor]) -> str:
    found = f"has {list(state[key].shape)} there" if key in state else "has no such weight"
    return (
        f"The LoRA to start from does not fit: {key} should be {list(parameter.shape)}, but the file {found}. "
        "Use the same kind, rank, blocks and base model as the file, or start from nothing."
    )
