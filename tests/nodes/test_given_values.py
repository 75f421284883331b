"""Values that no widget could hold, as links and scripts bring them."""

import asyncio
import re

import pytest
from comfy_api.latest import io
from tilewright.common.errors import InputError
from tilewright.nodes import captions, dataset, evaluation, material, seamless, training, upscale
from tilewright.nodes.given_values import check_values, checking_values

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
        ({"size_cm": 0.0}, r"surface size \(cm\) is 0, but 0\.5 is the least it can be\. Look at the node that is li"),
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
        ({"name": "a\0b"}, r"name is 'a\\x00b', in which '\\x00' is no letter, and files"),
        ({"name": "\ud800"}, r"in which '\\ud800' is no letter"),
        ({"repair": "false"}, r"repair is 'false', where only on or off"),
        ({"file": "x.png"}, r"file is 'x\.png', which is none of 0\.png, (\d\.png, ){6}7\.png, …\. Look"),
        ({"kind": {"kind": "a", "inner": 0}}, r"inner is 0, but 1 is the least"),
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


def test_a_node_that_waits_is_checked_too():
    assert asyncio.run(checking_values(Later).execute(count=1)).args == ("later",)
    with pytest.raises(InputError, match="count is 99"):
        asyncio.run(checking_values(Later).execute(count=99))


@pytest.mark.parametrize("node", NODES)
def test_every_node_has_its_numbers_checked(node):
    for widget in (one for one in node.define_schema().inputs if isinstance(one, NUMBERS)):
        bad = [one for one in (widget.min, widget.max) if one is not None]
        bad = [float("nan"), None, "7", *(one + (1 if one == widget.max else -1) for one in bad)]
        for value in bad:
            given = [value] if node.define_schema().is_input_list else value
            with pytest.raises(InputError, match=re.escape(f"{widget.display_name or widget.id} is ")):
                check_values(node.define_schema(), {widget.id: given})


def test_the_checked_node_is_the_node_to_the_host():
    checked = checking_values(Node)
    assert (checked.__name__, checked.__module__, checked.FUNCTION) == ("Node", Node.__module__, "EXECUTE_NORMALIZED")
    assert checked.GET_NODE_INFO_V1() == Node.GET_NODE_INFO_V1()
