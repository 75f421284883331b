"""Choices in a prompt: {red|grey}, {3::red|grey} and __colors__ stand for one of several texts, drawn by a seed."""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..common.caption_files import read_list_text
from ..common.errors import InputError

OWN_LISTS = Path(__file__).parent / "word_lists"
LARGEST_LIST = 2**20  # bytes
DEEPEST, LONGEST = 16, 100_000  # lists may name lists; one that comes back to itself would go on for ever
_CHOICE = re.compile(r"\{([^{}]*)\}|__([A-Za-z0-9][A-Za-z0-9-]*(?:_[A-Za-z0-9-]+)*)__")
_WEIGHT = re.compile(r"\s*(\d+(?:\.\d+)?)::")

Lists = Mapping[str, Sequence[str]]


def read_lists(folders: Sequence[Path]) -> dict[str, list[str]]:
    """The word lists of all `folders` by name: every <name>.txt, one entry a line, # for remarks.

    Lists of one name are joined, so that a user's file adds to the pack's own; a line "- entry" takes an entry out.
    Raises `InputError` for a file that is not text.
    """
    lists: dict[str, list[str]] = {}
    for file in (file for folder in folders for file in sorted(folder.glob("*.txt"))):
        entries = lists.setdefault(file.stem, [])
        for line in filter(None, map(str.strip, _read(file).splitlines())):
            if line.startswith("- "):
                entries[:] = [entry for entry in entries if entry != line[2:].strip()]
            elif not line.startswith("#") and line not in entries:
                entries.append(line)
    return lists


def fill_choices(text: str, lists: Lists, seed: str, preferred: Callable[[str], bool] = lambda option: False) -> str:
    """`text` with every choice made; the same text, lists and seed make the same choices.

    Of options some of which are `preferred`, only those are drawn. Braces may hold braces, and entries further choices.
    Raises `InputError` for a list that is missing, empty or comes back to itself, and for a lone brace.
    """
    draw = random.Random(seed)

    def choose(found: re.Match[str]) -> str:
        weighed = [(entry, 1.0) for entry in _entries(found[2], lists)] if found[2] else _options(found[1])
        liked = [(option, weight) for option, weight in weighed if preferred(option)]
        return _draw(liked or weighed, draw.random())

    for _ in range(DEEPEST):
        filled = _CHOICE.sub(choose, text)
        if filled == text:
            break
        if len(filled) > LONGEST:
            raise InputError(f"The choices in {text[:100]!r} grow without end. Let no word list name itself.")
        text = filled
    else:
        raise InputError(f"The choices in {text!r} come back to themselves. Let no word list name itself.")
    if set("{}") & set(text):
        raise InputError(f"{text!r} has a '{{' or '}}' without its partner. Write choices as {{red|grey}}.")
    return text


def _read(file: Path) -> str:
    if file.stat().st_size > LARGEST_LIST:
        raise InputError(f"The word list {file} is larger than 1 MB. Keep one entry a line.")
    return read_list_text(file, "The word list")


def _entries(name: str, lists: Lists) -> Sequence[str]:
    if not lists.get(name):
        state = "is empty" if name in lists else "does not exist"
        raise InputError(f"The word list __{name}__ {state}. The lists are: {', '.join(sorted(lists))}.")
    return lists[name]


def _options(text: str) -> list[tuple[str, float]]:
    """The options between bars with their weights: "3::red|grey" is red in three of four draws."""
    options = []
    for option in text.split("|"):
        weight = _WEIGHT.match(option)
        options.append((option[weight.end() :] if weight else option, float(weight[1]) if weight else 1.0))
    if not sum(weight for _, weight in options):
        raise InputError(f"All options of {{{text}}} have the weight 0. Give one of them more.")
    return options


def _draw(weighed: Sequence[tuple[str, float]], at: float) -> str:
    """The option in which `at` (0..1) falls, each as wide as its weight. random.choices may draw otherwise one day."""
    rest = at * sum(weight for _, weight in weighed)
    for option, weight in weighed:
        if rest < weight:
            return option
        rest -= weight
    return next(option for option, weight in reversed(weighed) if weight)
