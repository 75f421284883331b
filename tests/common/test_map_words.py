"""How captions name maps, and how a person lists them."""

import pytest
from tilewright.captions.from_parameters import caption_record
from tilewright.common.errors import InputError
from tilewright.common.manifest import MaterialRecord
from tilewright.common.map_kinds import MAP_KINDS
from tilewright.common.map_words import DEFAULT_MAPS, MAP_WORDS, described, listed_maps, map_caption, parse_maps


def test_every_kind_has_a_word():
    assert set(MAP_WORDS) == set(MAP_KINDS)


@pytest.mark.parametrize("kind", MAP_KINDS)
def test_a_caption_and_what_it_describes(kind):
    assert described(map_caption(kind, "red bricks, mossy")) == "red bricks, mossy"
    assert map_caption(kind, " ") == MAP_WORDS[kind]
    assert described("red bricks") == "red bricks"


@pytest.mark.parametrize("kind", ["normal", "height", "roughness", "metallic", "ao"])
def test_the_words_are_those_of_captions_from_parameters(kind):
    record = MaterialRecord(name="wall", category="bricks", label="bricks", seed=0, tileable=True, maps={})
    assert described(caption_record(record, kind)) == "bricks"


def test_maps_are_read_in_their_order():
    assert parse_maps(" Normal, basecolor\nheight,") == ("normal", "basecolor", "height")
    assert listed_maps(parse_maps(DEFAULT_MAPS)) == DEFAULT_MAPS


@pytest.mark.parametrize(("text", "told"), [("", "empty"), ("normal, gloss", "gloss"), ("ao, ao", "twice")])
def test_what_is_no_list_of_maps_is_refused(text, told):
    with pytest.raises(InputError, match=told):
        parse_maps(text)
