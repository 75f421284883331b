"""What the commands tell the user."""

import sys


def say(message: str = "", end: str = "\n") -> None:
    """Show a line on the terminal at once, also through a pipe."""
    sys.stdout.write(message + end)
    sys.stdout.flush()


def complain(message: str) -> None:
    """Show what went wrong, after everything said before."""
    sys.stdout.flush()
    sys.stderr.write(message + "\n")
