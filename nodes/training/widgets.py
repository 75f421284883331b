"""Widgets as a configuration's settings declare them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from comfy_api.latest import io

from ...training.settings import Setting, settings
from ..shown_where import shown_where
from ..sockets import FileCombo

_NUMBERS = {int: io.Int.Input, float: io.Float.Input}


def widgets(
    kind: type, leave_out: Collection[str] = (), options: Mapping[str, Sequence[str]] | None = None
) -> list[io.Input]:
    """The widgets of all settings of a configuration's class but those to `leave_out`.

    options has the files among which a text setting chooses, the first where nothing is said.
    """
    declared = [one for one in settings(kind) if one.id not in leave_out]
    return [_widget(kind, one, options=(options or {}).get(one.id, ())) for one in declared]


def widget(kind: type, name: str, also: str = "", **changes: Any) -> io.Input:
    """The widget of one setting; `also` goes on with its tooltip, `changes` are the host's own options."""
    return next(_widget(kind, one, also, **changes) for one in settings(kind) if one.id == name)


def _widget(kind: type, one: Setting, also: str = "", options: Sequence[str] = (), **changes: Any) -> io.Input:
    kohya = f"(kohya: {one.kohya})" if one.kohya not in ("", one.id, one.label) else ""
    facts: dict[str, Any] = {
        "display_name": one.label or None,
        "tooltip": " ".join(part for part in (one.tooltip, also, kohya) if part),
        "default": one.default,
        "optional": one.optional,
        "advanced": one.advanced or None,
        "extra_dict": _acts(kind, one),
    } | changes
    choices = [str(choice) for choice in one.choices] or list(options)
    if choices:
        kind_of_choice = io.Combo.Input if one.choices else FileCombo
        return kind_of_choice(one.id, options=choices, **{**facts, "default": str(one.default) or choices[0]})
    if one.kind in _NUMBERS:
        low, high = one.within
        return _NUMBERS[one.kind](one.id, min=low, max=high, step=one.step, **facts)
    if one.kind is bool:
        return io.Boolean.Input(one.id, **facts)
    return io.String.Input(one.id, multiline=one.multiline, **facts)


def _acts(kind: type, one: Setting) -> dict[str, Any]:
    """With which values of another setting this one does anything, for the editor."""
    needed = [other.id for other in settings(kind) if other.name == one.needs]
    return shown_where(**{name: one.needs_choice or True for name in needed})
