"""The summary of a list of scores that fine-tuners publish: mean, spread, quartiles, skewness and kurtosis."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Summary:
    """Of n numbers. deviation divides by n - 1. Skewness and excess kurtosis are the biased moments, as usual in print.

    The errors are the standard errors that the moments have for normal numbers: sqrt(6 / n) and sqrt(24 / n). What a
    list of n lacks is nan.
    """

    count: int
    mean: float
    deviation: float
    least: float
    lower_quartile: float
    median: float
    upper_quartile: float
    most: float
    skewness: float
    kurtosis: float

    @property
    def mean_error(self) -> float:
        return self.deviation / math.sqrt(self.count)

    @property
    def skewness_error(self) -> float:
        return math.sqrt(6 / self.count)

    @property
    def kurtosis_error(self) -> float:
        return math.sqrt(24 / self.count)


def summarise(values: Sequence[float]) -> Summary:
    """Of at least one number."""
    import numpy as np
    from scipy import stats

    numbers = np.asarray(values, dtype=np.float64)
    varied = len(numbers) > 1 and numbers.std() > 1e-12
    least, lower, median, upper, most = (float(edge) for edge in np.quantile(numbers, (0, 0.25, 0.5, 0.75, 1)))
    return Summary(
        count=len(numbers),
        mean=float(numbers.mean()),
        deviation=float(numbers.std(ddof=1)) if len(numbers) > 1 else math.nan,
        least=least,
        lower_quartile=lower,
        median=median,
        upper_quartile=upper,
        most=most,
        skewness=float(stats.skew(numbers)) if varied else math.nan,
        kurtosis=float(stats.kurtosis(numbers)) if varied else math.nan,
    )
