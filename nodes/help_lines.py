"""What the schema knows of a help page: each input's name in the editor, its id, default, range and choices."""

from typing import Any

from comfy_api.latest import io

MANY = 9  # choices, or digits of a range, that would say less than they hide
LONG = 40  # letters of a default


def help_lines(schema: io.Schema) -> str:
    """A line of Markdown for each input of a node, narrow enough for the editor's panel."""
    inputs = [one for given in schema.inputs for one in given.get_all()]
    return "\n".join(f"{help_head(one)} {one.tooltip}" for one in inputs)


def help_head(given: Any) -> str:
    """What the line of an input begins with."""
    name = given.id.split(".")[-1]
    shown = f"**{given.display_name}** `{name}`" if given.display_name else f"**`{name}`**"
    facts = [shown, _default(given), "advanced" if given.advanced else ""]
    return f"- {', '.join(fact for fact in facts if fact)}:"


def _default(given: Any) -> str:
    default = getattr(given, "default", None)
    if not isinstance(given, io.WidgetInput) or default is None or len(str(default)) > LONG:
        return ""
    if isinstance(given, io.Boolean.Input):
        return "on" if default else "off"
    if isinstance(given, io.Int.Input | io.Float.Input):
        return _number(default) + _range(given)
    others = [choice for choice in getattr(given, "options", None) or [] if choice != default]
    files = default == "none"  # which of them there are differs from machine to machine
    return f"{default} ({', '.join(others)})" if others and not files and len(others) <= MANY else str(default)


def _range(given: Any) -> str:
    low, high = _number(given.min), _number(given.max)
    return "" if len(high) > MANY else f" ({low} to {high})"


def _number(value: float) -> str:
    whole = isinstance(value, int) or value.is_integer()
    return f"{int(value):,}" if whole else f"{value:g}"
