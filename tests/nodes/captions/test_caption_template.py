from pathlib import Path

import pytest
from tilewright.nodes.captions.nodes import CaptionTemplate
from tilewright.nodes.common.errors import InputError
from tilewright.nodes.common.texture_dataset import Sample, TextureDataset


def caption(template, trigger="twbricks", caption="brick wall, wide joints", class_name="texture"):
    sample = Sample(Path("wall_01_height.png"), "height", (8, 8), caption, material="wall_01")
    dataset, captions = CaptionTemplate.execute(TextureDataset((sample,)), template, trigger, class_name)
    assert captions == [dataset.samples[0].caption]
    return captions[0]


def test_the_template_is_filled():
    assert caption("{trigger} {class}, [filewords], seamless") == (
        "twbricks texture, brick wall, wide joints, seamless"
    )
    assert caption("{name} is the {map} of {material}") == "wall_01_height is the height of wall_01"


def test_empty_phrases_are_dropped():
    assert caption("{trigger}, [filewords], ", trigger="") == "brick wall, wide joints"
    assert caption("{trigger},[filewords]", caption="") == "twbricks"


def test_what_is_filled_in_is_never_a_template_itself():
    assert caption("{trigger}, [filewords]", trigger="{class}", caption="[filewords] {0.__class__}") == (
        "{class}, [filewords] {0.__class__}"
    )


@pytest.mark.parametrize(
    "template", ["{colour}", "{trigger.__class__}", "{0}", "{}", "{trigger", "trigger}", "{{trigger}}"]
)
def test_an_unknown_field_is_told_with_those_that_exist(template):
    message = CaptionTemplate.validate_inputs(template)
    assert "[filewords], {trigger}, {class}" in message
    with pytest.raises(InputError):
        caption(template)


def test_a_good_or_linked_template_passes():
    assert CaptionTemplate.validate_inputs("{ trigger }, [filewords]") is True
    assert CaptionTemplate.validate_inputs(None) is True
