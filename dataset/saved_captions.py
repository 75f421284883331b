"""The captions of a saved dataset: text files in kohya's layout, a metadata.jsonl in Hugging Face's."""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common.caption_files import (
    OVERWRITE,
    BackUp,
    UnreadableCaption,
    merge_caption,
    read_text,
    write_caption,
)
from ..common.files import written_whole
from ..common.texture_dataset import Sample
from .caption_lookup import METADATA, parse_metadata
from .save_plan import KOHYA, Plan, Saving
from .written_files import WrittenCaption, caption_digest


@dataclass(frozen=True)
class Written:
    """reason: why there is no file, None where there is. same_picture: what stood there before was that picture."""

    reason: str | None = None
    same_picture: bool = True


def write_captions(
    written: Sequence[tuple[Plan, Written]], saving: Saving, leaving: Collection[Path], back_up: BackUp
) -> Counter[str]:
    """Write the captions of images that were just saved; how many were "written", "kept", ... by `saving.captions`.

    leaving are images of an earlier run that are about to go; back_up is called with each file that loses words.
    """
    if saving.layout == KOHYA:
        return Counter(_write_caption(plan, outcome, saving, back_up) for plan, outcome in written)
    folders = dict.fromkeys(plan.target.parent for plan, _ in written)
    return sum((_write_metadata(folder, written, saving, leaving, back_up) for folder in folders), Counter())


def _write_caption(plan: Plan, outcome: Written, saving: Saving, back_up: BackUp) -> str:
    path = plan.target.with_suffix(".txt")
    carried = "" if outcome.same_picture and path.is_file() else carried_caption(plan)
    if carried:
        write_caption(path, carried, OVERWRITE, saving.roots, None if _has_own_words(plan, path) else back_up)
    mode = saving.captions if outcome.same_picture or carried else OVERWRITE
    return write_caption(path, plan.sample.caption, mode, saving.roots, None if _has_own_words(plan, path) else back_up)


def _has_own_words(plan: Plan, path: Path) -> bool:
    return path.is_file() and _is_own(plan, _text_of(path))


def _is_own(plan: Plan, text: str) -> bool:
    """Whether the words are those that a former run left: they need no backup."""
    return bool(plan.own_words) and plan.own_words == caption_digest(text)


def _text_of(path: Path) -> str:
    try:
        return read_text(path)
    except UnreadableCaption:
        return ""


def left_captions(written: Sequence[tuple[Plan, Written]], layout: str) -> dict[Path, WrittenCaption]:
    """What this dataset's own captions left beside images that were just saved; not the words that were there."""
    texts: dict[Path, str] = {}
    if layout == KOHYA:
        files = {plan.target: plan.target.with_suffix(".txt") for plan, _ in written}
        texts = {target: _text_of(file) for target, file in files.items() if file.is_file()}
    else:
        for folder in dict.fromkeys(plan.target.parent for plan, _ in written):
            texts |= {folder / name: entry["text"] for name, entry in _entries(folder / METADATA)[0].items()}
    left = {}
    for plan, _ in written:
        text, own = " ".join(texts.get(plan.target, "").split()), " ".join(plan.sample.caption.split())
        if own and (text == own or (plan.sample.hand_edited and own in text)):
            left[plan.target] = WrittenCaption(caption_digest(text), plan.sample.hand_edited)
    return left


def carried_caption(plan: Plan) -> str:
    """The caption that the picture had where an earlier run put it, which may have been written by hand since."""
    if not plan.earlier:
        return ""
    try:
        if plan.earlier.with_suffix(".txt").is_file():
            return read_text(plan.earlier.with_suffix(".txt")).strip()
        metadata = plan.earlier.parent / METADATA
        entries = parse_metadata(read_text(metadata)).entries if metadata.is_file() else {}
    except UnreadableCaption:
        return ""
    return entries.get(plan.earlier.name, {}).get("text", "")


def _write_metadata(
    folder: Path, written: Sequence[tuple[Plan, Written]], saving: Saving, leaving: Collection[Path], back_up: BackUp
) -> Counter[str]:
    """One line for each image; lines of other images that stay do too."""
    path = folder / METADATA
    existing, understood = _entries(path)
    staying = {name for name in existing if (folder / name).is_file() and folder / name not in leaving}
    entries = {name: entry for name, entry in existing.items() if name in staying}
    outcome: Counter[str] = Counter()
    for plan, how in written:
        if plan.target.parent == folder:
            kept = existing.get(plan.target.name, {}).get("text", "") if how.same_picture else ""
            old = kept or carried_caption(plan)
            text = merge_caption(old, plan.sample.caption, saving.captions)
            outcome["written" if text != old else "kept"] += 1
            entries[plan.target.name] = _metadata_entry(plan.sample, plan.target.name, text)
    own = {plan.target.name: plan for plan, _ in written if plan.target.parent == folder}
    lost = [name for name, entry in existing.items() if not _still_says(entries.get(name, {}), entry["text"])]
    if not understood or any(name not in own or not _is_own(own[name], existing[name]["text"]) for name in lost):
        back_up(path)
    with written_whole(path) as unfinished:
        lines = [json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries.values()]
        unfinished.write_text("".join(lines), encoding="utf-8")
    return outcome


def _still_says(entry: Mapping[str, Any], text: str) -> bool:
    return str(entry.get("text", "")).startswith(text)


def _entries(path: Path) -> tuple[dict[str, dict[str, Any]], bool]:
    """What a metadata.jsonl says of each file, and whether that is all that it says; of none: ({}, True)."""
    if not path.is_file():
        return {}, True
    try:
        lines = parse_metadata(read_text(path))
    except UnreadableCaption:
        return {}, False
    return lines.entries, not (lines.bad or lines.without_text)


def _metadata_entry(sample: Sample, name: str, text: str) -> dict[str, Any]:
    return {
        "file_name": name,
        "text": text,
        "map": sample.map,
        "material": sample.material,
        "tileable": sample.tileable,
        "repeats": sample.repeats,
    }
