"""Frozen linear layers in 8 bits: int8 or float8 weights with a scale for each output.

Where the device multiplies in 8 bits, inputs and gradients are brought to 8 bits as well, with a scale for each token
(W8A8, as in Dettmers et al. 2022, section 2.1); elsewhere the weight is brought to the input's precision for each
product, which saves memory alone.
"""

from typing import Any

import torch
from torch import nn

LEAST_ROWS = 17  # of a product in 8 bits: torch._int_mm takes no fewer on a GPU
_FLOATS = (torch.float8_e4m3fn, torch.float8_e5m2)


def quantised(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A weight (out, in) as int8 with float32 scales (out, 1): the largest of each output is 127."""
    full = weight.float()
    scale = full.abs().amax(1, keepdim=True).clamp_(min=torch.finfo(torch.float32).tiny) / 127
    return (full / scale).round_().to(torch.int8), scale


def products_of(device: torch.device) -> tuple[torch.dtype, ...]:
    """The kinds of 8-bit weights with which `device` multiplies faster in 8 bits: NVIDIA's from Ampere or Ada on."""
    if device.type != "cuda" or torch.version.hip:
        return ()
    capability = torch.cuda.get_device_capability(device)
    return (torch.int8,) * (capability >= (8, 0)) + _FLOATS * (capability >= (8, 9))


class EightBitLinear(nn.Linear):
    """A frozen Linear whose weight is kept as `values` (out, in) of 8 bits with `scale` (out, 1).

    Its `weight` is made of them each time it is read. dtype is the precision of that, products the kinds of values with
    which the device multiplies in 8 bits.
    """

    values: torch.Tensor
    scale: torch.Tensor

    def __init__(
        self,
        values: torch.Tensor,
        scale: torch.Tensor,
        bias: torch.Tensor | None,
        dtype: torch.dtype,
        products: tuple[torch.dtype, ...] = (),
    ) -> None:
        nn.Module.__init__(self)  # not Linear's, which would make a weight
        self.out_features, self.in_features = values.shape
        self.dtype, self.multiplies = dtype, values.dtype in products
        self.register_buffer("values", values)
        self.register_buffer("scale", scale)
        self.register_parameter("bias", None if bias is None else nn.Parameter(bias, requires_grad=False))

    @property
    def weight(self) -> torch.Tensor:  # type: ignore[override]  # nn.Linear has a parameter of that name
        return _whole(self.values, self.scale, self.dtype)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """input (..., in) -> (..., out)."""
        rows = input.flatten(0, -2) if input.ndim != 2 else input
        fits = self.in_features % 16 == 0 and self.out_features % 16 == 0 and len(rows) >= LEAST_ROWS
        product: torch.Tensor = _Product.apply(rows, self.values, self.scale, self.multiplies and fits)
        if self.bias is not None:
            product += self.bias
        return product.view(*input.shape[:-1], self.out_features)


class _Product(torch.autograd.Function):
    """rows (n, in) times the weight's transpose; for the backward pass only its 8 bits are kept."""

    @staticmethod
    def forward(rows: torch.Tensor, values: torch.Tensor, scale: torch.Tensor, multiplies: bool) -> torch.Tensor:
        if multiplies:
            return _multiplied(rows, values.t(), scale.t(), rows.dtype)
        return rows @ _whole(values, scale, rows.dtype).t()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        _, values, scale, ctx.multiplies = inputs
        ctx.save_for_backward(values, scale)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (gradient,), (values, scale) = gradients, ctx.saved_tensors
        if ctx.multiplies:
            # The scales of the outputs go to the gradient: a product in 8 bits has no place for them inside.
            # Both are small, so that halves would lose what float32 keeps.
            scaled = gradient.float() * scale.t()
            return _multiplied(scaled, values, None, gradient.dtype), None, None, None
        return gradient @ _whole(values, scale, gradient.dtype), None, None, None


def _whole(values: torch.Tensor, scale: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return values.to(dtype).mul_(scale)


def _multiplied(
    rows: torch.Tensor, values: torch.Tensor, scale: torch.Tensor | None, dtype: torch.dtype
) -> torch.Tensor:
    """rows (n, m) times values (m, k) of 8 bits in an 8-bit product, each row with a scale of its own, as dtype."""
    kind = torch.int8 if values.dtype == torch.int8 else torch.float8_e4m3fn
    top = 127.0 if kind == torch.int8 else torch.finfo(kind).max
    full = rows.float()
    own = full.abs().amax(1, keepdim=True).clamp_(min=torch.finfo(torch.float32).tiny) / top
    by_columns = values.t().contiguous().t()  # as the kernels want the second factor
    if kind == torch.int8:
        product = torch._int_mm((full / own).round_().to(kind), by_columns).float()
    else:
        one = torch.ones((), device=rows.device)
        roomy = torch.float32 if dtype == torch.float16 else dtype  # sums of 448 * 448 leave the range of float16
        product = torch._scaled_mm((full / own).to(kind), by_columns, one, one, out_dtype=roomy).float()
    product *= own
    if scale is not None:
        product *= scale
    return product.to(dtype)
