"""Low-rank bypasses beside frozen layers (Hu et al. 2021), under the key names of kohya's files."""

from collections.abc import Mapping

import torch
from torch import nn

from .config import NetworkConfig
from .randomness import generator


class LowRankBypass(nn.Module):
    """scale * up(down(x)) beside one Linear or Conv2d, whose own weights it neither touches nor copies.

    down (rank, in) or (rank, in, kh, kw) starts uniform in +-1/sqrt(fan_in), up (out, rank) or (out, rank, 1, 1) at
    zero, so the untrained bypass adds nothing. Weights are float32; the product is made in the precision of x.
    """

    def __init__(self, layer: nn.Linear | nn.Conv2d, rank: int, alpha: float, draw: torch.Generator) -> None:
        super().__init__()
        self.scale = alpha / rank
        self.alpha = alpha
        self._convolve = layer._conv_forward if isinstance(layer, nn.Conv2d) else None
        fan_in = layer.weight[0].numel()
        start = (torch.rand((rank, *layer.weight.shape[1:]), generator=draw) * 2 - 1) * fan_in**-0.5
        device = layer.weight.device
        self.down = nn.Parameter(start.to(device))
        self.up = nn.Parameter(torch.zeros(layer.weight.shape[0], rank, *(1 for _ in start.shape[2:]), device=device))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        down, up = self.down.to(x.dtype), self.up.to(x.dtype)
        if self._convolve is None:
            return nn.functional.linear(nn.functional.linear(x, down), up * self.scale)
        return nn.functional.conv2d(self._convolve(x, down, None), up * self.scale)


class LoraNetwork(nn.Module):
    """One bypass for each of `layers`, a mapping of kohya name ("lora_unet_..._to_q") to frozen layer."""

    def __init__(self, layers: Mapping[str, nn.Module], config: NetworkConfig, seed: int) -> None:
        super().__init__()
        draw = generator(seed, "weights", 0)
        self._layers = dict(layers)
        self.bypasses = nn.ModuleDict(
            {name: LowRankBypass(layer, config.rank, config.alpha, draw) for name, layer in layers.items()}
        )
        self._hooks: list[torch.utils.hooks.RemovableHandle] = []

    def attach(self) -> None:
        """From now on each layer's output has its bypass added."""
        for name, layer in self._layers.items():
            self._hooks.append(layer.register_forward_hook(_adding(self.bypasses[name])))

    def detach(self) -> None:
        """The layers are as they were."""
        while self._hooks:
            self._hooks.pop().remove()

    def kohya_state(self) -> dict[str, torch.Tensor]:
        """A copy of the weights, on the CPU in float32, in the key names that kohya's tools and ComfyUI read."""
        state = {}
        for name, bypass in self.bypasses.items():
            state[f"{name}.lora_down.weight"] = bypass.down.detach().cpu().clone()
            state[f"{name}.lora_up.weight"] = bypass.up.detach().cpu().clone()
            state[f"{name}.alpha"] = torch.tensor(float(bypass.alpha))
        return state

    @torch.no_grad()
    def load_kohya_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """Continue from the weights of `kohya_state`."""
        for name, bypass in self.bypasses.items():
            bypass.down.copy_(state[f"{name}.lora_down.weight"])
            bypass.up.copy_(state[f"{name}.lora_up.weight"])


def _adding(bypass: LowRankBypass):  # noqa: ANN202 - a forward hook
    return lambda _layer, inputs, output: output + bypass(inputs[0])
