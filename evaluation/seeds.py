"""Parsing of seeds."""

import re

from ..common.errors import InputError
from .cells import FULL_WIDTH

LARGEST = 0xFFFFFFFFFFFFFFFF
MOST = 1000


def parse_seeds(text: str) -> list[int]:
    """Whole numbers, each once: `1 2 7`, and `1-4` for 1 2 3 4. Raises `InputError` for anything else."""
    seeds: list[int] = []
    plain = re.sub("[,;]", " ", text.translate(FULL_WIDTH))
    for word in re.sub(r"\s*-\s*", "-", plain).split():
        found = re.fullmatch(r"(\d+)(?:-(\d+))?", word)
        first, last = (int(part or found.group(1)) for part in found.groups()) if found else (1, 0)
        if not first <= last <= LARGEST or last - first >= MOST:
            raise InputError(
                f"seeds has {word!r}. Write whole numbers with spaces between them, such as 1 2 3, or a range, such as "
                f"1-3, of at most {MOST}."
            )
        seeds += range(first, last + 1)
    if not seeds:
        raise InputError("seeds is empty. Write at least one, such as 1 2 3.")
    return list(dict.fromkeys(seeds))
