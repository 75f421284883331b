"""Terminal output of the commands."""

import signal
import sys


def say(message: str = "", end: str = "\n") -> None:
    """Show a line on the terminal at once, also through a pipe."""
    sys.stdout.write(message + end)
    sys.stdout.flush()


def complain(message: str) -> None:
    """Show what went wrong, after everything said before."""
    sys.stdout.flush()
    sys.stderr.write(message + "\n")


def end_politely() -> None:
    """Let a request to terminate run every `finally`, so that no server is left behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
