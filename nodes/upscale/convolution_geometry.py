"""What a convolution reads, how large its result is, what it costs; and convolutions that take tiles."""

import torch

from ..common.wrapped_convolutions import ConvForward
from .tiles import Span


def result_size(conv: torch.nn.Conv2d, size: int, pad_after: int = 0) -> int:
    """Cells of the result along one axis. pad_after: cells that the network itself adds after the last one."""
    return (size + 2 * conv.padding[0] + pad_after - conv.kernel_size[0]) // conv.stride[0] + 1


def reach(conv: torch.nn.Conv2d, span: Span) -> Span:
    """The cells of its input that `span` of its result depends on."""
    kernel, stride, pad = conv.kernel_size[0], conv.stride[0], conv.padding[0]
    return Span(span.start * stride - pad, (span.stop - 1) * stride - pad + kernel)


def multiplications_per_cell(conv: torch.nn.Conv2d) -> int:
    """Multiplications for one cell of the result."""
    return conv.out_channels * (conv.in_channels // conv.groups) * conv.kernel_size[0] * conv.kernel_size[1]


def unpadded_convolutions(network: torch.nn.Module) -> dict[str, ConvForward]:
    """Replacements that make the convolutions of `network` take tiles with their surroundings.

    Returns attribute path -> function.
    """
    return {
        f"{name}._conv_forward": _without_padding(layer)
        for name, layer in network.named_modules()
        if isinstance(layer, torch.nn.Conv2d) and max(layer.kernel_size) > 1
    }


def _without_padding(conv: torch.nn.Conv2d) -> ConvForward:
    stride, dilation, groups = conv.stride, conv.dilation, conv.groups

    def forward(tile: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        return torch.nn.functional.conv2d(tile, weight, bias, stride, 0, dilation, groups)

    return forward
