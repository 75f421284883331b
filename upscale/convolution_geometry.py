"""Receptive field, output size and MACs of a convolution; and convolutions without padding, for tiles."""

from collections.abc import Callable
from typing import Any

import torch

from ..common.wrapped_convolutions import ConvForward
from .tiles import Span


def result_size(conv: torch.nn.Conv2d, size: int, pad_after: int = 0) -> int:
    """Output size along one axis, for an input of `size`. pad_after: cells the network appends before it convolves."""
    return (size + 2 * _padding(conv) + pad_after - conv.kernel_size[0]) // conv.stride[0] + 1


def receptive_field(conv: torch.nn.Conv2d, span: Span) -> Span:
    """The receptive field of `span` of the output: the input cells that it depends on, padding included."""
    kernel, stride, pad = conv.kernel_size[0], conv.stride[0], _padding(conv)
    return Span(span.start * stride - pad, (span.stop - 1) * stride - pad + kernel)


def macs_per_cell(conv: torch.nn.Conv2d) -> int:
    """MACs (multiply-accumulates) for one cell of the output, all channels."""
    return conv.out_channels * (conv.in_channels // conv.groups) * conv.kernel_size[0] * conv.kernel_size[1]


def doubling_convolution(tile: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """Nearest-neighbour upsampling by 2 and a 3 x 3 convolution in one: (B, C, h + 2, w + 2) to (B, D, 2 h, 2 w).

    On the upsampled grid the kernel sees only 2 x 2 different cells; which, depends on whether row and column of the
    output are even. So four kernels of 2 x 2 do it, with 4 MACs in place of 9. Their taps are sums of the kernel's:
    Shi et al., "Is the deconvolution layer the same as a convolutional layer?" (2016).
    """
    height, width = tile.shape[-2] - 1, tile.shape[-1] - 1
    parts = [
        torch.nn.functional.conv2d(
            tile[..., row : row + height, column : column + width],
            _over_doubled(_over_doubled(weight, row, -2), column, -1),
            bias,
        )
        for row in (0, 1)
        for column in (0, 1)
    ]
    return torch.nn.functional.pixel_shuffle(torch.stack(parts, 2).flatten(1, 2), 2)


def _padding(conv: torch.nn.Conv2d) -> int:
    assert not isinstance(conv.padding, str), "autoencoders count their padding in cells"
    return conv.padding[0]


def _over_doubled(weight: torch.Tensor, odd: int, dim: int) -> torch.Tensor:
    """Three taps along `dim` as two, for the even or the odd places of the result."""
    first, middle, last = weight.unbind(dim)
    taps = (first + middle, last) if odd else (first, middle + last)
    return torch.stack(taps, dim)


def unpadded_convolutions(network: torch.nn.Module) -> dict[str, ConvForward]:
    """Replacements that make the convolutions of `network` pad nothing: the tiles they get include their halo.

    Returns attribute path -> `_conv_forward`.
    """
    known: dict[Any, Callable[[Any], ConvForward]] = {
        torch.nn.Conv2d: _without_padding,
        torch.nn.Conv3d: _frame_without_padding,
    }
    return {
        f"{name}._conv_forward": replacement(layer)
        for name, layer in network.named_modules()
        for kind, replacement in known.items()
        if isinstance(layer, kind) and max(layer.kernel_size[-2:]) > 1
    }


def _frame_without_padding(conv: torch.nn.Conv3d) -> Callable[..., torch.Tensor]:
    stride, dilation, groups = conv.stride[1:], conv.dilation[1:], conv.groups

    def forward(
        tile: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, autopad: str | None = None
    ) -> torch.Tensor:
        last_tap = weight[:, :, -1]  # the others meet the frames before the only one, of which there are none
        return torch.nn.functional.conv2d(tile.squeeze(2), last_tap, bias, stride, 0, dilation, groups).unsqueeze(2)

    return forward


def _without_padding(conv: torch.nn.Conv2d) -> ConvForward:
    stride, dilation, groups = conv.stride, conv.dilation, conv.groups

    def forward(tile: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        return torch.nn.functional.conv2d(tile, weight, bias, stride, 0, dilation, groups)

    return forward
