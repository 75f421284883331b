"""Captions as lists of phrases between commas: tidied, replaced, cut to what a text encoder reads."""

import re
from bisect import bisect_left
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


SENTENCE_WORDS = 6  # a phrase of more words is a sentence, which may be cut; "worn chipped edges" may not
FEWEST_WORDS = 4  # what is left of a sentence says something: "The image shows" does not
_DANGLING = frozenset(
    "a an the its and or but which that there is are has with of in on at by for from to as into onto over under above "
    "below between behind beside near around through".split()
)


def apply_rules(caption: str, rules: PhraseRules, count_tokens: Callable[[str], int] | None = None) -> str:
    """The caption after `rules`, its own end cut off until `count_tokens` is within the limit.

    Tags go whole, the last first. A sentence is cut after one of its own full stops or between two words. The first
    phrase stays, and prefix and suffix always. Without `count_tokens` a token is a word or a punctuation mark, which
    is about what CLIP makes of plain English.
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

    def fits(phrases: list[str]) -> bool:
        return count_tokens(", ".join(prefix + phrases + suffix)) <= rules.max_tokens

    return ", ".join(prefix + (_cut_to_fit(body, fits) if rules.max_tokens else body) + suffix)


def rough_token_count(caption: str) -> int:
    """Words and punctuation marks."""
    return len(re.findall(r"\w+|[^\w\s]", caption))


def parse_replacements(text: str) -> list[tuple[str, str]]:
    """One replacement a line, as "old -> new"; nothing after the arrow removes. Raises `InputError`."""
    lines = [line for line in text.splitlines() if line.strip()]
    pairs = []
    for line in lines:
        old, *new = (part.strip() for part in line.split("->"))
        if len(new) != 1 or not old:
            raise InputError(f"The replacement {line.strip()!r} is not of the form: old words -> new words.")
        pairs.append((old, new[0]))
    return pairs


def phrase_frequencies(captions: Iterable[str]) -> list[tuple[str, int]]:
    """How many captions hold each phrase, the commonest first."""
    counts = Counter(phrase for caption in captions for phrase in dict.fromkeys(split_phrases(caption)))
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _cut_to_fit(phrases: list[str], fits: Callable[[list[str]], bool]) -> list[str]:
    kept = list(phrases)
    while kept and not fits(kept):
        sentence = kept.pop().split()
        beginning = _beginning(sentence, lambda words: fits([*kept, " ".join(words)]))
        if len(sentence) > SENTENCE_WORDS and (len(beginning) >= FEWEST_WORDS or (beginning and not kept)):
            return [*kept, " ".join(beginning)]
    return kept or phrases[:1]


def _beginning(words: list[str], fits: Callable[[list[str]], bool]) -> list[str]:
    """As many words as fit, to the end of a sentence if one lies in the second half, else to a word that may end."""
    words = words[: bisect_left(range(1, len(words) + 1), True, key=lambda count: not fits(words[:count]))]
    ends = [count for count, word in enumerate(words, 1) if word.endswith((".", "!", "?"))]
    if ends and 2 * ends[-1] >= len(words):
        return words[: ends[-1]]
    while words and words[-1].lower() in _DANGLING:
        words = words[:-1]
    return [*words[:-1], words[-1].rstrip(".;:-")] if words else []


def _replace_words(caption: str, what: str, by: str) -> str:
    """Whole words only: "brick" leaves "bricks" alone."""
    return re.sub(rf"(?<!\w){re.escape(what)}(?!\w)", lambda _: by, caption, flags=re.IGNORECASE)


def _unique(phrases: list[str], besides: list[str]) -> list[str]:
    seen = {phrase.casefold() for phrase in besides}
    first = []
    for phrase in phrases:
        if phrase.casefold() not in seen:
            seen.add(phrase.casefold())
            first.append(phrase)
    return first
