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


def doubling_convolution(tile: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """A 3 x 3 convolution of a tile whose cells are doubled: (B, C, h + 2, w + 2) to (B, D, 2 h, 2 w).

    Over doubled cells the kernel sees only 2 x 2 different ones; which, depends on whether row and column of the
    result are even. So four kernels of 2 x 2 do it with 4 multiplications in place of 9. Their taps are sums of the
    kernel's: Shi et al., "Is the deconvolution layer the same as a convolutional layer?" (2016).
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


def _over_doubled(weight: torch.Tensor, odd: int, dim: int) -> torch.Tensor:
    """Three taps along `dim` as two, for the even or the odd places of the result."""
    first, middle, last = weight.unbind(dim)
    taps = (first + middle, last) if odd else (first, middle + last)
    return torch.stack(taps, dim)


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
