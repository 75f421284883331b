"""Free text that the editor fills from a list of what is there."""

from typing import Any


def offered(kind: str, several: str = "") -> dict[str, Any]:
    """The `extra_dict` of a text input whose values the editor offers: a kind of `host.routes.choices.KINDS`.

    several: what stands between values where it takes more than one. web/faces/picker.js reads it.
    """
    return {"offered": {"kind": kind, "several": several} if several else {"kind": kind}}
