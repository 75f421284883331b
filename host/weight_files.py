"""Files of weights that a user gives: read whole, or named for what they are."""

from collections.abc import Mapping
from pathlib import Path

import comfy.utils
import torch

from ..common.errors import InputError

_AGAIN = "download or copy it again"
_OTHER_KINDS = {
    b"version https://git-lfs": "a pointer of Git LFS; fetch the file itself with 'git lfs pull'",
    b"<!DOCTYPE": f"a web page; {_AGAIN}",
    b"<!doctype": f"a web page; {_AGAIN}",
    b"<html": f"a web page; {_AGAIN}",
    b"{": f"a text in JSON, no file of weights; {_AGAIN}",
}
_OF_SAFETENSORS = {
    b"PK\3\4": "a file of PyTorch, whatever its name says; rename it to .pt, or convert it to safetensors",
    b"\x80": "a pickle, which may run programs; convert it to safetensors",
}


def read_weights(path: Path, what: str) -> tuple[Mapping[str, torch.Tensor], Mapping[str, str]]:
    """The tensors of a file of weights and what it says of itself. `what` names the file in messages ("The LoRA").

    Raises `InputError` for a file that cannot be read, with what it is, and for one without tensors.
    """
    try:
        tensors, metadata = comfy.utils.load_torch_file(str(path), safe_load=True, return_metadata=True)
    except Exception as error:  # the readers of damaged files raise anything
        raise InputError(f"{what} {path.name} cannot be read: it is {_kind(path, error)}.") from None
    found = tensors if isinstance(tensors, dict) else {}
    weights = {str(name): value for name, value in found.items() if isinstance(value, torch.Tensor)}
    if not weights:
        raise InputError(f"{what} {path.name} holds no weights at all. Choose another file, or {_AGAIN}.")
    return weights, metadata or {}


def _kind(path: Path, error: Exception) -> str:
    with path.open("rb") as file:
        first = file.read(64)
    if not first:
        return f"empty; {_AGAIN}"
    kinds = _OTHER_KINDS | (_OF_SAFETENSORS if path.suffix.lower() in (".safetensors", ".sft") else {})
    known = next((kind for start, kind in kinds.items() if first.startswith(start)), "")
    return known or f"damaged or copied only in part; {_AGAIN} ({' '.join(str(error).split())[:200]})"
