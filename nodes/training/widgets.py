"""Widgets, and the lines of a help page, as a configuration's settings declare them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from comfy_api.latest import io

from ...training.settings import Setting, settings

NONE = "none"
_NUMBERS = {int: io.Int.Input, float: io.Float.Input}


def widgets(
    kind: type, leave_out: Collection[str] = (), options: Mapping[str, Sequence[str]] | None = None
) -> list[io.Input]:
    """The widgets of all settings of a configuration's class but those to `leave_out`.

    options has the files among which a text setting chooses, the first where nothing is said.
    """
    declared = [one for one in settings(kind) if one.id not in leave_out]
    return [_widget(one, options=(options or {}).get(one.id, ())) for one in declared]


def widget(kind: type, name: str, also: str = "", **changes: Any) -> io.Input:
    """The widget of one setting; `also` goes on with its tooltip, `changes` are the host's own options."""
    return next(_widget(one, also, **changes) for one in settings(kind) if one.id == name)


def _widget(one: Setting, also: str = "", options: Sequence[str] = (), **changes: Any) -> io.Input:
    kohya = f"(kohya: {one.kohya})" if one.kohya not in ("", one.id) else ""
    facts: dict[str, Any] = {
        "display_name": one.label or None,
        "tooltip": " ".join(part for part in (one.tooltip, also, kohya) if part),
        "default": one.default,
        "optional": one.optional,
        "advanced": one.advanced or None,
    } | changes
    choices = [str(choice) for choice in one.choices] or list(options)
    if choices:
        return io.Combo.Input(one.id, options=choices, **{**facts, "default": str(one.default) or choices[0]})
    if one.kind in _NUMBERS:
        low, high = one.within
        return _NUMBERS[one.kind](one.id, min=low, max=high, step=one.step, **facts)
    if one.kind is bool:
        return io.Boolean.Input(one.id, **facts)
    return io.String.Input(one.id, multiline=one.multiline, **facts)


def help_table(schema: io.Schema) -> str:
    """The table of a node's inputs for its help page, in Markdown."""
    lines = ["| input | default | what it does |", "|---|---|---|"]
    inputs = [one for given in schema.inputs for one in given.get_all()]
    return "\n".join(lines + [f"| {_names(one)} | {_default(one)} | {one.tooltip} |" for one in inputs])


def _names(given: Any) -> str:
    shown = f", shown as {given.display_name}" if given.display_name else ""
    return f"`{given.id.split('.')[-1]}`{shown}"


def _default(given: Any) -> str:
    if not isinstance(given, io.WidgetInput) or given.default is None:
        return ""
    if isinstance(given, io.Boolean.Input):
        return "on" if given.default else "off"
    if isinstance(given, io.Int.Input | io.Float.Input):
        default, low, high = (
            f"{one:,}" if isinstance(one, int) else f"{one:g}" for one in (given.default, given.min, given.max)
        )
        return f"{default} ({low} to {high})"
    if given.default == NONE:  # the others are files
        return NONE
    others = [choice for choice in getattr(given, "options", []) if choice != given.default]
    return f"{given.default} ({', '.join(others)})" if others else str(given.default) or "empty"
