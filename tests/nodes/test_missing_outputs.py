"""Outputs that hold nothing: the pack's optional inputs take them as not linked, all else says why they are empty."""

import copy

import comfy.sd
import numpy as np
import pytest
import torch
from comfy_api.latest import io
from tilewright.common.errors import InputError
from tilewright.nodes import material
from tilewright.nodes.given_values import checking_values
from tilewright.nodes.material.split_material_set import OUTPUTS
from tilewright.nodes.missing_outputs import MissingOutput

import nodes as host_nodes

WHY = "the set has no metallic"
SPLIT = next(node for node in map(checking_values, material.NODES) if node.__name__ == "SplitMaterialSet")


class Source(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Source",
            display_name="A Source",
            inputs=[
                io.Image.Input("needed"),
                io.Image.Input("other", optional=True, display_name="the other"),
                io.String.Input("note", default="", optional=True),
            ],
            outputs=[
                io.Image.Output("image", tooltip="The picture of what is linked."),
                io.Image.Output("images", is_output_list=True, tooltip="As many as asked for."),
                io.Clip.Output("clip", tooltip="The text encoder, if there is one."),
            ],
        )

    @classmethod
    def execute(cls, needed, other=None, note="typed"):
        assert note == "typed"
        return io.NodeOutput(other, [] if other is None else [other], None)


USES = {
    "size": lambda one: one.shape,
    "pictures": lambda one: list(one),
    "first": lambda one: one[0],
    "count": lambda one: len(one),
    "array": lambda one: np.array(one),
    "call": lambda one: one("text"),
    "inverse": lambda one: 1 - one,
    "square": lambda one: one**2,
    "mask": lambda one: one > 0.5,
    "times": lambda one: torch.ones(3) * one,
    "joined": lambda one: torch.cat([torch.ones(1), one]),
    "resized": lambda one: torch.nn.functional.interpolate(one, scale_factor=2),
}


@pytest.mark.parametrize("use", USES)
def test_whoever_uses_a_missing_output_is_told_why(use):
    with pytest.raises(InputError, match=WHY):
        USES[use](MissingOutput(WHY))


def test_a_missing_output_can_be_asked_after_copied_and_shown():
    missing = copy.deepcopy(MissingOutput(WHY))
    assert not missing and str(missing) == repr(missing) == WHY
    assert not hasattr(missing, "shape") and getattr(missing, "movedim", 7) == 7


def test_the_packs_nodes_take_it_as_not_linked_where_they_can_do_without():
    image = torch.rand(1, 4, 4, 3)
    made = checking_values(Source).execute(needed=image, other=MissingOutput(WHY), note=MissingOutput(WHY))
    assert [type(one) for one in made.args[:2]] == [MissingOutput, list] and isinstance(made.args[1][0], MissingOutput)
    assert str(made.args[0]) == (
        "A Source has nothing at its output image this time. It gives: The picture of what is linked. Take the link to "
        "it away here, or change what A Source is given."
    )
    assert checking_values(Source).execute(needed=image, other=image).args == (image, [image], None)
    with pytest.raises(InputError, match=f"^needed: {WHY}$"):
        checking_values(Source).execute(needed=MissingOutput(WHY))


def test_a_map_that_a_material_set_lacks_is_named_where_it_is_used():
    split = SPLIT.execute(images=torch.rand(2, 32, 32, 3), maps="basecolor, normal").args
    metallic = split[list(OUTPUTS).index("metallic")]
    with pytest.raises(InputError, match="has no metallic here: the maps of this material set are basecolor, normal, "):
        host_nodes.PreviewImage().save_images(metallic)
    saving = next(node for node in map(checking_values, material.NODES) if node.__name__ == "PreviewMaterial")
    assert saving.execute(basecolor=split[0], normal=split[1], metallic=metallic).args


def test_a_clip_that_is_not_given_goes_through_the_hosts_loaders_of_loras_as_one_of_a_checkpoint_without_does():
    clip = checking_values(Source).execute(needed=torch.rand(1, 4, 4, 3)).args[2]
    assert comfy.sd.load_lora_for_models(None, clip, {}, 1.0, 1.0) == (None, None)
    with pytest.raises(RuntimeError, match="clip input is invalid: None"):
        host_nodes.CLIPTextEncode().encode(clip, "bricks")
