"""Datasets in the editor: what a node listed, thumbnails, and the edits of captions."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import folder_paths

from ...captions.edits import LONGEST_CAPTION, Edit, Step
from ...captions.listing import Listed, Listing, file_stamp
from ...common.errors import InputError, UnreadableImage
from ...common.files import written_whole
from ...common.images import IMAGE_SUFFIXES
from ...common.thumbnails import thumbnail
from .. import edit_sets
from ..clip_tokens import count_tokens
from ..folders import file_of_key
from .serving import Conflict, NotThere, Reply, Route, text, whole

SIDES = {"small": 256, "large": 1280}  # px of the longer side
KEPT = 600  # s that a browser keeps a thumbnail whose address names the file's time of change
MOST_EDITED = 64 * 2**20  # bytes of one request: 50,000 captions replaced at once
MOST_COUNTED = 64  # captions
MOST_STEPS = 50  # of the history that are listed


def dataset(asked: Mapping[str, Any]) -> Reply:
    """A listing whole, by `listing` or `edits`; with the edits as they are where it is theirs."""
    listing = _listing(asked)
    answer = {"limit": listing.limit, "images": [_told(one, number) for number, one in enumerate(listing.images)]}
    if name := text(asked, "edits"):
        answer |= _state(name, -1)
    return Reply(answer)


def changes(asked: Mapping[str, Any]) -> Reply:
    """What others changed since the line `after` of the journal."""
    return Reply(_state(text(asked, "edits"), whole(asked, "after", 0, 0, 2**53)))


def image(asked: Mapping[str, Any]) -> Reply:
    """A thumbnail of image number `image` of a listing, as WebP."""
    images = _listing(asked).images
    number = whole(asked, "image", 0, 0, max(0, len(images) - 1))
    side = SIDES.get(text(asked, "size") or "small")
    if side is None or not images:
        raise InputError("There is no such size. It is small or large.")
    try:
        file = _file(images[number])
        picture = _thumbnail(file, images[number], _listing(asked).background, side)
        fresh = text(asked, "stamp") == file_stamp(file)
        return Reply(picture, "image/webp", KEPT if fresh else 0)
    except UnreadableImage as error:
        raise NotThere(str(error)) from error


def edit(asked: Mapping[str, Any]) -> Reply:
    """Change captions, or take images out and in: all that were asked for or, where one is not as shown, none."""
    name, what = text(asked, "edits"), text(asked, "what")
    wanted, after = asked.get("changes"), _after(asked)
    if not isinstance(wanted, dict) or not wanted:
        raise InputError("changes must be an object: image -> {caption, excluded, shown}.")
    incoming = {one.key: one.caption for one in _kept(name).images if one.key in wanted}
    number = edit_sets.journal_of(name).add(what, lambda held: _decided(wanted, held, incoming))
    return Reply(_state(name, number - 1 if after is None else after))


def undo(asked: Mapping[str, Any]) -> Reply:
    """Take back the latest step, whose number is given so that nobody takes back another's."""
    return _turned(asked, "undo")


def redo(asked: Mapping[str, Any]) -> Reply:
    """Do again what was taken back."""
    return _turned(asked, "redo")


def tokens(asked: Mapping[str, Any]) -> Reply:
    """How many tokens captions have, while they are being written."""
    captions = asked.get("captions")
    if not isinstance(captions, list) or len(captions) > MOST_COUNTED:
        raise InputError(f"captions must be a list of at most {MOST_COUNTED} texts.")
    return Reply({"tokens": [count_tokens(_caption(one)) for one in captions]})


def _turned(asked: Mapping[str, Any], which: str) -> Reply:
    name, number = text(asked, "edits"), whole(asked, "step", 0, 0, 2**53)
    _kept(name)  # nothing is made for a name that nobody uses
    journal = edit_sets.journal_of(name)
    after = _after(asked)
    before = journal.last() if after is None else after
    try:
        journal.undo(number) if which == "undo" else journal.redo(number)
    except InputError as error:
        raise Conflict(str(error), _state(name, before)) from None
    return Reply(_state(name, before))


def _after(asked: Mapping[str, Any]) -> int | None:
    """The line that whoever asks knows already, None where it does not say."""
    return whole(asked, "after", 0, 0, 2**53) if "after" in asked else None


