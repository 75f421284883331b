"""A prompt for a texture out of its parts, as tags for CLIP or as sentences for T5."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from ..common.caption_files import split_phrases
from ..common.errors import InputError
from .phrases import rough_token_count
from .wildcards import Lists, fill_choices

CLIP, T5 = WRITING = ["CLIP (tags)", "T5 (sentences)"]
PARTS = ("quality", "style", "material", "details", "light", "view", "colors", "trigger", "lora_words")
_LORA_TAG = re.compile(r"<(?:lora|lyco|hypernet):[^<>]*>")
_WEIGHTED = re.compile(r"[()\[\]]|:\d+(?:\.\d+)?(?=[)\]])")


@dataclass(frozen=True)
class Prompt:
    """A prompt, its negative, and what an artist should know about them."""

    positive: str
    negative: str
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Vocabulary:
    """The captions that a model was trained on. Without any it holds every word."""

    captions: Sequence[str] = ()

    def holds(self, phrase: str) -> bool:
        """Whether a caption holds the words of `phrase` in a row, as whole words; weights and case do not count."""
        words = plain(phrase)
        return bool(words) and re.search(rf"(?<!\w){re.escape(words)}(?!\w)", self._text) is not None

    def phrases(self, about: str, count: int, seed: int, known: Sequence[str]) -> list[str]:
        """Up to `count` phrases, not yet `known`, of one caption, drawn of those that hold `about`, if any."""
        fitting = [caption for caption in self.captions if Vocabulary([caption]).holds(about)] or self.captions
        caption = fitting[int(Random(seed).random() * len(fitting))] if fitting else ""
        new = [phrase for phrase in split_phrases(caption) if plain(phrase) not in known]
        return new[:count]

    @property
    def _text(self) -> str:
        return "\n".join(self.captions).casefold()


def write_prompt(
    parts: Mapping[str, str],
    negative: str,
    writing: str,
    order: str,
    lists: Lists,
    seed: int,
    vocabulary: Vocabulary,
    from_captions: int = 0,
) -> Prompt:
    """The prompt of `PARTS`, each a text that may hold choices (`fill_choices`), in one of the two `WRITING`s.

    `order` are the parts' names between commas; sentences have their own. Choices are drawn by `seed`, each part by
    itself, from what the vocabulary's captions hold where they hold any of it; `from_captions` more phrases come from
    one of these captions. Attention weights such as (worn:1.2) stay as they are. Raises `InputError`.
    """
    names = parse_order(order)
    notes: list[str] = []
    liked = vocabulary.holds if vocabulary.captions else lambda option: False
    filled = {name: _filled(parts[name], name, lists, seed, liked, notes) for name in names}
    known = [plain(phrase) for text in filled.values() for phrase in phrases(text)]
    more = vocabulary.phrases(filled["material"], from_captions, seed, known)
    filled["details"] = ", ".join(filter(None, [filled["details"], *more]))
    positive = tags(filled[name] for name in names) if writing == CLIP else sentences(filled)
    wanted = {plain(phrase) for text in filled.values() for phrase in phrases(text)}
    unwanted = phrases(_filled(negative, "negative", lists, seed, lambda option: False, notes))
    both = [phrase for phrase in unwanted if plain(phrase) in wanted]
    notes += [f"Left out of the negative prompt, as the prompt asks for it: {', '.join(both)}."] if both else []
    notes += _unheard(filled, vocabulary)
    notes += _too_long(positive) if writing == CLIP else []
    return Prompt(positive, tags(phrase for phrase in unwanted if phrase not in both), notes)


def parse_order(order: str) -> list[str]:
    """The names of `PARTS` in the order of a text between commas. Raises `InputError` unless each comes once."""
    names = split_phrases(order)
    if sorted(names) != sorted(PARTS):
        raise InputError(f"The order is {order!r}. Name each part once, between commas: {', '.join(PARTS)}.")
    return names


def tags(texts: Iterable[str]) -> str:
    """The phrases of all texts between commas, each once, the first of equal ones."""
    first: dict[str, str] = {}
    for phrase in (phrase for text in texts for phrase in phrases(text)):
        first.setdefault(plain(phrase), phrase)
    return ", ".join(first.values())


def sentences(parts: Mapping[str, str]) -> str:
    """Plain English, as T5 was trained on: the material with its details and colours, view and light, the rest."""
    style = " ".join(filter(None, [parts["trigger"], parts["style"], "texture"]))
    what = " of ".join(filter(None, [f"{'An' if style[0].lower() in 'aeiou' else 'A'} {style}", parts["material"]]))
    what = " with ".join(filter(None, [what, _listed(phrases(parts["details"]))]))
    what = ", in ".join(filter(None, [what, _listed(phrases(parts["colors"]))]))
    seen = ", ".join(filter(None, [parts["view"], parts["light"]]))
    texts = [text.strip(" .,") for text in (what, seen, parts["quality"], parts["lora_words"])]
    return " ".join(f"{text[0].upper()}{text[1:]}." for text in texts if text)


def phrases(text: str) -> list[str]:
    """The phrases between commas; commas in parentheses, as in (red, worn:1.2), part nothing."""
    found, depth = [""], 0
    for letter in text:
        depth = max(0, depth + (letter == "(") - (letter == ")"))
        if letter == "," and depth == 0:
            found.append("")
        else:
            found[-1] += letter
    return [phrase for phrase in (" ".join(part.split()) for part in found) if phrase]


def plain(phrase: str) -> str:
    """A phrase without weights, brackets and capitals, to compare it with others."""
    return " ".join(_WEIGHTED.sub("", phrase).casefold().split())


def _filled(text: str, part: str, lists: Lists, seed: int, liked: Callable[[str], bool], notes: list[str]) -> str:
    filled = fill_choices(text, lists, f"{seed}/{part}", liked)
    found = _LORA_TAG.findall(filled)
    if found:
        notes.append(f"Left out: {', '.join(found)}. ComfyUI loads LoRAs by nodes; use Load LoRA for it.")
    return ", ".join(phrases(_LORA_TAG.sub("", filled)))


def _unheard(filled: Mapping[str, str], vocabulary: Vocabulary) -> list[str]:
    if not vocabulary.captions:
        return []
    asked = [phrase for name in ("material", "details", "colors", "trigger") for phrase in phrases(filled[name])]
    unheard = [phrase for phrase in asked if not vocabulary.holds(phrase)]
    return [f"In no caption of the dataset: {', '.join(unheard)}."] if unheard else []


def _too_long(positive: str) -> list[str]:
    tokens = rough_token_count(positive)
    return [f"About {tokens} tokens: CLIP reads 75 at a time, the rest weighs less."] if tokens > 75 else []


def _listed(items: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))
