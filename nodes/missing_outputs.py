"""Outputs that a node has nothing for this time, such as a map that a material set lacks."""

from collections.abc import Mapping
from typing import Any, NoReturn

from comfy_api.latest import io

from ..common.errors import InputError


class MissingOutputError(InputError, AttributeError):
    """What the user of a missing output is told. An `AttributeError`, so that `hasattr` finds nothing."""

    def __str__(self) -> str:
        return str(self.args[0])


class MissingOutput:
    """Nothing, with the reason. The pack's optional inputs take it as not linked; any other use raises the reason.

    An ExecutionBlocker would keep a node that can do without from running, and None ends in another node's error.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __str__(self) -> str:
        return self.reason

    __repr__ = __str__

    def __bool__(self) -> bool:
        return False

    def __getattr__(self, name: str) -> NoReturn:
        raise MissingOutputError(vars(self).get("reason", name))

    def _used(self, *_: Any, **__: Any) -> NoReturn:
        raise MissingOutputError(self.reason)

    __iter__ = __len__ = __getitem__ = __array__ = __call__ = __float__ = _used
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _used
    __pow__ = __rpow__ = __neg__ = __abs__ = __invert__ = __lt__ = __le__ = __gt__ = __ge__ = __int__ = __index__ = (
        _used
    )

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> NoReturn:
        listed = [one for arg in args for one in (arg if isinstance(arg, (list, tuple)) else [arg])]
        raise MissingOutputError(next(one.reason for one in listed if isinstance(one, cls)))


def without_missing(schema: io.Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` without the optional inputs that are given a missing output. Raises `InputError` for required ones."""
    inputs = {one.id: one for one in schema.inputs}
    given = dict(values)
    for name, value in values.items():
        listed = value if schema.is_input_list and isinstance(value, list) else [value]
        missing = [one for one in listed if isinstance(one, MissingOutput)]
        if missing and len(missing) == len(listed) and name in inputs and inputs[name].optional:
            del given[name]
        elif missing:
            raise MissingOutputError(f"{(name in inputs and inputs[name].display_name) or name}: {missing[0]}")
    return given


def with_missing(schema: io.Schema, made: io.NodeOutput) -> io.NodeOutput:
    """`made` with a `MissingOutput` for each None, and for each empty list of an output that is a list.

    A CLIP stays None: the host's loaders give it for what a checkpoint lacks, and its nodes for LoRAs pass it on.
    """
    outputs = schema.outputs[: len(made.args)]
    made.args = tuple(_told(schema, output, value) for output, value in zip(outputs, made.args, strict=True))
    return made


def _told(schema: io.Schema, output: io.Output, value: Any) -> Any:
    if value is None:
        return None if isinstance(output, io.Clip.Output) else _missing(schema, output)
    return [_missing(schema, output)] if output.is_output_list and not len(value) else value


def _missing(schema: io.Schema, output: io.Output) -> MissingOutput:
    return MissingOutput(
        f"{schema.display_name} has nothing at its output {output.display_name} this time. It gives: {output.tooltip} "
        f"Take the link to it away here, or change what {schema.display_name} is given."
    )
