"""Captions as text files beside their images, where trainers of the kohya kind look for them."""

from collections.abc import Sequence
from pathlib import Path

from .errors import InputError
from .files import written_whole
from .paths import is_inside

OFF = "off"
KEEP, APPEND, OVERWRITE = "keep", "append", "overwrite"
WRITE_MODES = [OFF, KEEP, APPEND, OVERWRITE]


def split_phrases(caption: str) -> list[str]:
    """The phrases between commas, without the empty ones and superfluous spaces."""
    phrases = (" ".join(phrase.split()) for phrase in caption.split(","))
    return [phrase for phrase in phrases if phrase]


def write_caption(path: Path, caption: str, mode: str, roots: Sequence[Path]) -> str:
    """Write one caption file; returns "written", "kept" or "unchanged".

    keep leaves an existing file alone, append adds the phrases that it does not hold yet, overwrite replaces it.
    A file that would stay the same is not touched, so nodes that watch it do not run again. Raises `InputError`
    for a file outside `roots`, where a link may lead.
    """
    if not any(is_inside(path, root) for root in roots):
        raise InputError(f"The caption file {path} lies outside the folders that this ComfyUI may write to.")
    existing = path.read_text(encoding="utf-8-sig", errors="replace").strip() if path.is_file() else None
    if existing and mode == KEEP:
        return "kept"
    caption = merge_caption(existing or "", caption, mode)
    if existing == caption:
        return "unchanged"
    with written_whole(path) as unfinished:
        unfinished.write_text(caption + "\n", encoding="utf-8")
    return "written"


def merge_caption(existing: str, caption: str, mode: str) -> str:
    """What is left of an existing caption, "" for none, and a new one in one of the three modes."""
    if not existing or mode == OVERWRITE:
        return caption
    known = {phrase.casefold() for phrase in split_phrases(existing)}
    new = [phrase for phrase in split_phrases(caption) if phrase.casefold() not in known]
    return ", ".join([existing, *new]) if mode == APPEND else existing
