"""How much memory a training may take, as it is typed."""

import math

from ...common.errors import InputError

GB = 2**30  # what a graphics card's "GB" are


def memory_budget(memory: str) -> float | None:
    """What `memory` of a training allows, in bytes; None for auto. Raises `InputError` for what is neither."""
    text = memory.strip().lower().removesuffix("gb").strip().replace(",", ".")
    if text in ("", "auto"):
        return None
    try:
        size = float(text)
    except ValueError:
        size = 0.0
    if not 0 < size < math.inf:
        raise InputError(f"memory is {memory!r}. Write auto, or a number of GB such as 12.")
    return size * GB
