"""The host's side of a widget's check, as execution.py of ComfyUI reads and calls it."""

import inspect

from tilewright.common.errors import InputError
from tilewright.nodes.validation import refusing


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
