"""Memory that is no longer used, and that the C library keeps nevertheless."""

import ctypes
import sys


def give_back() -> None:
    """Return freed blocks to the system where the C library is glibc, which keeps some in each thread; else nothing.

    Four images of 8192 px, worked on in strips by one thread after another, kept 1.1 GB that way.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none, and keeps little
        if trim is not None:
            trim(0)
