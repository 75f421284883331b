"""Paths out of a workflow are untrusted: they stay inside the folders that the user's ComfyUI allows."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from .errors import InputError


def resolve_inside(name: str, roots: Sequence[Path], what: str) -> Path:
    """The existing file or folder that `name` means: relative to one of `roots`, or absolute and inside one.

    Symbolic links are followed before the check, so a link cannot lead outside. `what` names the input in
    messages. Raises `InputError` for a path outside every root and for one that does not exist.
    """
    candidates = [_resolved(root, name) for root in roots] if name.strip() else []
    inside = [path for path in candidates if any(is_inside(path, root) for root in roots)]
    existing = next((path for path in inside if path.exists()), None)
    if existing is not None:
        return existing
    folders = "\n".join(f"  {root}" for root in roots)
    if not name.strip():
        raise InputError(f"{what} is empty. Give a path relative to one of these folders:\n{folders}")
    if not inside:
        raise InputError(f"{what} is {name!r}, which lies outside the folders this ComfyUI may use for it:\n{folders}")
    raise InputError(f"{what} is {name!r}, but there is no such file or folder. Looked in:\n{folders}")


def is_inside(path: Path, root: Path) -> bool:
    """Whether `path`, with its symbolic links followed, is `root` or lies below it."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))


def _resolved(root: Path, name: str) -> Path:
    # A Windows path read on Linux must not turn into a file name with colons and backslashes in it.
    if os.name != "nt" and re.match(r"^[A-Za-z]:|^\\\\", name.strip()):
        return Path("/", name.strip())
    return Path(os.path.realpath(root / name.strip()))
