"""Templates are filled with words and never evaluated."""

from pathlib import Path

import pytest
from tilewright.captions.template import check_template, fill_template
from tilewright.common.errors import InputError
from tilewright.common.texture_dataset import Sample

SAMPLE = Sample(Path("wall_07.png"), "normal", (8, 8), "red {class} brick", material="wall")


def test_every_field_is_filled_and_what_is_filled_in_is_taken_literally():
    template = "{trigger} {class}, [filewords], { map }, {material}, {name}"
    filled = fill_template(template, SAMPLE, "twbrick", "texture")
    assert filled == "twbrick texture, red {class} brick, normal, wall, wall_07"


@pytest.mark.parametrize("template", ["", "{trigger}", "a photo of [filewords] [unknown]"])
def test_a_good_template_passes(template):
    check_template(template)


@pytest.mark.parametrize(
    ("template", "found"), [("{colour}", r"{colour}, which is not a field"), ("{trigger", "partner")]
)
def test_a_field_that_does_not_exist_is_named_with_those_that_do(template, found):
    with pytest.raises(InputError, match=found) as told:
        check_template(template)
    assert "{material}" in str(told.value)
