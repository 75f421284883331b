"""What ComfyUI leaves out of a LoRA without a word is told before it is painted with."""

import json

import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.host.demo_model import load_demo_model
from tilewright.host.lora_files import LoraFile, check_fit

NAMED = "diffusion_model.{}"  # as ComfyUI knows any layer by its path


@pytest.fixture(scope="module")
def demo():
    return load_demo_model()


def peft(model, metadata=None, name=NAMED, **more):
    """A LoRA with the names of PEFT on every attention layer."""
    tensors = {}
    for path, layer in model.model.diffusion_model.named_modules():
        if "attn" in path and isinstance(layer, torch.nn.Linear):
            tensors[f"{name.format(path)}.lora_A.weight"] = torch.ones(2, layer.in_features)
            tensors[f"{name.format(path)}.lora_B.weight"] = torch.ones(layer.out_features, 2)
            tensors |= {f"{name.format(path)}.{key}": value for key, value in more.items()}
    return LoraFile("peft.safetensors", tensors, metadata or {})


def test_a_plain_one_is_used_whole(demo):
    assert check_fit(*demo[:2], peft(demo[0])) == ""
    in_tensors = peft(demo[0], {"unet.lora_alpha": "64", "unet.r": "16"}, alpha=torch.tensor(4.0))
    assert check_fit(*demo[:2], in_tensors) == ""


@pytest.mark.parametrize(
    "metadata",
    [
        {"transformer.lora_alpha": "64", "transformer.r": "16"},
        {"lora_alpha": "64.0", "r": "16"},
        {"lora_adapter_metadata": json.dumps({"unet.lora_alpha": 64, "unet.r": 16, "unet.bias": "none"})},
    ],
)
def test_an_alpha_that_only_the_metadata_has_is_told_with_its_share(demo, metadata):
    line = check_fit(*demo[:2], peft(demo[0], metadata))
    assert line.startswith("peft.safetensors: its alpha of 64 at rank 16 stands in its metadata alone")
    assert line.endswith("as it was trained at a strength of 4")


@pytest.mark.parametrize("stabilised", [True, "True"])
def test_the_share_of_a_rank_stabilised_one_is_by_the_root_of_its_rank(demo, stabilised):
    told = {"unet.lora_alpha": 64, "unet.r": 16, "unet.use_rslora": stabilised}
    line = check_fit(*demo[:2], peft(demo[0], {"lora_adapter_metadata": json.dumps(told)}))
    assert line.endswith("as it was trained at a strength of 16")


@pytest.mark.parametrize(
    "metadata",
    [
        {"lora_alpha": "4", "r": "16", "use_rslora": "true"},
        {"lora_alpha": "16", "r": "16"},
        {"lora_alpha": "64"},
        {"lora_alpha": "nan", "r": "inf"},
        {"lora_alpha": "64", "a.lora_alpha": "8", "r": "4"},
        {"lora_adapter_metadata": "[" * 100_000},
    ],
)
def test_an_alpha_that_changes_nothing_or_says_nothing_is_not(demo, metadata):
    assert check_fit(*demo[:2], peft(demo[0], metadata)) == ""


def test_a_dora_of_peft_is_told_to_be_painted_without_its_magnitudes(demo):
    dora = peft(demo[0], **{"lora_magnitude_vector.weight": torch.ones(4)})
    count = len(dora.tensors) // 3
    assert check_fit(*demo[:2], dora) == (
        f"peft.safetensors: a DoRA of PEFT, whose {count} magnitudes ComfyUI passes over: painted as a plain LoRA"
    )


def test_names_that_comfyui_does_not_know_are_told_by_example(demo):
    with pytest.raises(InputError, match=r"ComfyUI knows none of its names for it, such as other\.input_blocks"):
        check_fit(*demo[:2], peft(demo[0], name="other.{}"))
