"""Prompts from parts: their order, both ways of writing, and what a dataset's captions hold."""

from pathlib import Path

import pytest
from tilewright.captions.texture_prompt import (
    CLIP,
    PARTS,
    T5,
    Vocabulary,
    parse_order,
    phrases,
    plain,
    sentences,
    tags,
    write_prompt,
)
from tilewright.common.errors import InputError
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.nodes.captions import TexturePrompt

ORDER = ", ".join(PARTS)
EMPTY = dict.fromkeys(PARTS, "")
CAPTIONS = (
    "twbricks, brick wall, red-brown brick, wide joints, worn edges",
    "twbricks, brick wall, grey brick, narrow joints",
    "twplanks, wooden planks, visible knots",
)


def prompt(negative="", writing=CLIP, order=ORDER, seed=0, captions=(), from_captions=0, **parts):
    lists = {"colors": ["turquoise", "red-brown", "grey"]}
    return write_prompt({**EMPTY, **parts}, negative, writing, order, lists, seed, Vocabulary(captions), from_captions)


def test_parts_come_in_their_order_without_the_empty_ones():
    found = prompt(trigger="twbricks", material="brick wall", quality="sharp", colors="red", light="flat light")
    assert found.positive == "sharp, brick wall, flat light, red, twbricks"


def test_the_order_can_be_another():
    order = "trigger, material, details, colors, style, quality, light, view, lora_words"
    assert prompt(order=order, trigger="twbricks", material="brick wall", style="photograph").positive == (
        "twbricks, brick wall, photograph"
    )


@pytest.mark.parametrize("order", ["", "material", f"{ORDER}, material", ORDER.replace("light", "lamp")])
def test_an_order_that_is_none_is_named(order):
    with pytest.raises(InputError, match="Name each part once"):
        parse_order(order)
    assert "Name each part once" in TexturePrompt.validate_inputs(order)


def test_a_phrase_is_said_once():
    assert tags(["sharp, Brick  wall", "brick wall, (sharp:1.3), red"]) == "sharp, Brick wall, red"


def test_weights_stay_and_commas_inside_them_part_nothing():
    assert phrases("(red, worn:1.2), [old], ((deep))") == ["(red, worn:1.2)", "[old]", "((deep))"]
    assert prompt(details="(red, worn:1.2), chips").positive == "(red, worn:1.2), chips"
    assert plain("((Deep  cracks:1.25))") == "deep cracks"


def test_sentences_for_t5():
    parts = {
        "style": "hand-painted",
        "material": "brick wall",
        "details": "wide joints, (chips:1.2), moss",
        "colors": "red, grey",
        "view": "seen from straight above",
        "light": "flat even light",
        "quality": "sharp focus",
    }
    assert sentences({**EMPTY, **parts}) == (
        "A hand-painted texture of brick wall with wide joints, (chips:1.2) and moss, in red and grey. "
        "Seen from straight above, flat even light. Sharp focus."
    )
    assert prompt(writing=T5, trigger="oldbricks", material="stone").positive == "An oldbricks texture of stone."
    assert sentences(EMPTY) == "A texture."


def test_choices_prefer_what_captions_hold():
    drawn = {prompt(seed=seed, colors="__colors__", captions=CAPTIONS).positive for seed in range(40)}
    assert drawn == {"red-brown", "grey"}
    assert {prompt(seed=seed, colors="__colors__").positive for seed in range(40)} == {"turquoise", *drawn}


def test_each_part_draws_by_itself():
    one = [prompt(seed=seed, material="{a|b|c|d}", colors="x").positive.split(", ")[0] for seed in range(20)]
    other = [prompt(seed=seed, material="{a|b|c|d}", colors="{x|y|z}").positive.split(", ")[0] for seed in range(20)]
    assert one == other and len(set(one)) > 1


def test_phrases_come_from_one_caption_about_the_material():
    found = {
        prompt(seed=seed, material="brick wall", trigger="twbricks", captions=CAPTIONS, from_captions=2).positive
        for seed in range(20)
    }
    assert found == {
        "brick wall, red-brown brick, wide joints, twbricks",
        "brick wall, grey brick, narrow joints, twbricks",
    }


def test_words_that_no_caption_holds_are_told():
    notes = prompt(material="brick wall", details="gold inlay, (worn edges:1.2)", captions=CAPTIONS).notes
    assert notes == ["In no caption of the dataset: gold inlay."]


def test_whole_words_only():
    assert Vocabulary(("brickwork, red",)).holds("Red")
    assert not Vocabulary(("brickwork, reddish",)).holds("red")
    assert not Vocabulary(("brickwork",)).holds("brick")


def test_the_negative_does_not_forbid_what_the_prompt_asks_for():
    found = prompt(negative="cast shadow, border, blurry", details="Border")
    assert found.negative == "cast shadow, blurry"
    assert found.notes == ["Left out of the negative prompt, as the prompt asks for it: border."]


def test_lora_tags_are_left_out_and_told():
    found = prompt(material="stone <lora:old_walls:0.8>", lora_words="mossy")
    assert found.positive == "stone, mossy"
    assert "<lora:old_walls:0.8>" in found.notes[0] and "Load LoRA" in found.notes[0]


def test_a_long_prompt_is_told():
    assert "CLIP reads 75" in prompt(details=", ".join(f"word{number}" for number in range(50))).notes[0]
    assert prompt(writing=T5, details=", ".join(f"word{number}" for number in range(50))).notes == []


def test_the_node_with_a_dataset():
    samples = tuple(Sample(Path(f"{n}.png"), "basecolor", (64, 64), caption) for n, caption in enumerate(CAPTIONS))
    widgets = {name: "" for name in PARTS} | {"material": "brick wall", "colors": "{pink|grey brick}"}
    found, negative, report = TexturePrompt.execute(
        **widgets, negative="text", text_encoder=CLIP, seed=3, dataset=TextureDataset(samples)
    ).args
    assert (found, negative) == ("brick wall, grey brick", "text")
    assert report == found
