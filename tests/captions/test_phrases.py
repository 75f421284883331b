"""Captions as lists of phrases: rules in their order, and cuts where a reader would make them."""

import pytest
from tilewright.captions.phrases import (
    PhraseRules,
    apply_rules,
    parse_replacements,
    phrase_frequencies,
    rough_token_count,
)
from tilewright.common.errors import InputError


def test_replacements_and_the_blacklist_take_whole_words_and_whole_phrases():
    rules = PhraseRules(replacements=[("brick", "clay"), ("wall", "")], blacklist=["no humans"])
    assert apply_rules("brick wall, bricks, NO HUMANS, no humans here", rules) == "clay, bricks, no humans here"


def test_prefix_and_suffix_stand_around_what_they_do_not_say_already():
    rules = PhraseRules(prefix="twbrick, texture", suffix="seamless")
    assert apply_rules("Texture, old, old, seamless", rules) == "twbrick, texture, old, seamless"


@pytest.mark.parametrize(
    ("limit", "kept"),
    [
        (0, "stone, grey, mossy, cracked"),
        (7, "stone, grey, mossy, cracked"),  # four words and three commas
        (6, "stone, grey, mossy"),
        (1, "stone"),
    ],
)
def test_tags_are_cut_whole_from_the_end_and_the_first_stays(limit, kept):
    assert apply_rules("stone, grey, mossy, cracked", PhraseRules(max_tokens=limit)) == kept


def test_a_sentence_is_cut_before_a_word_that_cannot_end_it():
    caption = "an old wall of red bricks with white mortar between the stones"
    assert apply_rules(caption, PhraseRules(max_tokens=7)) == "an old wall of red bricks"


def test_the_tokens_are_those_of_the_counter_that_is_given():
    assert apply_rules("ab, cd", PhraseRules(max_tokens=3), count_tokens=len) == "ab"
    assert rough_token_count("worn, chipped edges.") == 5


def test_replacements_are_read_a_line_each():
    assert parse_replacements("brick -> clay brick\n\n photo of ->") == [("brick", "clay brick"), ("photo of", "")]


@pytest.mark.parametrize("line", ["brick", "-> clay", "a -> b -> c"])
def test_a_line_that_is_no_replacement_is_shown(line):
    with pytest.raises(InputError, match="old words -> new words"):
        parse_replacements(line)


def test_phrases_are_counted_once_a_caption_the_commonest_first():
    assert phrase_frequencies(["red, wall, red", "wall", "blue"]) == [("wall", 2), ("blue", 1), ("red", 1)]
