"""LoRA files: safetensors written atomically, bit-identical for the same content."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch

from ..common.files import written_whole

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""The precisions that settings name"""


def save_tensors(path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> None:
    """Write `tensors`, of any dtype, and `metadata` as a safetensors file."""
    from safetensors.torch import save_file

    dense: dict[str, torch.Tensor] = {}
    storages: set[int] = set()
    for name, tensor in tensors.items():
        plain = tensor.detach().cpu().contiguous()
        storage = plain.untyped_storage().data_ptr()
        dense[name] = plain.clone() if storage in storages else plain  # bitsandbytes gives many parameters one table
        storages.add(storage)
    with written_whole(path) as unfinished:
        save_file(dense, unfinished, dict(metadata))
        _sort_metadata(unfinished)


def load_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file, in its dtypes."""
    from safetensors.torch import load_file

    return load_file(path)


def _sort_metadata(path: Path) -> None:
    """Sort the metadata in the header, which the library writes in a different order each time."""
    with path.open("r+b") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        encoded = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        file.seek(8)
        file.write(encoded.ljust(length))
