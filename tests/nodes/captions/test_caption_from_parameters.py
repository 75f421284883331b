from pathlib import Path

import pytest
from tilewright.captions.from_parameters import caption_record
from tilewright.common.manifest import MaterialRecord, Parameter
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.nodes.captions.from_parameters import CaptionFromParameters

BRICKS = MaterialRecord(
    name="bricks_0001",
    category="bricks",
    label="brick wall",
    seed=1,
    tileable=True,
    maps={"basecolor": "bricks_0001_basecolor.png"},
    parameters={
        "bond": Parameter("running", "bond"),
        "gap": Parameter(1.5, "joint width in cm", 0.6, 1.6, "narrow joints", "wide joints"),
        "wear": Parameter(0.5, "edge wear", 0.0, 1.0, "crisp edges", "worn edges"),
        "moss": Parameter(0.1, "moss", 0.0, 1.0, "", "mossy"),
        "cracked": Parameter(True, "Cracked"),
        "painted": Parameter(False, "Painted"),
        "paint": Parameter("none", "paint"),
        "palette": Parameter("red clay", "palette"),
    },
    colors={"brick": "#8a4b32", "mortar": "#b7ab98"},
)


def test_a_caption_names_material_colours_and_what_stands_out():
    expected = "brick wall, red-brown brick, light warm grey mortar, running bond, wide joints, cracked, red clay"
    assert caption_record(BRICKS, "basecolor") == expected


def test_a_data_map_says_which_and_has_no_colours():
    assert caption_record(BRICKS, "ao", details=1) == "ambient occlusion map of brick wall, running bond"


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0, "crisp edges"), (0.33, "crisp edges"), (0.5, ""), (0.67, "worn edges"), (1.0, "worn edges")],
)
def test_a_number_speaks_in_the_outer_thirds_of_its_range(value, words):
    wear = Parameter(value, "edge wear", 0.0, 1.0, "crisp edges", "worn edges")
    record = MaterialRecord("a", "bricks", "bricks", 0, True, {}, {"wear": wear})
    assert caption_record(record, "basecolor") == ", ".join(filter(None, ["bricks", words]))


def test_the_most_extreme_values_are_kept_in_the_order_of_the_record():
    parameters = {
        name: Parameter(value, name, 0.0, 1.0, f"low {name}", f"high {name}")
        for name, value in {"a": 0.7, "b": 1.0, "c": 0.9}.items()
    }
    record = MaterialRecord("x", "rock", "rock", 0, True, {}, parameters)
    assert caption_record(record, "basecolor", details=2) == "rock, high b, high c"


def test_images_without_a_record_keep_their_captions_and_are_named():
    rendered = Sample(Path("a.png"), "basecolor", (8, 8), record=BRICKS)
    photo = Sample(Path("photo.jpg"), "basecolor", (8, 8), caption="a wall")
    dataset, captions, report = CaptionFromParameters.execute(
        TextureDataset((rendered, photo)), details=0, colors=False
    )
    assert captions == [sample.caption for sample in dataset.samples] == ["brick wall", "a wall"]
    assert "1 of 2 images captioned" in report
    assert "photo.jpg" in report.splitlines()[1]
