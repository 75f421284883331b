"""LoRA, DoRA, LoHa and LoKr layers: y = W x + D x with W frozen.

W is the weight (out, in) or (out, in, kh, kw), D the trained change. All trainable weights are float32; products are
made in the precision of the layer's input. D is zero at the start.
"""

import itertools
import math
from collections.abc import Callable

import torch
from torch import nn

Layer = nn.Linear | nn.Conv2d


class LoraLayer(nn.Module):
    """What all kinds share: the frozen layer, alpha and rank, and the layer's operation on any weight.

    A kind has its weights as parameters named as in the file (with "__" for "."), and `delta`, the change D
    already scaled.
    """

    def __init__(self, layer: Layer, rank: int, alpha: float, dropout: float) -> None:
        super().__init__()
        self.rank = rank
        self.alpha = alpha
        self.dropout = dropout
        self.frozen = (layer,)  # in a tuple, so that it is not registered as part of this module
        self.shape = layer.weight.shape

    @property
    def layer(self) -> Layer:
        return self.frozen[0]

    @property
    def scale(self) -> float:
        return self.alpha / self.rank

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The change that this layer adds to the frozen layer's output for input x."""
        return self.apply_weight(nn.functional.dropout(x, self.dropout, self.training), self.delta().to(x.dtype))

    def beside(self, frozen: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        """The output for x of the layer, which `frozen` computes alone, with the lora."""
        return frozen(x) + self(x)

    def delta(self) -> torch.Tensor:
        """D, in the shape of W."""
        raise NotImplementedError

    def apply_weight(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """The layer's own operation with another weight and no bias."""
        if not isinstance(self.layer, nn.Conv2d):
            return nn.functional.linear(x, weight)
        if self.layer.kernel_size == (1, 1) and self.layer.stride == (1, 1):
            return _pointwise(x, weight)
        return self.layer._conv_forward(x, weight, None)  # keeps stride and wrapping

    def file_state(self) -> dict[str, torch.Tensor]:
        """The weights and alpha by their names in a file, float32 on the CPU, copied."""
        state = {name.replace("__", "."): value.detach().cpu().clone() for name, value in self.named_parameters()}
        return {**state, "alpha": torch.tensor(float(self.alpha))}


class LoRA(LoraLayer):
    """D = alpha/rank up @ down (Hu et al. 2021), without ever forming D: two narrow products instead."""

    def __init__(self, layer: Layer, rank: int, alpha: float, dropout: float, draw: torch.Generator) -> None:
        super().__init__(layer, rank, alpha, dropout)
        out, *incoming = self.shape
        self.lora_down__weight = _uniform(layer, (rank, *incoming), draw)
        self.lora_up__weight = _zeros(layer, (out, rank, *(1 for _ in incoming[1:])))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        down, up = self.lora_down__weight.to(x.dtype), (self.lora_up__weight * self.scale).to(x.dtype)
        narrow = nn.functional.dropout(self.apply_weight(x, down), self.dropout, self.training)
        if isinstance(self.layer, nn.Conv2d):
            return _pointwise(narrow, up)
        return nn.functional.linear(narrow, up)

    def beside(self, frozen: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        if isinstance(self.layer, nn.Conv2d):
            return super().beside(frozen, x)
        rows = x.flatten(0, -2)
        narrow = nn.functional.linear(rows, self.lora_down__weight.to(x.dtype))
        narrow = nn.functional.dropout(narrow, self.dropout, self.training)
        # Product, scale and sum in one pass over the output, which is far larger than the bottleneck, and in place: the
        # output for rows is no view of something else, of which autograd would make a copy first.
        output = frozen(rows).addmm_(narrow, self.lora_up__weight.to(x.dtype).t(), alpha=self.scale)
        return output.view(*x.shape[:-1], -1)

    def delta(self) -> torch.Tensor:
        product = self.lora_up__weight.flatten(1) @ self.lora_down__weight.flatten(1)
        return product.view(self.shape) * self.scale


class DoRA(LoRA):
    """W + D, its input columns brought to learnt lengths m: D' = (W + D) m / |W + D| - W (Liu et al. 2024, eq. 5)."""

    def __init__(self, layer: Layer, rank: int, alpha: float, dropout: float, draw: torch.Generator) -> None:
        super().__init__(layer, rank, alpha, dropout, draw)
        self.dora_scale = nn.Parameter(_column_lengths(layer.weight.float()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return LoraLayer.forward(self, x)

    def beside(self, frozen: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        return LoraLayer.beside(self, frozen, x)

    def delta(self) -> torch.Tensor:
        frozen = self.layer.weight.float()
        moved = frozen + super().delta()
        return moved * (self.dora_scale / (_column_lengths(moved) + torch.finfo(torch.float32).eps)) - frozen


class LoHa(LoraLayer):
    """D = alpha/rank (w1_a @ w1_b) * (w2_a @ w2_b), elementwise: up to rank squared (Hyeon-Woo et al. 2022)."""

    def __init__(self, layer: Layer, rank: int, alpha: float, dropout: float, draw: torch.Generator) -> None:
        super().__init__(layer, rank, alpha, dropout)
        out, fan_in = self.shape[0], self.shape[1:].numel()
        self.hada_w1_a = _normal(layer, (out, rank), 0.1, draw)
        self.hada_w1_b = _normal(layer, (rank, fan_in), 1.0, draw)
        self.hada_w2_a = _zeros(layer, (out, rank))
        self.hada_w2_b = _normal(layer, (rank, fan_in), 1.0, draw)

    def delta(self) -> torch.Tensor:
        product = (self.hada_w1_a @ self.hada_w1_b) * (self.hada_w2_a @ self.hada_w2_b)
        return product.view(self.shape) * self.scale


class LoKr(LoraLayer):
    """D = alpha/rank kron(w1, w2_a @ w2_b): a small full matrix of low-rank blocks (Yeh et al. 2024, section 3)."""

    def __init__(self, layer: Layer, rank: int, alpha: float, dropout: float, draw: torch.Generator) -> None:
        super().__init__(layer, rank, alpha, dropout)
        out, incoming, *kernel = self.shape
        (self._rows, rows), (columns, inner) = _near_square(out), _near_square(incoming)
        self._block = (rows, inner, *kernel)
        self.lokr_w1 = _zeros(layer, (self._rows, columns))
        self.lokr_w2_a = _uniform(layer, (rows, rank), draw)
        self.lokr_w2_b = _uniform(layer, (rank, inner * math.prod(kernel)), draw)

    def delta(self) -> torch.Tensor:
        block = (self.lokr_w2_a @ self.lokr_w2_b).view(self._block)
        outer = self.lokr_w1.view(*self.lokr_w1.shape, *(1 for _ in self._block[2:]))
        return torch.kron(outer, block).view(self.shape) * self.scale

    def file_state(self) -> dict[str, torch.Tensor]:
        state = super().file_state()
        if len(self._block) > 2:  # loaders take a convolution's block whole, and then know no rank to scale by
            state["lokr_w2"] = (state.pop("lokr_w2_a") @ state.pop("lokr_w2_b")).view(self._block) * self.scale
        return state


BuildLayer = Callable[[Layer, int, float, float, torch.Generator], LoraLayer]
"""frozen layer, rank, alpha, dropout, and where its start is drawn from"""

KINDS: dict[str, BuildLayer] = {
    "LoRA": LoRA,
    "DoRA": DoRA,
    "LoHa": LoHa,
    "LoKr": LoKr,
}


def _pointwise(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """A convolution of one pixel, (B, in, H, W) -> (B, out, H, W), as the matrix product it is.

    On a CPU torch takes a slow path for convolutions as narrow as these.
    """
    matrix = weight.flatten(1)
    if x.is_contiguous():  # one product an image; else pixels are rows already, which a single product takes at once
        matrix = matrix.expand(x.shape[0], -1, -1)
    return (matrix @ x.flatten(2)).view(x.shape[0], weight.shape[0], *x.shape[2:])


def _uniform(layer: Layer, shape: tuple[int, ...], draw: torch.Generator) -> nn.Parameter:
    return _drawn(layer, shape, lambda: (torch.rand(shape, generator=draw) * 2 - 1) * math.prod(shape[1:]) ** -0.5)


def _normal(layer: Layer, shape: tuple[int, ...], spread: float, draw: torch.Generator) -> nn.Parameter:
    return _drawn(layer, shape, lambda: torch.randn(shape, generator=draw) * spread)


def _drawn(layer: Layer, shape: tuple[int, ...], values: Callable[[], torch.Tensor]) -> nn.Parameter:
    device = _device(layer)
    return nn.Parameter(torch.empty(shape, device=device) if device.type == "meta" else values().to(device))


def _zeros(layer: Layer, shape: tuple[int, ...]) -> nn.Parameter:
    return nn.Parameter(torch.zeros(shape, device=_device(layer)))


def _device(layer: Layer) -> torch.device:
    """Without reading the weight: where that is kept in 8 bits, it is made for each reading."""
    return next(itertools.chain(layer.parameters(), layer.buffers())).device


def _column_lengths(weight: torch.Tensor) -> torch.Tensor:
    """Euclidean length of each input's weights, (1, in) or (1, in, 1, 1)."""
    others = tuple(axis for axis in range(weight.ndim) if axis != 1)
    return torch.linalg.vector_norm(weight, dim=others, keepdim=True)


def _near_square(size: int) -> tuple[int, int]:
    """The factors of `size` that are nearest to each other, the smaller first."""
    smaller = next(factor for factor in range(math.isqrt(size), 0, -1) if size % factor == 0)
    return smaller, size // smaller
