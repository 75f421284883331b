import math

import pytest
from tilewright.evaluation.summary import summarise


def test_the_numbers_of_a_short_list():
    summary = summarise([1, 2, 3, 4, 10])
    assert (summary.count, summary.mean, summary.median) == (5, 4, 3)
    assert (summary.least, summary.lower_quartile, summary.upper_quartile, summary.most) == (1, 2, 4, 10)
    assert summary.deviation == pytest.approx(math.sqrt(50 / 4))
    third, second, fourth = (sum((v - 4) ** p for v in (1, 2, 3, 4, 10)) / 5 for p in (3, 2, 4))
    assert summary.skewness == pytest.approx(third / second**1.5)
    assert summary.kurtosis == pytest.approx(fourth / second**2 - 3)


@pytest.mark.parametrize(("count", "skewness", "kurtosis"), [(32, 0.43, 0.87), (180, 0.18, 0.37), (960, 0.08, 0.16)])
def test_the_errors_of_the_moments_are_as_large_as_they_are(count, skewness, kurtosis):
    summary = summarise([float(n) for n in range(count)])
    assert summary.skewness_error == pytest.approx(skewness, abs=0.005)
    assert summary.kurtosis_error == pytest.approx(kurtosis, abs=0.005)


def test_a_single_number_has_no_spread():
    summary = summarise([2.0])
    assert math.isnan(summary.deviation) and math.isnan(summary.skewness)
