"""Errors that say that memory has run out, of a device or of the machine."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

import comfy.model_management

from ..common.errors import InputError

# PyTorch has a class of its own for CUDA alone: the CPU's, Apple's and DirectML's are plain RuntimeErrors.
_TOLD = re.compile(
    r"out of memory|can't allocate memory|not enough (GPU video )?memory|failed to allocate memory|ALLOC_FAILED", re.I
)
_OF_A_CARD = re.compile(r"CUDA|CUBLAS|GPU")  # whose error has no class of its own, so that the host does not know it
_ASKED = re.compile(r"tried to allocate (\d+) bytes")


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error of PyTorch, onnxruntime, the system or Python is one."""
    if isinstance(error, MemoryError) or comfy.model_management.is_oom(error):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    says_itself = isinstance(error, RuntimeError) or type(error).__module__.startswith("onnxruntime")
    return says_itself and _TOLD.search(str(error)) is not None


@contextmanager
def lack_of_memory_told(who: str) -> Iterator[None]:
    """Turn a lack of memory that the host does not know as one into an `InputError` that says what to do."""
    try:
        yield
    except Exception as error:
        if comfy.model_management.is_oom(error) or not is_out_of_memory(error):
            raise
        asked = _ASKED.search(str(error))
        piece = f", {int(asked[1]) / 1e9:.3g} GB in one piece" if asked else ""
        place = "the graphics card" if _OF_A_CARD.search(str(error)) else "this machine"
        raise InputError(
            f"{who} asked for more memory than {place} has left{piece}. Take fewer or smaller pictures, or close "
            "other programs."
        ) from error
