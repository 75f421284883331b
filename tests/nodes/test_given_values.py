"""Values that no widget could hold, as links and scripts bring them."""

import asyncio
import inspect
import re

import numpy as np
import pytest
from comfy_api.latest import io
from tilewright.common.errors import InputError
from tilewright.nodes import captions, dataset, evaluation, material, seamless, training, upscale
from tilewright.nodes.given_values import check_values, checking_values
from tilewright.nodes.sockets import FileCombo

STAGES = (captions, dataset, evaluation, material, seamless, training, upscale)
NODES = [node for stage in STAGES for node in stage.NODES]
NUMBERS = (io.Int.Input, io.Float.Input)


class Node(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        inner = io.Int.Input("inner", default=1, min=1, max=9)
        return io.Schema(
            node_id="Values",
            inputs=[
                io.Image.Input("image", optional=True),
                io.Float.Input("size_cm", display_name="surface size (cm)", default=1.0, min=0.5, max=9.0),
                io.Int.Input("count", default=1, min=0, max=9),
                io.String.Input("name", default=""),
                io.Boolean.Input("repair", default=False),
                io.Combo.Input("file", options=[f"{number}.png" for number in range(20)]),
                io.Combo.Input("depth", options=["1024", "2048"]),
                FileCombo("weights", options=["none", "sub\\x.safetensors"]),
                io.String.Input("note", default="", optional=True),
                io.Float.Input("least", default=0.0, optional=True),
                io.String.Input("named", default="image", optional=True),
                io.DynamicCombo.Input("kind", options=[io.DynamicCombo.Option("a", [inner])]),
            ],
            outputs=[io.String.Output()],
        )

    @classmethod
    def execute(cls, **values):
        return io.NodeOutput(str(sorted(values)))


class Later(Node):
    @classmethod
    async def execute(cls, **values):
        return io.NodeOutput("later")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"size_cm": 0.0},
            r"surface size \(cm\) is 0, but 0\.5 is the least it can be\. Look at the",
        ),
        ({"size_cm": 10}, r"is 10, but 9 is the most"),
        ({"size_cm": float("nan")}, r"is nan, which is no number"),
        ({"size_cm": float("-inf")}, r"is -inf, but 0\.5 is the least"),
        ({"size_cm": None}, r"is empty, where a number is wanted"),
        ({"size_cm": "5"}, r"is '5', where a number is wanted"),
        ({"size_cm": True}, r"is True, where a number"),
        ({"count": -1}, r"count is -1, but 0 is the least"),
        ({"count": 2.5}, r"count is 2\.5, where a whole number is wanted"),
        ({"count": [1]}, r"count is \[1\], where a whole number"),
        ({"name": 7}, r"name is 7, where text is wanted"),
        ({"name": ["a" * 99]}, r"name is \['a{58}…, where text"),
        ({"count": 10**400}, r"count is a number of more than 50 digits, but 9 is the most"),
        ({"count": 9.5}, r"count is 9\.5, where a whole number is wanted"),
        ({"size_cm": 9.0000001}, r"is 9\.0000001, but 9 is the most"),
        ({"count": np.int64(10)}, r"count is 10, but 9 is the most"),
        (
            {"name": "a\0b"},
            r"name is 'a\\x00b', in which '\\x00' is no letter, and not every file",
        ),
        ({"name": "a\x1cb"}, r"in which '\\x1c' is no letter"),
        ({"name": None}, r"name is empty, where text is wanted"),
        ({"name": "\ud800"}, r"in which '\\ud800' is no letter"),
        ({"repair": "false"}, r"repair is 'false', where only on or off"),
        ({"repair": 7}, r"repair is 7, where only on or off"),
        ({"repair": None}, r"repair is empty, where only on or off"),
        ({"depth": 1025}, r"depth is 1025, which is none of '1024', '2048'\. Look"),
        ({"depth": 1024.0}, r"depth is 1024, which is none of '1024', '2048'\. Look"),
        ({"weights": 7}, r"weights is 7, where text is wanted"),
        ({"file": "x.png"}, r"file is 'x\.png', which is none of '0\.png', ('\d\.png', ){6}'7\.png', …\. Look"),
        ({"kind": {"kind": "a", "inner": 0}}, r"inner is 0, but 1 is the least"),
        ({"kind": {"kind": "zzz"}}, r"kind is 'zzz', which is none of 'a'\. Look at the node that is linked there\.$"),
        ({"kind": {}}, r"kind is empty, which is none of 'a'"),
        ({"kind": "zzz"}, r"kind is 'zzz', which is none of 'a'"),
        ({"kind": "a"}, r"kind is 'a', without kind's own inputs"),
    ],
)
def test_a_value_that_the_widget_could_not_hold_is_named(values, message):
    with pytest.raises(InputError, match=message):
        checking_values(Node).execute(**values)


