"""From widgets and connected option nodes to the trainer's configuration."""

from dataclasses import replace
from functools import partial
from typing import Any

from ...common.errors import InputError
from ...training.config import ConfigError, TrainingConfig


def checked(build: Any, **settings: Any) -> Any:
    """`build(**settings)` without the settings that are None, its complaint turned into an `InputError`."""
    try:
        return build(**{name: value for name, value in settings.items() if value is not None})
    except ConfigError as error:
        raise InputError(str(error)) from None


def training_config(
    options: dict[str, Any], rank: int | None, alpha: float | None, learning_rate: float | None, **whole: Any
) -> TrainingConfig:
    """The configuration that the main node's widgets and the connected option nodes describe together.

    options has `network`, `optimizer`, `objective` and `saving`, or lacks them. A linked widget is None until the
    graph runs. Raises `InputError` for a value that cannot be trained with.
    """
    base = TrainingConfig()
    network = options.get("network") or base.network
    optimizer = options.get("optimizer") or base.optimizer
    network = checked(partial(replace, network), rank=rank, alpha=alpha)
    optimizer = checked(partial(replace, optimizer), learning_rate=learning_rate)
    rest = {name: options.get(name) for name in ("objective", "saving")}
    return checked(TrainingConfig, network=network, optimizer=optimizer, **rest, **whole)
