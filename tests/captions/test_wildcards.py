"""Choices in prompts: the same seed makes the same, weights hold, lists of users add to the pack's own."""

from collections import Counter

import pytest
from tilewright.captions.wildcards import OWN_LISTS, fill_choices, read_lists
from tilewright.common.errors import InputError

LISTS = {
    "colors": ["red", "grey"],
    "stones": ["__colors__ granite", "slate"],
    "empty": [],
    "loop": ["__loop__ on"],
    "flood": ["__flood__" * 50],
}


def draws(text, count=2000, **options):
    return Counter(fill_choices(text, LISTS, str(seed), **options) for seed in range(count))


def test_text_without_choices_stays():
    text = "brick wall, (worn:1.2), snake_case, a_b, [x]"
    assert fill_choices(text, LISTS, "0") == text


def test_the_same_seed_makes_the_same_choices():
    text = "{a|b|c} {d|e|f} __stones__"
    assert fill_choices(text, LISTS, "7/material") == fill_choices(text, LISTS, "7/material")
    assert len(draws(text, 200)) > 15


def test_weights_are_shares():
    found = draws("{3::red|grey|0::never}")
    assert found["red"] / 2000 == pytest.approx(0.75, abs=0.03)
    assert set(found) == {"red", "grey"}


def test_lists_may_name_lists_and_braces_hold_braces():
    assert set(draws("__stones__")) == {"red granite", "grey granite", "slate"}
    assert set(draws("{old {oak|elm}|new} wood")) == {"old oak wood", "old elm wood", "new wood"}


def test_an_option_may_be_nothing():
    assert set(draws("{|wet }stone")) == {"stone", "wet stone"}


def test_preferred_options_are_drawn_alone_where_there_are_any():
    assert set(draws("__colors__", preferred=lambda word: word == "grey")) == {"grey"}
    assert set(draws("__colors__", preferred=lambda word: False)) == {"red", "grey"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__nothing__", "__nothing__ does not exist. The lists are: colors, empty"),
        ("__empty__", "__empty__ is empty"),
        ("__loop__", "come back to themselves"),
        ("__flood__", "grow without end"),
        ("{red|grey", "without its partner"),
        ("red}", "without its partner"),
        ("{0::red|0::grey}", "weight 0"),
    ],
)
def test_what_cannot_be_drawn_is_named(text, message):
    with pytest.raises(InputError, match=message):
        fill_choices(text, LISTS, "0")


def test_a_users_list_adds_to_the_packs_own_and_takes_out_of_it(tmp_path):
    (tmp_path / "materials.txt").write_text("# mine\nlava stone\n- snow\n\nbrick wall\n", encoding="utf-8-sig")
    (tmp_path / "trims.txt").write_text("cornice\nskirting board\n")
    lists = read_lists([OWN_LISTS, tmp_path, tmp_path / "missing"])
    assert "lava stone" in lists["materials"] and "snow" not in lists["materials"]
    assert lists["materials"].count("brick wall") == 1
    assert lists["trims"] == ["cornice", "skirting board"]


def test_the_packs_own_lists_hold_plain_entries():
    lists = read_lists([OWN_LISTS])
    assert {"materials", "details", "colors", "styles", "quality", "light", "view"} == set(lists)
    for entries in lists.values():
        assert len(entries) == len({entry.casefold() for entry in entries})
        assert all(fill_choices(entry, lists, "0") == entry for entry in entries)


def test_a_list_that_is_no_text_is_named(tmp_path):
    (tmp_path / "odd.txt").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(
        InputError, match=r"odd.txt cannot be read: not UTF-8 or UTF-16 text, so it is not used; save it as UTF-8\.$"
    ):
        read_lists([tmp_path])
