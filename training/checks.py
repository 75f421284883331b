"""What a setting may be; each check says what is wrong in a sentence for an artist."""

import math


class ConfigError(ValueError):
    """A setting that cannot be trained with, in whole sentences for an artist."""


def whole(name: str, value: int, low: int, high: int) -> None:
    """Raise `ConfigError` unless the value is a whole number from low to high."""
    if not isinstance(value, int) or not low <= value <= high:
        raise ConfigError(f"{name} is {value}, but must be a whole number from {low} to {high}.")


def positive(name: str, value: float) -> None:
    """Raise `ConfigError` unless the value is a finite number above 0."""
    if not math.isfinite(value) or value <= 0:
        raise ConfigError(f"{name} is {value}, but must be a number greater than 0.")


def at_least_zero(name: str, value: float) -> None:
    """Raise `ConfigError` unless the value is a finite number of 0 or more."""
    if not math.isfinite(value) or value < 0:
        raise ConfigError(f"{name} is {value}, but must be 0 or more.")


def within(name: str, value: float, low: float, high: float) -> None:
    """Raise `ConfigError` unless the value is from low to high."""
    if not low <= value <= high:
        raise ConfigError(f"{name} is {value}, but must be from {low} to {high}.")


def one_of(name: str, value: object, options: tuple) -> None:
    """Raise `ConfigError` unless the value is one of `options`."""
    if value not in options:
        raise ConfigError(f"{name} is {value!r}. Choose one of {', '.join(str(option) for option in options)}.")
