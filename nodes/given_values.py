"""What widgets are given. The host holds typed values against a widget's range and choices, but no linked ones, and
lets NaN pass."""

import inspect
import math
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from comfy_api.latest import io

from ..common.errors import InputError

LINKED = "Look at the node that is linked there"
MOST_SHOWN = 8  # choices, of those that are files there may be thousands


def checking_values(node: type[io.ComfyNode]) -> type[io.ComfyNode]:
    """`node`, whose `execute` first checks what its widgets are given."""
    own = inspect.signature(node.validate_inputs).parameters if "validate_inputs" in vars(node) else {}

    def execute(cls: type, **values: Any) -> Any:
        check_values(node.define_schema(), values, own)
        return node.execute.__func__(cls, **values)

    async def execute_later(cls: type, **values: Any) -> Any:
        return await execute(cls, **values)

    checked = execute_later if inspect.iscoroutinefunction(node.execute) else execute
    members = {"__module__": node.__module__, "__doc__": node.__doc__, "execute": classmethod(checked)}
    return type(node)(node.__name__, (node,), members)


def check_values(schema: io.Schema, values: Mapping[str, Any], own: Collection[str] = ()) -> None:
    """Raise `InputError` for a value that its widget could not hold. `own` are the inputs whose choices the node checks
    itself: files may be named that the list has not."""
    for widget, value in _given(schema.inputs, values):
        for one in value if schema.is_input_list else [value]:
            complaint = _of_choice(widget, one) if widget.id not in own else ""
            if complaint := complaint or _complaint(widget, one):
                raise InputError(f"{widget.display_name or widget.id} is {_shown(one)}, {complaint}.")


def _given(inputs: Sequence[io.Input], values: Mapping[str, Any]) -> Iterator[tuple[io.Input, Any]]:
    """Each input that has a value, and those of the chosen option of a DynamicCombo."""
    for one in inputs:
        if one.id not in values:
            continue
        value = values[one.id]
        if isinstance(one, io.DynamicCombo.Input):
            chosen = value.get(one.id)
            inner = next((option.inputs for option in one.options if option.key == chosen), [])
            yield from _given(inner, value)
        else:
            yield one, value


def _complaint(widget: io.Input, value: Any) -> str:
    """Why the widget could not hold a value, with what to do; "" where it could."""
    if isinstance(widget, (io.Int.Input, io.Float.Input)):
        return _of_number(widget, value)
    if isinstance(widget, (io.String.Input, io.Color.Input)):
        return _of_text(value)
    if isinstance(widget, io.Boolean.Input) and not isinstance(value, Integral):
        return f"where only on or off will do. {LINKED}"
    return ""


def _of_number(widget: io.Input, value: Any) -> str:
    whole = isinstance(widget, io.Int.Input)
    if not isinstance(value, Integral if whole else Real) or isinstance(value, bool):
        return f"where a {'whole ' if whole else ''}number is wanted. {LINKED}"
    if math.isnan(value):
        return "which is no number. Look at the node or the script that it comes from"
    if widget.min is not None and value < widget.min:
        return f"but {_shown(widget.min)} is the least it can be. {LINKED}"
    if widget.max is not None and value > widget.max:
        return f"but {_shown(widget.max)} is the most it can be. {LINKED}"
    return ""


def _of_text(value: Any) -> str:
    if not isinstance(value, str):
        return f"where text is wanted. {LINKED}"
    odd = next((one for one in value if unicodedata.category(one) in ("Cc", "Cs") and not one.isspace()), "")
    return f"in which {odd!r} is no letter, and files would not be read with it. Type the text anew" if odd else ""


def _of_choice(widget: io.Input, value: Any) -> str:
    if not isinstance(widget, io.Combo.Input) or value in widget.options:
        return ""
    more = ", …" if len(widget.options) > MOST_SHOWN else ""
    return f"which is none of {', '.join(map(str, widget.options[:MOST_SHOWN]))}{more}. {LINKED}"


def _shown(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, float):
        return f"{value:g}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
