"""What LoRA Grid says of the files and prompts that it is given: those that it cannot paint, or that change nothing."""

import pytest
import torch
from safetensors.torch import load_file, save_file
from small_grids import SETTINGS
from tilewright.common.errors import InputError
from tilewright.host import lora_grid
from tilewright.host.lora_files import read_lora
from tilewright.nodes.evaluation import LoraGridNode

pytest_plugins = ["small_grids"]
pytestmark = pytest.mark.slow


def test_an_unknown_lora_is_told_with_the_names_that_are_near(grids):
    with pytest.raises(InputError, match="nearest names:\n  bricks.safetensors"):
        grids.paint(loras="brick")


def test_a_lora_of_another_family_is_told_before_anything_is_painted_with_it(grids):
    name = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q"
    tensors = {f"{name}.lora_down.weight": torch.zeros(4, 640), f"{name}.lora_up.weight": torch.zeros(640, 4)}
    save_file(tensors, grids.folder / "loras" / "xl.safetensors", {"ss_base_model_version": "sdxl_base_v1-0"})
    with pytest.raises(InputError, match="another family(.|\n)*0 of its 1 layers fit(.|\n)*sdxl_base_v1-0"):
        grids.paint(loras="xl")


def test_a_lora_of_the_right_names_and_the_wrong_size_does_not_pass(grids):
    file = grids.folder / "loras" / "bricks.safetensors"
    tensors = {
        key: value.repeat(2, 1) if key.endswith("up.weight") else value for key, value in load_file(file).items()
    }
    save_file(tensors, grids.folder / "loras" / "wide.safetensors")
    with pytest.raises(InputError, match="another family"):
        grids.paint(loras="wide")


def test_a_damaged_file_is_told(grids):
    (grids.folder / "loras" / "broken.safetensors").write_bytes(b"not a LoRA")
    with pytest.raises(InputError, match="broken.safetensors cannot be read"):
        grids.paint(loras="broken")


def changed_lora(grids, name, change):
    """The LoRA `bricks` under another name, each of its tensors as `change` makes it of key and value."""
    tensors = load_file(grids.folder / "loras" / "bricks.safetensors")
    file = grids.folder / "loras" / f"{name}.safetensors"
    save_file({key: change(key, value).contiguous() for key, value in tensors.items()}, file)


def test_a_lora_whose_training_came_apart_is_told_and_the_others_are_painted(grids):
    changed_lora(grids, "nan", lambda key, value: value * float("nan") if key.endswith("up.weight") else value)
    report = grids.paint(loras="nan\nbricks", steps=1).report
    assert "nan.safetensors: " in report and "hold NaN or infinite values: its training diverged" in report
    assert "nan@1: 4 of 4 pictures are black" in report and "50@1: 4" not in report


def test_a_file_is_read_once_for_what_is_odd_about_it_and_that_is_told_again(grids, monkeypatch):
    changed_lora(grids, "nan", lambda key, value: value * float("nan") if key.endswith("up.weight") else value)
    small = {"loras": "nan\nbricks", "steps": 1, "seeds": "1", "prompts": "a"}
    grids.paint(**small)
    read = []
    monkeypatch.setattr(lora_grid, "read_lora", lambda name: read.append(name) or read_lora(name))
    again = grids.paint(**small).report
    assert read == [] and "0 painted" in again and "nan.safetensors: " in again
    grids.write_lora("bricks", seed=9, steps=50)
    assert "1 painted" in grids.paint(**small).report and set(read) == {"bricks.safetensors"}


def test_a_lora_that_changes_nothing_is_told(grids):
    changed_lora(grids, "nothing", lambda key, value: value * 0 if key.endswith("up.weight") else value)
    assert "nothing@1: its pictures are those without LoRA" in grids.paint(loras="nothing", steps=1).report


def test_a_lora_of_rank_0_is_told(grids):
    def emptied(key, value):
        return value.narrow(1 if "lora_up" in key else 0, 0, 0) if value.ndim == 2 else value

    changed_lora(grids, "empty", emptied)
    with pytest.raises(InputError, match="empty.safetensors is empty: its layers have rank 0"):
        grids.paint(loras="empty")


@pytest.mark.parametrize("name", ["bricks, [v2] (final) #1", "砖墙@新", "a b/c'd"])
def test_a_lora_may_be_called_as_it_likes(grids, name):
    grids.write_lora(name, seed=3)
    painted = grids.paint(loras=name, strengths="-1", seeds="1", prompts="a", steps=1)
    assert painted.grid.cells[1].lora == f"{name}.safetensors" and "2 painted" in painted.report


def test_renders_without_a_caption_are_counted(grids):
    dataset = grids.dataset("held_out", torch.rand(3, 3, 64, 64), ["terrazzo", "", " "])
    painted = grids.paint(dataset=dataset, steps=1)
    assert painted.grid.prompts == ("terrazzo", "brick wall", "weave of reed")
    assert "2 of 3 renders of dataset have no caption, so they gave no prompt" in painted.report


def test_nothing_to_paint_is_told(grids):
    with pytest.raises(InputError, match="nothing to paint"):
        grids.paint(prompts=" \n")
    for inputs in ({"seeds": "x"}, {"name": "a/b"}):
        with pytest.raises(InputError, match=next(iter(inputs))):
            grids.paint(**inputs)
    assert isinstance(LoraGridNode.validate_inputs(strengths=""), str)
    assert LoraGridNode.validate_inputs(strengths=SETTINGS["strengths"]) is True
