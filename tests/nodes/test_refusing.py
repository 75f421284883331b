"""The host's side of a widget's check, as execution.py of ComfyUI reads and calls it."""

import inspect

import pytest
from tilewright.common.errors import InputError
from tilewright.nodes import captions, dataset, evaluation, material, seamless, training, upscale
from tilewright.nodes.validation import refusing

STAGES = (captions, dataset, evaluation, material, seamless, training, upscale)


class Node:
    @classmethod
    @refusing
    def validate_inputs(cls, name: str | None = None, size: int | None = 8) -> None:
        if name is not None and len(name) > size:
            raise InputError(f"name has more than {size} letters.")


def test_a_value_that_passes_is_true_and_one_that_does_not_is_its_sentence():
    assert Node.validate_inputs("bricks") is True
    assert Node.validate_inputs(name="cobblestones", size=4) == "name has more than 4 letters."


def test_the_host_reads_the_named_inputs_and_checks_the_others_itself():
    read = inspect.getfullargspec(Node.validate_inputs)
    assert read.args == ["cls", "name", "size"] and read.varkw is None


def test_the_dict_of_a_dynamic_combo_that_nobody_asked_for_is_dropped():
    assert Node.validate_inputs(name="bricks", training={"training": "DreamBooth"}) is True


PAIRS = {  # whose order is wrong at both
    "TilewrightBucketDataset": ["minimum", "maximum"],
    "TilewrightHeightFromImage": ["black", "white"],
    "TilewrightRoughnessFromImage": ["lowest", "highest"],
}


@pytest.mark.parametrize("node", [node for stage in STAGES for node in getattr(stage, "NODES", ())])
def test_a_check_names_one_input_since_the_host_repeats_its_sentence_at_each(node):
    named = inspect.getfullargspec(node.validate_inputs).args[1:] if "validate_inputs" in vars(node) else []
    assert named == PAIRS.get(node.define_schema().node_id, named[:1])
