"""The named parameters of a material and how one render draws them, as an exposed Substance graph would."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...common.manifest import Parameter, ParameterValue


@dataclass(frozen=True)
class Range:
    """A number between low and high; `typical` is what no variation gives. The words name the outer thirds."""

    label: str
    low: float
    high: float
    typical: float
    low_words: str = ""
    high_words: str = ""

    def draw(self, rng: np.random.Generator, variation: float) -> float:
        target = rng.uniform(self.low, self.high)
        return round(self.typical + variation * (target - self.typical), 4)

    def record(self, value: ParameterValue) -> Parameter:
        return Parameter(value, self.label, self.low, self.high, self.low_words, self.high_words)


@dataclass(frozen=True)
class Count(Range):
    """A whole number of elements, in multiples of `step`: what has to close on itself comes in such numbers."""

    step: int = 1

    def draw(self, rng: np.random.Generator, variation: float) -> int:
        target = rng.integers(round(self.low / self.step), round(self.high / self.step) + 1) * self.step
        value = self.typical + variation * (target - self.typical)
        return int(round(value / self.step)) * self.step


@dataclass(frozen=True)
class Choice:
    """One of several names, the first being the typical one; weights say how often each is drawn."""

    label: str
    options: tuple[str, ...]
    weights: tuple[float, ...] = ()

    def draw(self, rng: np.random.Generator, variation: float) -> str:
        weights = np.array(self.weights or (1,) * len(self.options), dtype=float)
        drawn = self.options[rng.choice(len(self.options), p=weights / weights.sum())]
        return drawn if rng.random() < variation else self.options[0]

    def record(self, value: ParameterValue) -> Parameter:
        return Parameter(value, self.label)


ParameterSpec = Range | Count | Choice
Parameters = Mapping[str, ParameterSpec]
Values = Mapping[str, ParameterValue]  # one drawn value per parameter


def draw_parameters(
    specs: Mapping[str, ParameterSpec], rng: np.random.Generator, variation: float
) -> dict[str, ParameterValue]:
    """A value for every parameter; `variation` 0..1 is how far they stray from the typical ones."""
    return {name: spec.draw(rng, variation) for name, spec in specs.items()}
