import pytest
from tilewright.common.errors import InputError
from tilewright.evaluation.seeds import parse_seeds


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("1 2 7", [1, 2, 7]),
        ("1-4", [1, 2, 3, 4]),
        ("3, 1 - 2; 3", [3, 1, 2]),
        ("5-5", [5]),
        ("1，2、7；9－10", [1, 2, 7, 9, 10]),
        ("18446744073709551615", [2**64 - 1]),
    ],
)
def test_seeds_are_whole_numbers_and_ranges_each_once(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", " ", "a", "-1", "1.5", "4-1", "1-1001", "18446744073709551616"])
def test_other_seeds_are_told(text):
    with pytest.raises(InputError, match="seeds"):
        parse_seeds(text)