def _decided(wanted: Mapping[str, Any], held: Mapping[str, Edit], incoming: Mapping[str, str]) -> dict[str, Edit]:
    """The edits that `wanted` asks for. Raises `Conflict` where an image no longer is as it was shown."""
    decided, otherwise = {}, {}
    for key, change in wanted.items():
        if key not in incoming or not isinstance(change, dict):
            raise InputError(f"{key[:200]!r} is no image of this dataset.")
        edit = held.get(key, Edit())
        shown = change.get("shown")
        now = edit.caption_of(incoming[key])
        if not isinstance(shown, dict) or shown.get("caption") != now or shown.get("excluded") != edit.excluded:
            otherwise[key] = _edit_told(edit) | {"holds": now}
        decided[key] = _changed(edit, change, incoming[key])
    if otherwise:
        raise Conflict("Somebody else has changed this since it was shown. Nothing was overwritten.", otherwise)
    return decided


def _changed(edit: Edit, change: Mapping[str, Any], incoming: str) -> Edit:
    excluded = change.get("excluded", edit.excluded)
    if not isinstance(excluded, bool):
        raise InputError("excluded must be true or false.")
    if "caption" not in change:
        return Edit(edit.caption, excluded, edit.seen)
    if change["caption"] is None:
        return Edit(None, excluded)
    return Edit(_caption(change["caption"]), excluded, incoming)


def _caption(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_CAPTION:
        raise InputError(f"A caption must be a text of at most {LONGEST_CAPTION} letters.")
    return " ".join(value.split())


def _state(name: str, after: int) -> dict[str, Any]:
    journal = edit_sets.journal_of(name)
    last, changed = journal.last(), journal.changed_since(after)
    done, undone = journal.steps()
    return {
        "last": last,
        "changed": {key: _edit_told(one) for key, one in changed.items()},
        "done": [_step_told(step) for step in done[-MOST_STEPS:]],
        "undone": [_step_told(step) for step in undone[-MOST_STEPS:]],
    }


def _edit_told(one: Edit) -> dict[str, Any]:
    state = {"caption": one.caption, "excluded": one.excluded, "seen": one.seen}
    return state if one.caption is None else state | {"tokens": count_tokens(one.caption)}


def _step_told(step: Step) -> dict[str, Any]:
    return {"step": step.number, "what": step.what, "time": step.time, "images": len(step.changes)}


def _told(one: Listed, number: int) -> dict[str, Any]:
    return {
        "image": number,
        "key": one.key,
        "caption": one.caption,
        "map": one.map,
        "material": one.material,
        "size": one.size,
        "tokens": one.tokens,
        "hand": one.hand_edited,
        "regularisation": one.regularisation,
        "badges": one.badges,
        "stamp": one.stamp,
    }


def _listing(asked: Mapping[str, Any]) -> Listing:
    if name := text(asked, "edits"):
        return _kept(name)
    try:
        return edit_sets.shown_listing(text(asked, "listing"))
    except FileNotFoundError:
        raise NotThere("This dataset was shown before ComfyUI was started anew. Run the node again.") from None


def _kept(name: str) -> Listing:
    try:
        return edit_sets.kept_listing(name)
    except FileNotFoundError:
        raise NotThere(f"There is no dataset for the edits {name!r} yet. Run the node first.") from None


def _file(one: Listed) -> Path:
    file = file_of_key(one.key)
    if file.suffix.lower() not in IMAGE_SUFFIXES or not file.is_file():
        raise NotThere(f"{one.key} is no image.")
    return file


def _thumbnail(file: Path, one: Listed, background: tuple[float, float, float], side: int) -> bytes:
    seen = f"{file}\n{file_stamp(file)}\n{one.map}\n{one.reading}\n{background}\n{side}"
    digest = hashlib.sha256(seen.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    kept = Path(folder_paths.get_temp_directory(), "tilewright", "thumbnails", f"{digest}.webp")
    if not kept.is_file():
        picture = thumbnail(file, one.map, one.reading, background, side)
        with written_whole(kept) as unfinished:
            unfinished.write_bytes(picture)
        return picture
    return kept.read_bytes()


READS = "Reads `output/captions/<edits>/dataset.json`, or `temp/tilewright/datasets/<listing>.json`"
JOURNAL = "`output/captions/<edits>/edits.jsonl`"
WRITES = f"Adds a line to {JOURNAL}; reads `dataset.json` beside it."
ROUTES = [
    Route("GET", "/tilewright/dataset", dataset, f"{READS}, and {JOURNAL}."),
    Route("GET", "/tilewright/dataset/changes", changes, f"Reads {JOURNAL}."),
    Route(
        "GET",
        "/tilewright/dataset/image",
        image,
        f"{READS}, and the image of that number inside the readable folders; keeps its thumbnail in "
        "`temp/tilewright/thumbnails`.",
    ),
    Route("POST", "/tilewright/dataset/edit", edit, WRITES, MOST_EDITED),
    Route("POST", "/tilewright/dataset/undo", undo, WRITES),
    Route("POST", "/tilewright/dataset/redo", redo, WRITES),
    Route("POST", "/tilewright/dataset/tokens", tokens, "Reads nothing."),
]
