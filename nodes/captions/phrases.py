"""Captions as lists of phrases between commas: tidied, replaced, cut to what a text encoder reads."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from ..common.caption_files import split_phrases
from ..common.errors import InputError


@dataclass(frozen=True)
class PhraseRules:
    """What happens to every caption after the template is filled, in this order.

    replacements are (what, by what) pairs of words or phrases. blacklist holds whole phrases to drop, without
    regard to case. max_tokens is the longest a caption may be, 0 for any length.
    """

    prefix: str = ""
    suffix: str = ""
    replacements: Sequence[tuple[str, str]] = ()
    blacklist: Collection[str] = ()
    deduplicate: bool = True
    max_tokens: int = 0


def apply_rules(caption: str, rules: PhraseRules, count_tokens: Callable[[str], int] | None = None) -> str:
    """The caption after `rules`. Its own last phrases are dropped until `count_tokens` is within the limit.

    Without `count_tokens` a token is a word or a punctuation mark, which is about what CLIP makes of plain English.
    """
    for what, by in rules.replacements:
        caption = _replace_words(caption, what, by)
    unwanted = {phrase.casefold() for phrase in rules.blacklist}
    body = [phrase for phrase in split_phrases(caption) if phrase.casefold() not in unwanted]
    prefix, suffix = split_phrases(rules.prefix), split_phrases(rules.suffix)
    if rules.deduplicate:
        prefix = _unique(prefix, [])
        body = _unique(body, prefix)
        suffix = _unique(suffix, prefix + body)
    count_tokens = count_tokens or rough_token_count
    while rules.max_tokens and len(body) > 1 and count_tokens(", ".join(prefix + body + suffix)) > rules.max_tokens:
        body.pop()
    return ", ".join(prefix + body + suffix)


def rough_token_count(caption: str) -> int:
    """Words and punctuation marks."""
    return len(re.findall(r"\w+|[^\w\s]", caption))


def parse_replacements(text: str) -> list[tuple[str, str]]:
    """One replacement a line, as "old -> new"; nothing after the arrow removes. Raises `InputError`."""
    lines = [line for line in text.splitlines() if line.strip()]
    pairs = [tuple(part.strip() for part in line.split("->")) for line in lines]
    for line, pair in zip(lines, pairs, strict=True):
        if len(pair) != 2 or not pair[0]:
            raise InputError(f"The replacement {line.strip()!r} is not of the form: old words -> new words.")
    return pairs


def phrase_frequencies(captions: Iterable[str]) -> list[tuple[str, int]]:
    """How many captions hold each phrase, the commonest first."""
    counts = Counter(phrase for caption in captions for phrase in dict.fromkeys(split_phrases(caption)))
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _replace_words(caption: str, what: str, by: str) -> str:
    """Whole words only: "brick" leaves "bricks" alone."""
    return re.sub(rf"(?<!\w){re.escape(what)}(?!\w)", lambda _: by, caption, flags=re.IGNORECASE)


def _unique(phrases: list[str], besides: list[str]) -> list[str]:
    seen = {phrase.casefold() for phrase in besides}
    return [phrase for phrase in phrases if phrase.casefold() not in seen and not seen.add(phrase.casefold())]
