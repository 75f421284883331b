"""Captions as text files beside their images, where trainers of the kohya kind look for them."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..common.errors import InputError
from ..common.files import written_whole
from ..common.paths import is_inside
from ..common.texture_dataset import TextureDataset
from .phrases import split_phrases

OFF = "off"
KEEP, APPEND, OVERWRITE = "keep", "append", "overwrite"
WRITE_MODES = [OFF, KEEP, APPEND, OVERWRITE]


def write_sidecars(dataset: TextureDataset, mode: str, roots: Sequence[Path]) -> Counter:
    """Write every caption to <image>.txt; returns how many were "written", "kept" and "unchanged".

    keep leaves existing files alone, append adds the phrases that they do not hold yet, overwrite replaces them.
    A file that would stay the same is not touched, so nodes that watch it do not run again. Raises `InputError`
    for a file outside `roots`, where a link may lead.
    """
    return Counter(_write(sample.file.with_suffix(".txt"), sample.caption, mode, roots) for sample in dataset.samples)


def _write(path: Path, caption: str, mode: str, roots: Sequence[Path]) -> str:
    if not any(is_inside(path, root) for root in roots):
        raise InputError(f"The caption file {path} lies outside the folders that this ComfyUI may write to.")
    existing = path.read_text(encoding="utf-8-sig", errors="replace").strip() if path.is_file() else None
    if existing and mode == KEEP:
        return "kept"
    if existing and mode == APPEND:
        known = {phrase.casefold() for phrase in split_phrases(existing)}
        new = [phrase for phrase in split_phrases(caption) if phrase.casefold() not in known]
        caption = ", ".join([existing, *new])
    if existing == caption:
        return "unchanged"
    with written_whole(path) as unfinished:
        unfinished.write_text(caption + "\n", encoding="utf-8")
    return "written"
