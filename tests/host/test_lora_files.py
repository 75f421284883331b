"""What ComfyUI leaves out of a LoRA without a word is told before it is painted with."""

import json
from dataclasses import replace

import pytest
import torch
from small_flows import small_flow
from tilewright.common.errors import InputError
from tilewright.host.demo_model import load_demo_model
from tilewright.host.lora_files import LoraFile, check_fit, check_values

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


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"unet.alpha_pattern": {"attn1": 32}}, "at strengths of 1 to 2, so that no strength is right for all"),
        ({"unet.alpha_pattern": json.dumps({"attn1": 8.0})}, "at strengths of 0.5 to 1"),
        ({"unet.rank_pattern": {"to_q": 4}}, "at strengths of 1 to 4"),
        ({"unet.rank_pattern": {"to_q": 4}, "unet.alpha_pattern": {"to_q": 4}}, ""),
        ({"unet.alpha_pattern": {}, "unet.rank_pattern": "{}"}, ""),
        ({"unet.alpha_pattern": "[" * 10**5, "unet.rank_pattern": [1]}, ""),
        ({"unet.alpha_pattern": {"attn1": "nan", "attn2": None, "to_q": -1}}, ""),
    ],
)
def test_alphas_and_ranks_of_single_layers_are_told_where_they_count(demo, facts, words):
    told = {"unet.lora_alpha": 16, "unet.r": 16, **facts}
    line = check_fit(*demo[:2], peft(demo[0], {"lora_adapter_metadata": json.dumps(told)}))
    assert words in line and bool(line) == bool(words)


@pytest.mark.parametrize("names", [("network_alpha", "network_dim"), ("alpha", "rank"), ("alpha", "r")])
def test_an_alpha_by_the_names_of_other_trainers(demo, names):
    line = check_fit(*demo[:2], peft(demo[0], dict(zip(names, ("8", "32"), strict=True))))
    assert line.endswith("as it was trained at a strength of 0.25")


@pytest.mark.parametrize("ending", ["scale_weight", "lora_A.weight_scale", "lora_B.scale_weight"])
def test_weights_of_8_bits_with_scales_of_their_own_are_refused(demo, ending):
    scaled = peft(demo[0], **{ending: torch.tensor(0.01)})
    scaled = replace(scaled, tensors={name: value.to(torch.float8_e4m3fn) for name, value in scaled.tensors.items()})
    with pytest.raises(InputError, match=f"The LoRA peft.safetensors holds weights of 8 bits(.|\n)*{ending}"):
        check_fit(*demo[:2], scaled)


def test_weights_of_8_bits_without_scales_are_used(demo):
    plain = peft(demo[0])
    plain = replace(plain, tensors={name: value.to(torch.float8_e5m2) for name, value in plain.tensors.items()})
    assert check_values(plain) == check_fit(*demo[:2], plain) == ""


@pytest.mark.parametrize("ending", ["lora_B.bias", "scalar", "lora_C.weight"])
def test_tensors_of_its_layers_that_comfyui_passes_over_are_counted(demo, ending):
    odd = peft(demo[0], **{ending: torch.ones(2)})
    line = check_fit(*demo[:2], odd)
    assert line.startswith(f"peft.safetensors: ComfyUI passes over {len(odd.tensors) // 3} of its tensors, such as ")
    assert line.endswith(f"{ending}: painted without them")


def of_kind(model, kind, name=NAMED):
    """Other kinds than plain LoRA, in the names that their libraries write, on every attention layer."""
    tensors = {}
    for path, layer in model.model.diffusion_model.named_modules():
        if "attn" in path and isinstance(layer, torch.nn.Linear):
            own, out, into = name.format(path), layer.out_features, layer.in_features
            if kind == "LoHa":
                for half in ("hada_w1", "hada_w2"):
                    tensors |= {f"{own}.{half}_a": torch.ones(out, 2), f"{own}.{half}_b": torch.ones(2, into)}
            else:
                tensors |= {f"{own}.lokr_w1": torch.ones(2, 2), f"{own}.lokr_w2": torch.ones(out // 2, into // 2)}
    return LoraFile("kind.safetensors", tensors, {})


@pytest.mark.parametrize("kind", ["LoHa", "LoKr"])
def test_other_kinds_are_used_and_named_where_their_names_are_those_of_peft_itself(demo, kind):
    assert check_fit(*demo[:2], of_kind(demo[0], kind)) == ""
    with pytest.raises(InputError) as told:
        check_fit(*demo[:2], of_kind(demo[0], kind, "base_model.model.{}"))
    assert str(told.value).startswith("The LoRA kind.safetensors has the names of PEFT itself, such as base_model.")
    assert "another family" not in str(told.value)


def test_a_dora_of_peft_is_told_to_be_painted_without_its_magnitudes(demo):
    dora = peft(demo[0], **{"lora_magnitude_vector.weight": torch.ones(4)})
    count = len(dora.tensors) // 3
    assert check_fit(*demo[:2], dora) == (
        f"peft.safetensors: a DoRA of PEFT, whose {count} magnitudes ComfyUI passes over: painted as a plain LoRA"
    )


def test_names_that_comfyui_does_not_know_are_told_by_example(demo):
    with pytest.raises(InputError, match=r"ComfyUI knows none of its names for it, such as other\.input_blocks"):
        check_fit(*demo[:2], peft(demo[0], name="other.{}"))


@pytest.mark.parametrize("wider", [1, 2])
def test_a_lora_that_widens_the_input_for_a_second_picture_is_refused(demo, wider):
    """As the control LoRAs of Flux do, with a size in the file to which ComfyUI fills the weight up."""
    flux = small_flow("Flux")
    out, into = flux.model.diffusion_model.img_in.weight.shape
    size = torch.tensor([out, wider * into])
    parts = {"lora_up.weight": torch.ones(out, 2), "lora_down.weight": torch.ones(2, size[1]), "reshape_weight": size}
    file = LoraFile("canny.safetensors", {f"diffusion_model.img_in.{key}": value for key, value in parts.items()}, {})
    if wider == 1:
        assert check_fit(flux, demo[1], file) == ""
        return
    with pytest.raises(InputError, match=rf"canny.safetensors widens .*img_in.weight .*{into}\] to .*{2 * into}\]"):
        check_fit(flux, demo[1], file)
