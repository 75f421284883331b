"""The errors that users read."""

from pathlib import Path


class InputError(ValueError):
    """Bad input, told to an artist: which input, what was found, what was expected, what to do.

    ComfyUI shows the message as it stands, so it must be whole sentences without code words.
    """


class UnreadableImage(InputError):
    """An image file whose pixels cannot be had. `reason` says why, without the file's name."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path.name} cannot be read as an image: {reason}.")
        self.reason = reason


class NotFiniteImage(UnreadableImage):
    """An image file with values that are no numbers: NaN or infinite."""


for _error in (InputError, UnreadableImage, NotFiniteImage):
    _error.__module__ = "builtins"  # ComfyUI prints an exception's module before its name, a path that no artist needs
