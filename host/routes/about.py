"""Which version of the pack answers."""

from collections.abc import Mapping
from typing import Any

from .serving import Reply, Route

ROUTES_VERSION = 1  # grows when a route changes what it takes or gives


def about(asked: Mapping[str, Any]) -> Reply:
    """The version of these routes."""
    return Reply({"routes": ROUTES_VERSION})


ROUTES = [Route("GET", "/tilewright/about", about, "Reads nothing.")]
