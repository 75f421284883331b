"""The one error that users read."""


class InputError(ValueError):
    """Bad input, told to an artist: which input, what was found, what was expected, what to do.

    ComfyUI shows the message as it stands, so it must be whole sentences without code words.
    """


InputError.__module__ = "builtins"  # ComfyUI prints an exception's module before its name, a path that no artist needs
