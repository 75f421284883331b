"""How a node refuses a widget's value: its check raises `InputError`, the host wants a sentence."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from ..common.errors import InputError


def refusing(check: Callable[..., object]) -> Callable[..., bool | str]:
    """`check`, which raises `InputError`, as a `validate_inputs`: True, or the sentence to show at the inputs it names.

    The host checks range and choice of every input that `check` does not name, and repeats the sentence for each that
    it does: name only those whose check needs Python. A linked input arrives as None or not at all. The dict of a
    DynamicCombo, which the host hands over unasked, is dropped.
    """
    signature = inspect.signature(check)

    @wraps(check)
    def validate_inputs(cls: type, *values: Any, **named: Any) -> bool | str:
        asked = {name: value for name, value in named.items() if name in signature.parameters}
        try:
            check(cls, *values, **asked)
        except InputError as error:
            return str(error)
        return True

    validate_inputs.__signature__ = signature  # from which the host reads what is named
    return validate_inputs
