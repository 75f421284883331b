"""Files of weights that a user gives: read whole, or named for what they are."""

import re
from collections.abc import Mapping
from pathlib import Path

import comfy.utils
import torch

from ..common.errors import InputError
from ..common.untrusted_json import parse_untrusted_json
from .out_of_memory import is_out_of_memory

_AGAIN = "download or copy it again"
_REWRITTEN = "have the program that wrote it write it as the format has it"
_SAFETENSORS_HEADER = 100_000_000  # bytes of JSON at most, by the library that reads it
_TEXTS = {
    b"version https://git-lfs": "a pointer of Git LFS; fetch the file itself with 'git lfs pull'",
    b"<!DOCTYPE": f"a web page; {_AGAIN}",
    b"<!doctype": f"a web page; {_AGAIN}",
    b"<html": f"a web page; {_AGAIN}",
    b"{": f"a text in JSON, no file of weights; {_AGAIN}",
}
_MORE = "holds more than tensors, which may run programs"
_ZIP = b"PK\3\4"
_PICKLE = re.compile(rb"\x80[\2-\5].{7}", re.DOTALL)  # its protocol and more than the length of a header
_TERMINAL = re.compile(r"\x1b\[[0-9;]*m")  # colours, in which torch writes its errors


def read_weights(path: Path, what: str) -> tuple[Mapping[str, torch.Tensor], Mapping[str, str]]:
    """The tensors of a file of weights and what it says of itself. `what` names the file in messages, as "The LoRA
    walls/brick.safetensors".

    Raises `InputError` for a file that cannot be read, with what it is, and for one without tensors; errors of memory
    pass.
    """
    try:
        with path.open("rb") as file:
            first = file.read(64)
    except OSError as error:
        raise InputError(f"{what} cannot be read: the system says {error.strerror!r}.") from None
    try:
        tensors, metadata = comfy.utils.load_torch_file(str(path), safe_load=True, return_metadata=True)
    except Exception as error:  # the readers of damaged files raise anything
        if is_out_of_memory(error):
            raise
        raise InputError(f"{what} cannot be read: {_reason(path, first, error)}.") from None
    found = tensors if isinstance(tensors, dict) else {}
    weights = {str(name): value for name, value in found.items() if isinstance(value, torch.Tensor)}
    if not weights:
        raise InputError(f"{what} holds no weights at all. Choose another file, or {_AGAIN}.")
    return weights, metadata or {}


def spoilt_tensors(weights: Mapping[str, torch.Tensor]) -> int:
    """How many of the tensors hold NaN or infinite values."""
    return sum(not bool(value.float().isfinite().all()) for value in weights.values())


def _reason(path: Path, first: bytes, error: Exception) -> str:
    """Why a file that begins with `first` cannot be read."""
    if isinstance(error, OSError) and error.errno and error.strerror:
        return f"the system says {error.strerror!r}"
    if not first:
        return f"it is empty; {_AGAIN}"
    told = " ".join(_TERMINAL.sub("", str(error)).partition("\n\n")[0].replace(str(path), path.name).split())
    damaged = f"it is damaged or copied only in part; {_AGAIN} ({told[:200]})"
    named_safetensors = path.suffix.lower() in (".safetensors", ".sft")
    if _begins_as_safetensors(first):
        if odd := _odd_header(path):
            return odd
        return damaged if named_safetensors else "it is a safetensors file; give it a name that ends in .safetensors"
    if named_safetensors and first.startswith(_ZIP):
        return "it is a file of PyTorch, whatever its name says; rename it to .pt, or convert it to safetensors"
    if named_safetensors and _PICKLE.match(first):
        return "it is a pickle, which may run programs; convert it to safetensors"
    refused = told.startswith("Weights only load failed")
    if refused and first.startswith(_ZIP):
        return f"it {_MORE}; convert it to safetensors"
    if refused and _PICKLE.match(first):  # which has no end that would tell
        return f"it {_MORE}, or was copied only in part; convert it to safetensors, or {_AGAIN}"
    text = next((kind for start, kind in _TEXTS.items() if first.startswith(start)), "")
    return f"it is {text}" if text else damaged


def _odd_header(path: Path) -> str:
    """What is wrong with a safetensors file's header, which is there whole, as some programs write it; else ""."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = file.read(length)
    if len(header) < length:
        return ""
    try:
        found = parse_untrusted_json(header.decode("utf-8"), unique=True)
    except UnicodeDecodeError:
        return f"its header is not UTF-8 text; {_REWRITTEN}, or {_AGAIN}"
    except InputError as error:
        return f"its header {str(error).rstrip('.')}; {_REWRITTEN}, or {_AGAIN}"
    metadata = found.get("__metadata__", {}) if isinstance(found, dict) else {}
    odd = [name for name, value in metadata.items() if not isinstance(value, str)] if isinstance(metadata, dict) else []
    if isinstance(metadata, dict) and not odd:
        return ""
    what = f"'{odd[0][:60]}' in its metadata is no text" if odd else "its metadata is no list of names and texts"
    return f"{what}, which the format does not allow; {_REWRITTEN}"


def _begins_as_safetensors(first: bytes) -> bool:
    """With the length of its header, and the header, which is JSON."""
    return first[8:9] == b"{" and 0 < int.from_bytes(first[:8], "little") <= _SAFETENSORS_HEADER
