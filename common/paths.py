"""Paths from workflows are untrusted: they stay inside the folders that the user's ComfyUI allows."""

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from .errors import InputError

OPENED_BY = "tilewright_datasets"  # the key of extra_model_paths.yaml that allows more folders to be read
RESERVED_ON_WINDOWS = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def resolve_inside(name: str, roots: Sequence[Path], what: str, opened_by: str = OPENED_BY) -> Path:
    """The existing file or folder that `name` means: relative to one of `roots`, or absolute and inside one.

    A name that leads elsewhere by what it says is refused before the file system is asked, since asking for a network
    path alone gives a user's credentials away. Symbolic links are followed, so a link cannot lead outside either.
    `what` names the input in messages, `opened_by` the key that allows more folders. Raises `InputError`.
    """
    name = name.strip()
    folders = "\n".join(f"  {root}" for root in roots)
    if not name:
        raise InputError(f"{what} is empty. Give a path relative to one of these folders:\n{folders}")
    if _is_foreign(name):
        raise InputError(f"{what} is {name!r}, which lies outside the folders this ComfyUI may use for it:\n{folders}")
    own = [root for root in roots if _says_inside(name, root)]
    try:
        candidates = [Path(os.path.realpath(root / name)) for root in own]
        inside = [path for path in candidates if any(is_inside(path, root) for root in roots)]
        existing = next((path for path in inside if path.exists()), None)
        links = [path for path in candidates if path not in inside and path.exists()]
    except (OSError, ValueError):  # too long, or in letters that the file system does not have
        raise InputError(f"{what} is {name[:200]!r}, which no file or folder can be called.") from None
    if existing is not None:
        if not (existing.is_file() or existing.is_dir()):  # reading from a pipe would wait for ever
            raise InputError(f"{what} is {name!r}, which is neither a file nor a folder but a pipe or a device.")
        return existing
    if links:
        raise InputError(
            f"{what} is {name!r}, a link that leads outside the folders this ComfyUI may use for it, to {links[0]}. "
            f"To allow that place, list it in extra_model_paths.yaml under {opened_by}."
        )
    if not own:
        raise InputError(f"{what} is {name!r}, which lies outside the folders this ComfyUI may use for it:\n{folders}")
    raise InputError(f"{what} is {name!r}, but there is no such file or folder. Looked in:\n{folders}")


def is_inside(path: Path, root: Path) -> bool:
    """Whether `path`, with its symbolic links followed, is `root` or lies below it."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))


def _is_foreign(name: str) -> bool:
    """Whether a name is a network path, a device or another system's absolute path, on whatever system it is read."""
    if re.search(r"[\x00-\x1f]", name) or name.startswith(("\\\\", "//", "~")):
        return True
    parts = re.split(r"[/\\]", name)
    if any(part.split(".")[0].strip().lower() in RESERVED_ON_WINDOWS for part in parts):
        return True
    windows = bool(PureWindowsPath(name).drive) or name.startswith("\\")
    return windows and os.name != "nt"


def _says_inside(name: str, root: Path) -> bool:
    """Whether a name leads into `root` as it is written, before links are followed."""
    said = os.path.normpath(os.path.join(root, name))
    return any(Path(said).is_relative_to(one) for one in (os.path.normpath(root), os.path.realpath(root)))


def is_plain_name(name: str) -> bool:
    """Whether `name` is the name of a file in a folder, and no path to elsewhere."""
    return bool(name) and not _is_foreign(name) and PurePosixPath(name).name == name and "\\" not in name