def test_what_it_can_hold_passes():
    values = {"image": None, "size_cm": 9, "count": 0, "name": "", "repair": 1, "file": "9.png"}
    assert checking_values(Node).execute(**values, kind={"kind": "a", "inner": 9}).args == (
        str(sorted([*values, "kind"])),
    )
    check_values(Node.define_schema(), {"file": "elsewhere.png [output]"}, {"file"})


@pytest.mark.parametrize(
    ("given", "held"),
    [
        ({"repair": np.True_}, np.True_),
        ({"repair": 0}, 0),
        ({"count": 5.0}, 5),
        ({"count": np.float32(5.0)}, 5),
        ({"count": np.int64(5)}, 5),
        ({"depth": 1024}, "1024"),
        ({"weights": "sub/x.safetensors"}, "sub/x.safetensors"),
        ({"weights": "gone.safetensors"}, "gone.safetensors"),
        ({"name": "caf\x92s\x85\tand\r\nmore\x7f"}, "caf\x92s\x85\tand\r\nmore\x7f"),
        ({"kind": {"kind": "a", "inner": 9.0}}, {"kind": "a", "inner": 9}),
    ],
)
def test_what_links_bring_in_another_type_is_held_as_the_widget_holds_it(given, held):
    [value] = check_values(Node.define_schema(), given).values()
    assert value == held and type(value) is type(held) or isinstance(value, np.integer)


def test_a_whole_number_without_a_most_may_have_any_number_of_digits():
    schema = io.Schema(node_id="Seed", inputs=[io.Int.Input("seed", default=0)])
    assert check_values(schema, {"seed": 10**400}) == {"seed": 10**400}


def test_nothing_is_taken_by_an_optional_widget_whose_default_is_nothing():
    given = {"note": None, "least": None, "weights": None}
    assert check_values(Node.define_schema(), given) == {"note": "", "least": 0.0, "weights": None}
    with pytest.raises(InputError, match="named is empty, where text is wanted"):
        check_values(Node.define_schema(), {"named": None})
    assert check_values(Node.define_schema(), {"named": None}, (), {"named": None}) == {"named": None}
    listed = io.Schema(
        node_id="Listed", is_input_list=True, inputs=[io.String.Input("note", default="", optional=True)]
    )
    assert check_values(listed, {"note": [None, "a"]}) == {"note": ["", "a"]}


@pytest.mark.parametrize("widget", ["name", "tileable", "background"])
def test_dataset_from_images_keeps_taking_none_as_not_set(widget):
    [node] = [one for one in NODES if one.__name__ == "DatasetFromImages"]
    defaults = {name: one.default for name, one in inspect.signature(node.execute).parameters.items()}
    assert check_values(node.define_schema(), {widget: [None]}, (), defaults) == {widget: [None]}


def test_choices_of_files_are_left_to_the_nodes_that_look_them_up():
    inputs = {(node.__name__, one.id): one for node in NODES for one in node.define_schema().inputs}
    files = {key for key, one in inputs.items() if isinstance(one, FileCombo)}
    encoders = {(node, name) for node in ("ScoreGrid", "ScoreImages") for name in ("clip_vision", "aesthetic")}
    of_scripts = {"checkpoint", "vae", "diffusion_model", "text_encoder", "text_encoder_2", "text_encoder_3"}
    scripts = {(node, name) for node in ("TrainLoraKohya", "TrainModelKohya") for name in of_scripts}
    assert files == encoders | scripts | {("LoraNetwork", "start_from"), ("LoraNetwork", "training_adapter")}


def test_a_node_that_waits_is_checked_too():
    assert asyncio.run(checking_values(Later).execute(count=1)).args == ("later",)
    with pytest.raises(InputError, match="count is 99"):
        asyncio.run(checking_values(Later).execute(count=99))


@pytest.mark.parametrize("node", NODES)
def test_every_node_has_its_numbers_checked(node):
    for widget in (one for one in node.define_schema().inputs if isinstance(one, NUMBERS)):
        none = [] if widget.optional and not widget.default else [None]  # it is taken for 0 there
        least_and_most = [one for one in (widget.min, widget.max) if one is not None]
        bad = [float("nan"), "7", *none, *(one + (1 if one == widget.max else -1) for one in least_and_most)]
        for value in bad:
            given = [value] if node.define_schema().is_input_list else value
            with pytest.raises(InputError, match=re.escape(f"{widget.display_name or widget.id} is ")):
                check_values(node.define_schema(), {widget.id: given})


def test_the_checked_node_is_the_node_to_the_host():
    checked = checking_values(Node)
    assert (checked.__name__, checked.__module__, checked.FUNCTION) == ("Node", Node.__module__, "EXECUTE_NORMALIZED")
    assert checked.GET_NODE_INFO_V1() == Node.GET_NODE_INFO_V1()
