"""What inputs are given. The host holds typed values against a widget's range and choices, but no linked ones, and
lets NaN pass, and knows no output that holds nothing."""

import inspect
import math
from collections.abc import Collection, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from comfy_api.latest import io

from ..common.errors import InputError
from ..host.out_of_memory import lack_of_memory_told
from .missing_outputs import with_missing, without_missing
from .sockets import NONE, FileCombo

LINKED = "Look at the node that is linked there"
MOST_SHOWN = 8  # choices
NOTHING = (None, "", 0, False, NONE)


def checking_values(node: type[io.ComfyNode]) -> type[io.ComfyNode]:
    """`node`, whose `execute` first checks what its inputs are given, and says of outputs that they hold nothing."""
    own = inspect.signature(node.validate_inputs).parameters if "validate_inputs" in vars(node) else {}
    parameters = inspect.signature(node.execute).parameters.values()
    defaults = {one.name: one.default for one in parameters if one.default is not one.empty}

    def run(cls: type, schema: io.Schema, values: Mapping[str, Any]) -> Any:
        return node.execute.__func__(cls, **check_values(schema, without_missing(schema, values), own, defaults))

    def execute(cls: type, **values: Any) -> io.NodeOutput:
        schema = node.define_schema()
        with lack_of_memory_told(schema.display_name):
            return with_missing(schema, run(cls, schema, values))

    async def execute_later(cls: type, **values: Any) -> io.NodeOutput:
        schema = node.define_schema()
        with lack_of_memory_told(schema.display_name):
            return with_missing(schema, await run(cls, schema, values))

    checked = execute_later if inspect.iscoroutinefunction(node.execute) else execute
    members = {"__module__": node.__module__, "__doc__": node.__doc__, "execute": classmethod(checked)}
    return type(node)(node.__name__, (node,), members)


def check_values(
    schema: io.Schema, values: Mapping[str, Any], own: Collection[str] = (), defaults: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """`values` of the types that the widgets hold. Raises `InputError` for one that its widget could not hold.

    `own` are the inputs whose choices the node checks itself: files may be named that the list has not. `defaults` are
    the node's own, which None stands for where they are nothing.
    """
    checked = dict(values)
    for widget in (one for one in schema.inputs if one.id in values):
        value = values[widget.id]
        checked[widget.id] = (
            [_held(widget, one, own, defaults or {}) for one in value]
            if schema.is_input_list
            else _held(widget, value, own, defaults or {})
        )
    return checked


def _held(widget: io.Input, value: Any, own: Collection[str], defaults: Mapping[str, Any]) -> Any:
    """A value as its widget holds it, and those of the chosen option of a DynamicCombo."""
    if isinstance(widget, io.DynamicCombo.Input):
        inner = {one.id: one for one in _chosen(widget, value)}
        return {name: _held(inner[name], one, own, {}) if name in inner else one for name, one in value.items()}
    if value is None and isinstance(widget, io.WidgetInput) and (widget.optional or isinstance(widget, FileCombo)):
        default = defaults.get(widget.id, widget.default)
        if default in NOTHING:
            return default
    value = _converted(widget, value)
    complaint = _of_choice(widget, value) if widget.id not in own else ""
    if complaint := complaint or _complaint(widget, value):
        raise InputError(f"{widget.display_name or widget.id} is {_shown(value)}, {complaint}.")
    return value


def _chosen(widget: io.DynamicCombo.Input, value: Any) -> Sequence[io.Input]:
    """The inputs of the option that a DynamicCombo's value names. Raises `InputError` where there is none."""
    key = value.get(widget.id) if isinstance(value, Mapping) else value
    named = [option.inputs for option in widget.options if option.key == key]
    if not named or not isinstance(value, Mapping):
        options = ", ".join(repr(option.key) for option in widget.options)
        complaint = f"which is none of {options}" if not named else f"without {widget.id}'s own inputs"
        raise InputError(f"{widget.display_name or widget.id} is {_shown(key)}, {complaint}. {LINKED}.")
    return named[0]


def _converted(widget: io.Input, value: Any) -> Any:
    """5.0 for a whole number as 5, and 1024 for a choice of "1024" as that text: links bring both."""
    if isinstance(widget, io.Int.Input) and isinstance(value, (float, np.floating)) and float(value).is_integer():
        return int(value)
    if isinstance(widget, io.Combo.Input) and isinstance(value, Integral) and value not in widget.options:
        return str(value) if str(value) in widget.options else value
    return value


def _complaint(widget: io.Input, value: Any) -> str:
    """Why the widget could not hold a value, with what to do; "" where it could."""
    if isinstance(widget, (io.Int.Input, io.Float.Input)):
        return _of_number(widget, value)
    if isinstance(widget, (io.String.Input, io.Color.Input, FileCombo)):
        return _of_text(value)
    if isinstance(widget, io.Boolean.Input) and not _is_switch(value):
        return f"where only on or off will do. {LINKED}"
    return ""


def _is_switch(value: Any) -> bool:
    return isinstance(value, np.bool_) or (isinstance(value, Integral) and value in (0, 1))


def _of_number(widget: io.Input, value: Any) -> str:
    whole = isinstance(widget, io.Int.Input)
    if not isinstance(value, Integral if whole else Real) or isinstance(value, bool):
        return f"where a {'whole ' if whole else ''}number is wanted. {LINKED}"
    if not isinstance(value, Integral) and math.isnan(value):
        return "which is no number. Look at the node or the script that it comes from"
    if widget.min is not None and value < widget.min:
        return f"but {_shown(widget.min)} is the least it can be. {LINKED}"
    if widget.max is not None and value > widget.max:
        return f"but {_shown(widget.max)} is the most it can be. {LINKED}"
    return ""


def _of_text(value: Any) -> str:
    if not isinstance(value, str):
        return f"where text is wanted. {LINKED}"
    odd = next((one for one in value if _is_unwritable(one)), "")
    told = f"in which {odd!r} is no letter, and not every file that it goes into can hold it. Type the text anew"
    return told if odd else ""


def _is_unwritable(letter: str) -> bool:
    """NUL ends a path, XML has no other signs below the space than tab and line breaks, and UTF-8 no surrogates."""
    return (letter < " " and letter not in "\t\n\r") or "\ud800" <= letter <= "\udfff"


def _of_choice(widget: io.Input, value: Any) -> str:
    """Files are looked up by the node, under every name that the host finds them by, and with the folders it tells."""
    if not isinstance(widget, io.Combo.Input) or isinstance(widget, FileCombo) or value in widget.options:
        return ""
    more = ", …" if len(widget.options) > MOST_SHOWN else ""
    return f"which is none of {', '.join(map(repr, widget.options[:MOST_SHOWN]))}{more}. {LINKED}"


def _shown(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, (np.generic, np.ndarray)) and value.ndim == 0:
        value = value.item()
    if isinstance(value, Integral) and not -(10**50) < value < 10**50:
        return "a number of more than 50 digits"
    is_short = isinstance(value, float) and float(f"{value:g}") == value  # else 100.0000001 would read as 100
    text = f"{value:g}" if is_short else repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
