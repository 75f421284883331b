"""How much memory a computation takes at once, counted by its tensors; on the meta device that is a dry run."""

import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

_Made = tuple[type, list[tuple[torch.Size, tuple[int, ...], torch.dtype]]]
_MADE: dict[object, _Made] = {}
REMEMBERED = 50_000  # operations by their shapes: some twenty models


class AllocationCount(TorchDispatchMode):
    """Counts the memory of all tensors that operations make while it is entered, on any device.

    live and peak are bytes: of those that are still there, and of the most that were there at once. What was there
    before, and views of it, count nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.live = self.peak = 0
        self._sizes: dict[int, int] = {}

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        for value in _tensors((*args, *kwargs.values())):
            self._note(value, made_here=False)
        result = self.run(func, args, kwargs)
        for value in _tensors((result,)):
            self._note(value, made_here=True)
        return result

    def run(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """The result of an operation."""
        return func(*args, **kwargs)

    def _note(self, value: torch.Tensor, made_here: bool) -> None:
        storage = value.untyped_storage()
        key = storage._cdata
        if key in self._sizes:
            return
        size = self._sizes[key] = storage.nbytes() if made_here else 0
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, partial(self._gone, key))

    def _gone(self, key: int) -> None:
        self.live -= self._sizes.pop(key)


class DryCount(AllocationCount):
    """`AllocationCount` for tensors on the meta device, where it remembers what operations make of which shapes.

    torch works that out in Python for each of some ten thousand operations, of which a transformer repeats most.
    """

    def run(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        returns = func._schema.returns
        if not returns or not all(value.is_meta for value in _tensors((*args, *kwargs.values()))):
            return func(*args, **kwargs)
        aliases = [value.alias_info for value in returns]
        if len(returns) == 1 and aliases[0] is not None and aliases[0].is_write and not kwargs:
            return args[0]  # changed in place: its values, of which it has none
        if any(aliases):
            return func(*args, **kwargs)
        key = (func, _described(args), _described(tuple(sorted(kwargs.items()))))
        if key in _MADE:
            kind, made = _MADE[key]
            values = [torch.empty_strided(size, stride, dtype=dtype, device="meta") for size, stride, dtype in made]
            return values[0] if kind is torch.Tensor else kind(values)
        result = func(*args, **kwargs)
        values = [result] if isinstance(result, torch.Tensor) else result
        if isinstance(values, list | tuple) and all(isinstance(one, torch.Tensor) and one.is_meta for one in values):
            if len(_MADE) == REMEMBERED:
                _MADE.clear()
            _MADE[key] = type(result), [(value.shape, value.stride(), value.dtype) for value in values]
        return result


def _tensors(values: Iterable[Any]) -> Iterator[torch.Tensor]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def _described(value: Any) -> object:
    """What decides the shapes that an operation makes of a value."""
    if isinstance(value, torch.Tensor):
        return value.shape, value.stride(), value.dtype
    if isinstance(value, list | tuple):
        return tuple(_described(one) for one in value)
    return type(value), value


@contextmanager
def dry_count() -> Iterator[DryCount]:
    """Count what a computation on the meta device would allocate, where attention runs in a fused kernel.

    Such a kernel keeps its inputs, its output, and a sum for each token. Without it torch takes attention apart there,
    and makes the matrix of all tokens with all, which no device makes.
    """
    functions: Any = torch.nn.functional
    plain = functions.scaled_dot_product_attention  # no mode: those are off while a backward pass computes again

    def attention(query: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        compute = _attention if query.is_meta else plain
        return compute(query, *args, **kwargs)

    functions.scaled_dot_product_attention = attention
    try:
        with DryCount() as count:
            yield count
    finally:
        functions.scaled_dot_product_attention = plain


def _attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> torch.Tensor:
    kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    output: torch.Tensor = kernel(query, key, value, dropout_p, is_causal, attn_mask=attn_mask, scale=scale)[0]
    return output
