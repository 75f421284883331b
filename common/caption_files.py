"""Captions as text files beside their images, where trainers of the kohya kind look for them."""

import codecs
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .errors import InputError
from .files import free_name, written_whole
from .locks import lock_beside, locked
from .paths import is_inside

OFF = "off"
KEEP, APPEND, OVERWRITE = "keep", "append", "overwrite"
BackUp = Callable[[Path], object]  # called with a file whose words are about to go
WRITE_MODES = [OFF, KEEP, APPEND, OVERWRITE]
OPENED_BY = "tilewright_writable_folders"  # the key of extra_model_paths.yaml that allows more folders
AUTOMATIC = "auto"
ENCODINGS = [AUTOMATIC, "utf-8", "utf-16", "windows-1252", "windows-1250", "windows-1251", "shift_jis", "gb18030"]
ENCODINGS += ["big5", "euc-kr"]
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16's, which it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_LONGEST_START = 64  # letters
_OR_CHOOSE = ", or choose its encoding"
_OTHER_KINDS = {
    "{\\rtf": "a document in RTF; save it as plain text",
    "version https://git-lfs": "a pointer of Git LFS; fetch the file itself with 'git lfs pull'",
    "<!DOCTYPE": "a web page; download the text again",
    "<html": "a web page; download the text again",
    "PK\3\4": "a document or an archive; save it as plain text",
}


class UnreadableCaption(InputError):
    """A caption file that cannot be read. `reason` says why, without the file's name."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path.name} cannot be read as a caption: {reason}.")
        self.reason = reason


def split_phrases(caption: str) -> list[str]:
    """The phrases between commas, without the empty ones and superfluous spaces."""
    phrases = (" ".join(phrase.split()) for phrase in caption.split(","))
    return [phrase for phrase in phrases if phrase]


def read_text(path: Path, encoding: str = AUTOMATIC) -> str:
    """The words of a text file. `encoding` is one of `ENCODINGS`; a mark at the file's beginning overrules it.

    "auto" takes files without a mark for UTF-8. Raises `UnreadableCaption` for a file that is not so written, and for
    one that the system does not open.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableCaption(path, f"the system says {error.strerror!r}") from error
    marked = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "")
    wanted = marked or ("utf-8" if encoding == AUTOMATIC else encoding)
    try:
        text = content.decode(wanted)
    except UnicodeError:
        text = content.decode("latin-1")[:_LONGEST_START] + "\0"  # enough to tell what else it is
    if other := next((what for start, what in _OTHER_KINDS.items() if text.lstrip().startswith(start)), ""):
        raise UnreadableCaption(path, f"it is {other}")
    if "\0" not in text:
        return text
    automatic = encoding == AUTOMATIC
    kinds, or_choose = ("UTF-8 or UTF-16", _OR_CHOOSE) if automatic else (encoding, ", or choose another encoding")
    raise UnreadableCaption(path, f"not {kinds} text, so it is not used; save it as UTF-8{or_choose}")


def read_list_text(path: Path, what: str) -> str:
    """The text of a list that the user keeps, in UTF-8 or, with its mark, UTF-16 or UTF-32. Raises `InputError`, which
    calls the file `what`."""
    try:
        return read_text(path)
    except UnreadableCaption as error:
        raise InputError(f"{what} {path} cannot be read: {error.reason.removesuffix(_OR_CHOOSE)}.") from None


def check_writable(paths: Collection[Path], roots: Sequence[Path]) -> None:
    """Raise `InputError` for a file outside `roots`, where a link may lead."""
    real = {parent: any(is_inside(parent, root) for root in roots) for parent in {path.parent for path in paths}}
    for path in paths:
        if not real[path.parent] or (path.is_symlink() and not any(is_inside(path, root) for root in roots)):
            raise InputError(
                f"The caption file {path} lies outside the folders that a workflow may write to. Save the dataset "
                f"below the output folder first, or open its folder in extra_model_paths.yaml under {OPENED_BY}."
            )


def write_caption(path: Path, caption: str, mode: str, roots: Sequence[Path], back_up: BackUp | None = None) -> str:
    """Write one caption file; returns "written", "kept", "unchanged" or "unreadable".

    keep leaves an existing file alone, append adds the phrases that it does not hold yet, overwrite replaces it. What
    cannot be read is neither kept nor appended to: it is left as it is, "unreadable". `back_up` is called with a file
    that is about to be overwritten, such as `keep_backup`. A file that would stay the same is not touched, so nodes
    that watch it do not run again. Raises `InputError` for a file outside `roots`, where a link may lead.
    """
    check_writable([path], roots)
    existing: str | None = None
    if path.is_file():
        try:
            existing = read_text(path).strip()
        except UnreadableCaption:
            if mode != OVERWRITE:
                return "unreadable"
            existing = "\0"  # no caption: what is there goes
    if existing and mode == KEEP:
        return "kept"
    caption = merge_caption(existing or "", caption, mode)
    if existing == caption:
        return "unchanged"
    if back_up and existing and mode == OVERWRITE:
        back_up(path)
    with written_whole(path) as unfinished:
        unfinished.write_text(caption + "\n", encoding="utf-8")
    return "written"


@contextmanager
def captions_locked(files: Collection[Path], waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the folders of caption files against other processes that write captions there or save a dataset around
    them. `waiting` is called while one of them is at it, and may raise to give up."""
    parents = {file.parent for file in files}
    own = {lock_beside(parent / "captions") for parent in parents}
    around = {lock_beside(place) for parent in parents for place in (parent, *parent.parents) if place.name}
    with ExitStack() as held:
        for lock in sorted(own | {lock for lock in around if lock.is_file()}):  # in one order: nobody waits in a ring
            held.enter_context(locked(lock, waiting))
        yield


def keep_backup(path: Path) -> Path:
    """Copy a file beside itself, as `wall.txt.bak` or under the next free number; returns the copy."""
    name = free_name(path.name, lambda name: path.with_name(f"{name}.bak").exists())
    copy = path.with_name(f"{name}.bak")
    with written_whole(copy) as unfinished:
        unfinished.write_bytes(path.read_bytes())
    return copy


def merge_caption(existing: str, caption: str, mode: str) -> str:
    """An existing caption ("" for none) combined with a new one, by one of the three modes."""
    if not existing or mode == OVERWRITE:
        return caption
    known = {phrase.casefold() for phrase in split_phrases(existing)}
    new = [phrase for phrase in split_phrases(caption) if phrase.casefold() not in known]
    return ", ".join([existing, *new]) if mode == APPEND else existing
