import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.common.oklab import (
    hex_from_oklab,
    hex_from_srgb,
    oklab_from_hex,
    oklab_from_srgb,
    srgb_from_hex,
    srgb_from_oklab,
)


@pytest.mark.parametrize(
    ("color", "lab"),
    [
        ("#ffffff", (1.0, 0.0, 0.0)),
        ("#000000", (0.0, 0.0, 0.0)),
        ("#ff0000", (0.62796, 0.22486, 0.12585)),
        ("#00ff00", (0.86644, -0.23389, 0.17950)),
        ("#0000ff", (0.45201, -0.03246, -0.31153)),
    ],
)
def test_colours_are_where_ottosson_puts_them(color, lab):
    assert oklab_from_hex(color).tolist() == pytest.approx(lab, abs=2e-4)


def test_there_and_back():
    srgb = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(srgb_from_oklab(oklab_from_srgb(srgb)), srgb, atol=1e-4, rtol=0)
    for color in ("#000000", "#8a4b32", "#b7ab98", "#ffffff"):
        assert hex_from_oklab(oklab_from_hex(color)) == hex_from_srgb(srgb_from_hex(color)) == color


def test_what_lies_outside_is_clipped():
    assert hex_from_srgb((-0.5, 0.5, 1.5)) == "#0080ff"


@pytest.mark.parametrize("text", ["red", "#fff", "#12345g", "123456", "#1234567", ""])
def test_what_is_no_colour_is_told(text):
    with pytest.raises(InputError, match="such as #808080"):
        srgb_from_hex(text)
