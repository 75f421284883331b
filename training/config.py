"""What a training run is told: the contract between the nodes and the trainer.

Every field is checked when the configuration is made, so the trainer itself trusts what it reads.
"""

import math
from dataclasses import dataclass, field


class ConfigError(ValueError):
    """A setting that cannot be trained with, in whole sentences for an artist."""


@dataclass(frozen=True)
class NetworkConfig:
    """What is trained.

    rank: width of the bottleneck, 1..1024. More holds more detail and memorises small sets sooner.
    alpha: the LoRA is scaled by alpha / rank; equal to rank it is scaled by 1.
    """

    rank: int = 16
    alpha: float = 16.0

    def __post_init__(self) -> None:
        _whole("rank", self.rank, 1, 1024)
        _positive("alpha", self.alpha)


@dataclass(frozen=True)
class OptimizerConfig:
    """How the weights move.

    learning_rate: AdamW's step length.
    weight_decay: share of a weight, times the learning rate, that each step takes away.
    betas: decay of AdamW's running mean and variance, per step.
    """

    learning_rate: float = 1e-4
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.999)

    def __post_init__(self) -> None:
        _positive("learning_rate", self.learning_rate)
        _at_least_zero("weight_decay", self.weight_decay)


@dataclass(frozen=True)
class ObjectiveConfig:
    """What is asked of the model.

    wrap: "auto" trains tileable sets as tori (the convolutions wrap), "on" and "off" say so for any set.
    roll: shift each tileable sample by a random whole number of latent pixels at every step. On a torus that is
        exact augmentation, and costs nothing.
    """

    wrap: str = "auto"
    roll: bool = True

    def __post_init__(self) -> None:
        if self.wrap not in ("auto", "on", "off"):
            raise ConfigError(f"wrap is {self.wrap!r}. Choose auto, on or off.")


@dataclass(frozen=True)
class TrainingConfig:
    """A whole run.

    steps: how often the weights are updated.
    batch_size: samples per step.
    resolution: side in pixels that samples are brought to, a multiple of 64.
    seed: of the initial weights, the order of the samples, the noise, the timesteps and the rolls. The same seed
        gives the same file on the same machine.
    """

    steps: int = 500
    batch_size: int = 1
    resolution: int = 512
    seed: int = 0
    network: NetworkConfig = field(default_factory=NetworkConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)

    def __post_init__(self) -> None:
        _whole("steps", self.steps, 1, 10_000_000)
        _whole("batch_size", self.batch_size, 1, 1024)
        _whole("resolution", self.resolution, 64, 4096)
        if self.resolution % 64:
            nearest = max(64, round(self.resolution / 64) * 64)
            raise ConfigError(f"resolution is {self.resolution}, but must be a multiple of 64, such as {nearest}.")
        _whole("seed", self.seed, 0, 2**64 - 1)


def _whole(name: str, value: int, low: int, high: int) -> None:
    if not isinstance(value, int) or not low <= value <= high:
        raise ConfigError(f"{name} is {value}, but must be a whole number from {low} to {high}.")


def _positive(name: str, value: float) -> None:
    if not math.isfinite(value) or value <= 0:
        raise ConfigError(f"{name} is {value}, but must be a number greater than 0.")


def _at_least_zero(name: str, value: float) -> None:
    if not math.isfinite(value) or value < 0:
        raise ConfigError(f"{name} is {value}, but must be 0 or more.")
