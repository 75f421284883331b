"""Files of weights that a user gives: read whole, or named for what they are."""

import codecs
import re
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import comfy.utils
import torch

from ..common.errors import InputError
from ..common.untrusted_json import parse_untrusted_json
from .out_of_memory import is_out_of_memory

_AGAIN = "download or copy it again"
_REWRITTEN = "have the program that wrote it write it as the format has it"
_SAFETENSORS_HEADER = 100_000_000  # bytes of JSON at most, by the library that reads it
_OTHERS = {  # by how they begin, whatever the name says
    b"version https://git-lfs": "a pointer of Git LFS; fetch the file itself with 'git lfs pull'",
    b"<!doctype": f"a web page; {_AGAIN}",
    b"<html": f"a web page; {_AGAIN}",
    b"<?xml": f"a text in XML, no file of weights; {_AGAIN}",
    b"{": f"a text in JSON, no file of weights; {_AGAIN}",
    b"gguf": "a GGUF file, which ComfyUI does not read; choose the file in safetensors",
    b"7z\xbc\xaf\x27\x1c": "an archive (7z); unpack it",
    b"rar!\x1a\x07": "an archive (RAR); unpack it",
    b"\x1f\x8b": "an archive (gzip); unpack it",
    b"\xfd7zxz": "an archive (xz); unpack it",
    b"(\xb5/\xfd": "an archive (Zstandard); unpack it",
    b"\x89png": "a picture; choose the file of weights",
    b"\xff\xd8\xff": "a picture; choose the file of weights",
    b"\x89hdf": "an HDF5 file, which ComfyUI does not read; choose the file in safetensors",
}
_MORE = "holds more than tensors, which may run programs"
_LONGEST_ANSWER = 2000  # bytes
_PART = re.compile(r"-(\d+)-of-(\d+)\.[^.]*$")  # as transformers and diffusers cut large files
_ZIP = b"PK\3\4"
_PICKLE = re.compile(rb"\x80[\2-\5].{7}", re.DOTALL)  # its protocol and more than the length of a header
_TERMINAL = re.compile(r"\x1b\[[0-9;]*m")  # colours, in which torch writes its errors


def read_weights(path: Path, what: str) -> tuple[Mapping[str, torch.Tensor], Mapping[str, str]]:
    """The tensors of a file of weights and what it says of itself. `what` names the file in messages, as "The LoRA
    walls/brick.safetensors".

    Raises `InputError` for a file that cannot be read, with what it is, and for one without tensors; errors of memory
    pass.
    """
    if (part := _PART.search(path.name)) and int(part[2]) > 1:
        raise InputError(
            f"{what} is part {int(part[1])} of {int(part[2])} of a file, by its name: its other layers would be "
            "missing. Join the parts into one file, or download it whole."
        )
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
    plain_zip = first.startswith(_ZIP) and not _holds_pickle(path)
    if _begins_as_safetensors(first):
        if odd := _odd_header(path):
            return odd
        return damaged if named_safetensors else "it is a safetensors file; give it a name that ends in .safetensors"
    if plain_zip:
        return "it is an archive (ZIP); unpack it"
    if named_safetensors and first.startswith(_ZIP):
        return "it is a file of PyTorch, whatever its name says; rename it to .pt, or convert it to safetensors"
    if named_safetensors and _PICKLE.match(first):
        return "it is a pickle, which may run programs; convert it to safetensors"
    refused = told.startswith("Weights only load failed")
    if refused and first.startswith(_ZIP):
        return f"it {_MORE}; convert it to safetensors"
    if refused and _PICKLE.match(first):  # which has no end that would tell
        return f"it {_MORE}, or was copied only in part; convert it to safetensors, or {_AGAIN}"
    begins = first.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    other = next((kind for start, kind in _OTHERS.items() if begins.startswith(start)), "") or _text(path)
    return f"it is {other}" if other else damaged


def _holds_pickle(path: Path) -> bool:
    """Whether a ZIP is one of PyTorch; a damaged one may be."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("data.pkl") for name in archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return True


def _text(path: Path) -> str:
    """A short text of a server in words, "" for anything else."""
    if path.stat().st_size > _LONGEST_ANSWER:
        return ""
    with suppress(UnicodeDecodeError):
        text = " ".join(path.read_bytes().decode("utf-8").split())
        if text and text.isprintable():
            return f"a text that begins with '{text[:60]}', no file of weights; {_AGAIN}"
    return ""


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
