"""A trained network's weights in a wider and deeper one that computes the same, to train on from there."""

from collections.abc import Mapping

import torch

BREAK = 0.03  # relative noise on what is copied: copies that are equal would get equal gradients for ever


def grown(
    network: torch.nn.Module, trained: Mapping[str, torch.Tensor], generator: torch.Generator
) -> dict[str, torch.Tensor]:
    """Weights for `network` that make it compute what the smaller network with the weights `trained` does.

    Every width of `network` must be a whole multiple of the smaller one's. A channel becomes that many equal ones side
    by side, what reads it divides its weights among them (Chen et al. 2016, Net2Net); group norms then see the same
    mean and spread in each group. Residual blocks that are new keep the weights of `network`, whose branches must end
    in zeros (He et al. 2015), and pass their channels through. The weights that were copied get a little noise.

    Raises ValueError if a width doesn't divide.
    """
    state = {}
    for name, own in network.state_dict().items():
        if name in trained:
            state[name] = _widened(name, trained[name], own.shape, generator)
        elif name.endswith("nin_shortcut.weight"):
            state[name] = _passed_through(own)
        else:
            state[name] = own.clone()
    return state


def _widened(name: str, value: torch.Tensor, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    """`value` at `shape`: equal channels out, shared weights in."""
    factors = [wide // narrow for wide, narrow in zip(shape, value.shape, strict=True)]
    if [narrow * factor for narrow, factor in zip(value.shape, factors, strict=True)] != list(shape):
        raise ValueError(f"{name} is {tuple(value.shape)} in the smaller network: no widths divide {tuple(shape)}.")
    if all(factor == 1 for factor in factors):
        return value.clone()
    wide = value.repeat_interleave(factors[0], 0)
    if value.dim() > 1:
        wide = wide.repeat_interleave(factors[1], 1) / factors[1]
        wide = wide * (1 + BREAK * torch.randn(wide.shape, generator=generator))
    if ".attn_1.q." in name:  # products of queries and keys sum over more channels and are divided by the root of them
        wide = wide * factors[0] ** -0.5
    return wide


def _passed_through(weight: torch.Tensor) -> torch.Tensor:
    """A 1x1 convolution (O, I, 1, 1) that copies each channel to O / I or takes the mean of I / O."""
    outputs, inputs = weight.shape[:2]
    rows = torch.arange(outputs)[:, None] * inputs // outputs
    columns = torch.arange(inputs)[None]
    width = max(1, inputs // outputs)
    same = (columns >= rows) & (columns < rows + width)
    return (same / width).to(weight)[..., None, None]
