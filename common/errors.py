"""The errors that users see."""

from pathlib import Path


class InputError(ValueError):
    """Bad input. The message tells an artist which input, what was found, what was expected and what to do.

    ComfyUI shows the message as it stands, so it must be whole sentences without code words.
    """

    __module__ = "builtins"  # ComfyUI prints an exception's module before its name, a path that no artist needs

    def __init_subclass__(cls) -> None:
        cls.__module__ = "builtins"


class UnwritableFile(InputError, OSError):
    """A file or folder that the system does not let us write, with its `errno` and `strerror`."""

    def __init__(self, path: Path, error: OSError, advice: str) -> None:
        super().__init__(f"{path} cannot be written: {error.strerror}. {advice}")
        self.errno, self.strerror = error.errno, error.strerror

    def __str__(self) -> str:
        return str(self.args[0])


class UnreadableImage(InputError):
    """An image file that cannot be read. `reason` says why, without the file's name."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path.name} cannot be read as an image: {reason}.")
        self.reason = reason


class NotFiniteImage(UnreadableImage):
    """An image file with NaN or infinite values."""
