"""Writing TOML, which Python's standard library only reads."""

import json
from collections.abc import Mapping
from typing import Any


def toml_text(values: Mapping[str, Any]) -> str:
    """TOML of a flat mapping; a list of mappings becomes an array of tables, the mappings below it likewise.

    Values are str, bool, int, float, or lists of those. Later tables never come before plain keys, as TOML wants.
    """
    return "".join(f"{line}\n" for line in _lines(values, ""))


def _lines(values: Mapping[str, Any], prefix: str) -> list[str]:
    plain = {key: value for key, value in values.items() if not _is_tables(value)}
    lines = [f"{key} = {_value(value)}" for key, value in plain.items()]
    for key in values.keys() - plain.keys():
        for table in values[key]:
            lines += ["", f"[[{prefix}{key}]]", *_lines(table, f"{prefix}{key}.")]
    return lines


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(_value(one) for one in value)}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # JSON leaves what TOML must not hold
    return repr(value)
