"""A disk cache of encoded images and captions, addressed by the content they were made from."""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch

from ..common.errors import UnreadableImage
from ..common.files import content_digest
from .checkpoint import save_tensors

FORMAT = "tilewright-kept-tensors-1"  # another one whenever encoding itself changes


def kept(
    folder: Path | None, facts: Sequence[object], make: Callable[[], dict[str, torch.Tensor]]
) -> dict[str, torch.Tensor]:
    """What `make` gives, read from `folder` where an earlier run made it from the same `facts`.

    facts are numbers, words and tuples of them, and everything that the result depends on is among them: then nothing
    stale is ever found. Without a folder nothing is kept.
    """
    if folder is None:
        return make()
    digest = hashlib.blake2b(repr((FORMAT, *facts)).encode(), digest_size=20).hexdigest()
    path = folder / f"{digest}.safetensors"
    found = _read(path) if path.exists() else None
    if found is None:
        found = make()
        save_tensors(path, found, {"format": FORMAT})
    return found


def file_digest(path: Path) -> str:
    """Of the file's content. Raises `UnreadableImage`."""
    try:
        return content_digest(path, partial(hashlib.blake2b, digest_size=20))
    except OSError as error:
        raise UnreadableImage(path, f"the system says {error.strerror!r}") from error


def _read(path: Path) -> dict[str, torch.Tensor] | None:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError):  # a disk has damaged it: it is made again
        return None
