"""Text of a transformer that reads it in line with the image: rows that are never padded, repeated or truncated.

There a longer text is another input: it shifts positions and is attended to. So rows of unlike lengths stay apart, and
the denoiser runs once for each length.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from .data import Conditioning

_PREFIX = "text"


@dataclass(frozen=True)
class TextRows:
    """Of each row its tensors (1, ...) by the names that the network takes them under."""

    rows: tuple[Mapping[str, torch.Tensor], ...]

    @classmethod
    def stack(cls, parts: Sequence["TextRows"]) -> "TextRows":
        """One batch of several."""
        return cls(tuple(row for part in parts for row in part.rows))

    @classmethod
    def from_named(cls, tensors: Mapping[str, torch.Tensor]) -> "TextRows":
        """Undo `named`."""
        rows: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith(f"{_PREFIX}."):
                _, number, own = name.split(".", 2)
                rows.setdefault(int(number), {})[own] = tensor
        return cls(tuple(rows[number] for number in sorted(rows)))

    def named(self) -> dict[str, torch.Tensor]:
        """All tensors in one mapping, by names that `from_named` reads."""
        return {
            f"{_PREFIX}.{number}.{name}": tensor for number, row in enumerate(self.rows) for name, tensor in row.items()
        }

    def moved(self, device: torch.device) -> "TextRows":
        """Copied from the CPU to `device`, without waiting for what a GPU is still computing."""
        if device.type != "cuda":
            return self._each(lambda tensor: tensor.to(device))
        return self._each(lambda tensor: tensor.pin_memory().to(device, non_blocking=True))

    def groups(self) -> Iterator[tuple[list[int], dict[str, torch.Tensor]]]:
        """Rows of the same shapes together: their numbers, and their tensors (B, ...) by name."""
        alike: dict[tuple[object, ...], list[int]] = {}
        for number, row in enumerate(self.rows):
            alike.setdefault(tuple((name, row[name].shape) for name in sorted(row)), []).append(number)
        for numbers in alike.values():
            first = self.rows[numbers[0]]
            yield numbers, {name: torch.cat([self.rows[number][name] for number in numbers]) for name in first}

    def _each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "TextRows":
        return TextRows(tuple({name: change(tensor) for name, tensor in row.items()} for row in self.rows))


TextConditioning = Conditioning | TextRows
"""What a denoiser takes beside noisy latents and timesteps"""


def conditioning_of(inputs: Mapping[str, torch.Tensor]) -> TextConditioning:
    """The conditioning among the tensors of a forward pass, by the names that `named` gave them."""
    if "context" in inputs:
        return Conditioning(inputs["context"], inputs.get("vector"))
    return TextRows.from_named(inputs)
