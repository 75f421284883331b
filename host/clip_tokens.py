"""How many tokens CLIP makes of a caption, by the tokenizer that ComfyUI ships: no model is loaded for it."""

import threading
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

LONGEST_KEPT = 1000  # letters of a caption whose count is kept in memory
_LOCK = threading.Lock()  # the tokenizer keeps a cache of its own


@lru_cache(maxsize=1)
def _tokenizer() -> Any:
    from comfy.sd1_clip import SDTokenizer

    return SDTokenizer()


def count_tokens(caption: str) -> int:
    """CLIP's tokens of a caption, without those that begin, end and fill up the prompt."""
    return _kept_count(caption) if len(caption) <= LONGEST_KEPT else _count(caption)


def _count(caption: str) -> int:
    with _LOCK:
        sections = _tokenizer().tokenize_with_weights(_whole(caption), return_word_ids=True)
    return sum(word > 0 for section in sections for _, _, word in section)


_kept_count = lru_cache(maxsize=200_000)(_count)


def _whole(caption: str) -> str:
    """Halves of a surrogate pair, which a caption of JSON may hold and the tokenizer refuses, as question marks."""
    return caption.encode("utf-8", "replace").decode("utf-8")


def count_all(captions: Iterable[str]) -> list[int]:
    """`count_tokens` of each."""
    return [count_tokens(caption) for caption in captions]
