"""Inputs that the editor shows only where they act; their values and their place in a graph stay as they are."""

from collections.abc import Sequence
from typing import Any


def shown_where(**conditions: Sequence[str] | bool) -> dict[str, Any]:
    """The `extra_dict` of an input that acts only where all `conditions` hold: another input's name, and with what.

    With one of several choices; True: with a number other than 0, a switch that is on, a socket that is linked; False:
    with 0, off, not linked. web/fitting_widgets.js reads it.
    """
    choices = {name: asked if isinstance(asked, bool) else list(asked) for name, asked in conditions.items()}
    return {"shown_where": choices} if choices else {}
