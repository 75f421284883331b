"""How much memory a computation needs at once, counted tensor by tensor: the same on every machine."""

import weakref

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveMemory(TorchDispatchMode):
    """While it is entered, `peak` is the most bytes that the tensors made by operations held at the same time.

    What a single operation uses inside itself, as FFTs do, is not seen.
    """

    def __init__(self, *given: torch.Tensor) -> None:
        super().__init__()
        self.given = {tensor.untyped_storage().data_ptr() for tensor in given}
        self.live: dict[int, int] = {}
        self.peak = 0

    def __torch_dispatch__(self, operation, types, arguments=(), keywords=None):
        result = operation(*arguments, **(keywords or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self._count(tensor.untyped_storage())
        return result

    def _count(self, storage: torch.UntypedStorage) -> None:
        place = storage.data_ptr()
        if place in self.given or place in self.live:
            return
        self.live[place] = storage.nbytes()
        self.peak = max(self.peak, sum(self.live.values()))
        weakref.finalize(storage, self.live.pop, place, None)
