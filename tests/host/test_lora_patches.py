"""LoRA files of every kind and naming, against what ComfyUI's own loader makes of them: used whole, told or refused."""

import comfy.utils
import folder_paths
import pytest
import torch
from safetensors.torch import save_file
from small_flows import small_flow
from small_grids import random_lora
from tilewright.common.errors import InputError
from tilewright.host.demo_model import load_demo_model
from tilewright.host.in_graph.model import starting_weights
from tilewright.host.in_graph.trained import with_training_adapter
from tilewright.host.lora_files import LoraFile, check_fit, with_lora_file
from tilewright.host.training import kohya_names
from tilewright.host.weights import patched, weights_of
from tilewright.training.config import NetworkConfig, TrainingConfig

R = torch.randn


@pytest.fixture(scope="module")
def demo():
    return load_demo_model()


def layers_of(model, kind=torch.nn.Linear):
    """Kohya's names and weights' shapes of the attention layers, or of the 3x3 convolutions."""
    names, network = kohya_names(model), model.model.diffusion_model
    for path, layer in network.named_modules():
        if isinstance(layer, kind) and path in names and ("attn" in path or layer.weight.shape[2:] == (3, 3)):
            yield names[path], tuple(layer.weight.shape)


def of_layers(model, made, kind=torch.nn.Linear):
    return {f"{name}.{key}": value for name, shape in layers_of(model, kind) for key, value in made(*shape[:2]).items()}


def lora(out, into, rank=2):
    return {"lora_up.weight": R(out, rank), "lora_down.weight": R(rank, into), "alpha": torch.tensor(float(rank))}


def loha(out, into):
    return {f"hada_w{half}_{side}": R(*shape) for half in "12" for side, shape in (("a", (out, 2)), ("b", (2, into)))}


def glora(out, into):
    return {"a1.weight": R(into, 2), "a2.weight": R(2, into), "b1.weight": R(out, 2), "b2.weight": R(2, into)}


def tucker(out, into):
    return {"lora_up.weight": R(out, 2, 1, 1), "lora_down.weight": R(2, into, 1, 1), "lora_mid.weight": R(2, 2, 3, 3)}


def lokr(out, into):
    return {"lokr_w1": R(2, 2), "lokr_w2": R(out // 2, into // 2), "alpha": torch.tensor(1e10)}


def boft(out, _into):
    return {"oft_blocks": R(2, out // 4, 4, 4) * 0.1}


ALPHA = {"alpha": torch.tensor(1.0)}


def changed(base, model):
    """The paths of the weights that a patched model has other numbers for."""
    weights = weights_of(base)
    return {
        key
        for key, entry in weights_of(model).items()
        if len(entry) > 1 and not torch.equal(patched(entry, key, torch.device("cpu")), weights[key][0][0])
    }


def told(demo, tensors):
    return check_fit(*demo[:2], LoraFile("odd.safetensors", tensors, {}))


USED = {
    "LoHa": loha,
    "LoKr, alpha 1e10": lokr,
    "GLoRA": glora,
    "old GLoRA": lambda o, i: {"a1.weight": R(2, i), "a2.weight": R(i, 2), "b1.weight": R(2, i), "b2.weight": R(o, 2)},
    "OFT": lambda o, _i: {"oft_blocks": R(4, o // 4, o // 4) * 0.1, "alpha": torch.tensor(1e-3)},
    "OFT with scales": lambda o, _i: {"oft_blocks": R(4, o // 4, o // 4) * 0.1, "rescale": torch.full((o, 1), 1.1)},
    "BOFT": lambda o, i: boft(o, i) | {"alpha": torch.tensor(1e-3)},
    "DoRA by rows": lambda o, i: lora(o, i) | {"dora_scale": torch.rand(o, 1) + 1},
    "DoRA by columns": lambda o, i: lora(o, i) | {"dora_scale": torch.rand(1, i) + 1},
    "whole differences": lambda o, i: {"diff": R(o, i)},
    "1x1 kernels": lambda o, i: {"lora_up.weight": R(o, 2, 1, 1), "lora_down.weight": R(2, i, 1, 1)},
    "mixed precisions": lambda o, i: {"lora_up.weight": R(o, 2).half(), "lora_down.weight": R(2, i).double()},
    "8 bits": lambda o, i: lora(o, i) | {"lora_up.weight": R(o, 2).to(torch.float8_e4m3fn)},
}  # fmt: skip


@pytest.mark.parametrize("kind", USED)
def test_kinds_that_comfyui_knows_are_used_whole_and_nothing_is_said(demo, kind):
    tensors = of_layers(demo[0], USED[kind])
    assert told(demo, tensors) == ""
    patched_model = with_lora_file(*demo[:2], LoraFile("odd.safetensors", tensors, {}), 1.0)[0]
    assert len(changed(demo[0], patched_model)) == len(list(layers_of(demo[0])))


def test_convolutions_in_tuckers_form_are_used(demo):
    assert told(demo, of_layers(demo[0], tucker, torch.nn.Conv2d)) == ""


LEFT_OUT = {
    "LoHa": lambda o, i: loha(o + 8, i),
    "LoKr": lambda o, i: lokr(o + 6, i),
    "GLoRA": lambda o, i: glora(o + 8, i + 8) | ALPHA,
    "OFT": lambda o, i: {"oft_blocks": R(3, 7, 7)},
    "whole differences": lambda o, i: {"diff": R(3, 3)},
    "BOFT without alpha": boft,
}


@pytest.mark.parametrize("kind", LEFT_OUT)
def test_kinds_that_comfyui_only_logs_that_it_leaves_out_are_refused_with_what_it_says(demo, kind, caplog):
    with pytest.raises(InputError, match="0 of its 56 layers fit(.|\n)*ComfyUI says of one: "):
        told(demo, of_layers(demo[0], LEFT_OUT[kind]))
    assert not caplog.records


def test_layers_that_are_left_out_are_counted_whatever_else_they_hold(demo):
    tensors = of_layers(demo[0], lora)
    for number, (name, shape) in enumerate(layers_of(demo[0])):
        if name.endswith("to_out_0"):
            tensors[f"{name}.diff_b"] = R(shape[0])
        if number % 4 == 0:
            tensors[f"{name}.lora_down.weight"] = R(2, 5)
    assert told(demo, tensors) == "odd.safetensors: 14 of 56 layers do not fit the model"


REFUSED = {
    "half a LoHa": (lambda o, i: {"hada_w1_a": R(o, 2), "hada_w1_b": R(2, i)}, "hada_w2_. is missing"),
    "half a GLoRA": (lambda o, i: {"a1.weight": R(i, 2)}, "a2.weight is missing"),
    "one half up": (lambda o, i: {"lora_up.weight": R(o, 2)}, "lora_down.weight is missing"),
    "one half down": (lambda o, i: {"lora_down.weight": R(2, i)}, "lora_down.weight stands alone"),
    "half a LoKr": (lambda o, i: {"lokr_w1": R(2, 2)}, "that ComfyUI stops at"),
    "two ranks in a LoHa": (lambda o, i: loha(o, i) | {"hada_w2_b": R(3, i)}, "that ComfyUI stops at"),
    "rank 0": (lambda o, i: lora(o, i) if o > i else lora(o, i, 0), "that ComfyUI stops at .float division by zero"),
    "an alpha of two": (lambda o, i: lora(o, i) | {"alpha": torch.ones(2)}, "holds 2 numbers as .*alpha"),
    "an alpha of none": (lambda o, i: lora(o, i) | {"alpha": torch.ones(0)}, "holds 0 numbers as .*alpha"),
    "whole numbers": (lambda o, i: lora(o, i) | {"lora_up.weight": R(o, 2).to(torch.int8)}, r"lora_up.weight \(int8\)"),
    "packed numbers": (lambda o, i: lora(o, i) | {"lora_up.weight": R(o, 2) > 0}, r"lora_up.weight \(bool\)"),
    "complex": (lambda o, i: lora(o, i) | {"lora_up.weight": R(o, 2) + 0j}, r"lora_up.weight \(complex64\)"),
    "flat magnitudes": (
        lambda o, i: lora(o, i) | {"dora_scale": torch.ones(o)},
        r"in the shape \[\d+\], where ComfyUI",
    ),
    "more magnitudes": (lambda o, i: lora(o, i) | {"dora_scale": torch.ones(o + 1, 1)}, "magnitudes of a DoRA in the"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_comfyui_stops_at_or_makes_other_weights_of_is_refused_by_name(demo, case):
    made, words = REFUSED[case]
    with pytest.raises(InputError, match=f"The LoRA odd.safetensors (.|\n)*{words}"):
        told(demo, of_layers(demo[0], made))


TOLD = {
    "all zero": (
        lambda o, i: lora(o, i) | {"lora_up.weight": torch.zeros(o, 2)},
        "none of its layers changes anything",
    ),
    "alphas of 0": (lambda o, i: lora(o, i) | {"alpha": torch.tensor(0.0)}, "none of its layers changes anything"),
    "some alphas of 0": (
        lambda o, i: lora(o, i) | {"alpha": torch.tensor(0.0 if o == i else 1.0)},
        " of its layers have an alpha of 0, such as lora_unet_",
    ),
    "LoRA and LoHa": (lambda o, i: lora(o, i) | loha(o, i), "passes over 112 of its tensors, such as .*lora_up.weight"),
    "LoRA and difference": (lambda o, i: lora(o, i) | {"diff": R(o, i)}, "passes over 112 of its tensors"),
    "two LoRAs": (lambda o, i: lora(o, i) | {"lora_A.weight": R(2, i), "lora_B.weight": R(o, 2)}, "passes over 112 of"),
    "difference as DoRA": (
        lambda o, i: {"diff": R(o, i), "dora_scale": R(o, 1)},
        "over 56 of its tensors, .*dora_scale",
    ),
}


@pytest.mark.parametrize("case", TOLD)
def test_what_has_no_effect_is_told(demo, case):
    made, words = TOLD[case]
    lines = told(demo, of_layers(demo[0], made)).splitlines()
    assert len(lines) == 1
    with pytest.raises(AssertionError, match=f"odd.safetensors: .*{words}"):
        raise AssertionError(lines[0])


def test_a_layer_under_two_names_is_taken_once_and_that_is_told(demo):
    tensors = of_layers(demo[0], lora)
    names = {name: path for path, name in kohya_names(demo[0]).items()}
    for name, (out, into) in layers_of(demo[0]):
        tensors |= {f"diffusion_model.{names[name]}.{key}": value for key, value in lora(out, into).items()}
    line = told(demo, tensors)
    assert line.startswith("odd.safetensors: ComfyUI passes over 112 of its tensors, such as ")


def test_embeddings_beside_the_layers_are_told_by_their_words(demo):
    bundled = {"bundle_emb.old wall.string_to_param.*": R(2, 768), "bundle_emb.moss.clip_l": R(2, 768)}
    line = told(demo, random_lora(*demo[:2]) | bundled)
    assert "passes over the embeddings in it (moss, old wall)" in line and "\n" not in line


@pytest.mark.parametrize("prefix", ["oft_unet", "lora_unet_", "lora_prior_unet", "lora_transformer"])
def test_names_of_other_programs_are_refused_with_one_of_them(demo, prefix):
    tensors = {key.replace("lora_unet", prefix, 1): value for key, value in of_layers(demo[0], lora).items()}
    with pytest.raises(InputError, match=f"ComfyUI knows none of its names for it, such as {prefix}_"):
        told(demo, tensors)


def test_the_names_of_early_diffusers_are_used(demo):
    keys = {"lora_up.weight": "_lora.up.weight", "lora_down.weight": "_lora.down.weight"}
    diffusers = comfy.utils.unet_to_diffusers(demo[0].model.model_config.unet_config)
    tensors = {}
    for name in (one.removesuffix(".weight") for one in diffusers if one.endswith((".to_q.weight", ".to_k.weight"))):
        shape = demo[0].model_state_dict()[f"diffusion_model.{diffusers[f'{name}.weight']}"].shape
        early = f"unet.{name.replace('.to_', '.processor.to_')}"
        tensors |= {early + keys[key]: value for key, value in lora(*shape).items() if key in keys}
    assert told(demo, tensors) == ""


DIFFUSERS = {
    "Flux": (comfy.utils.flux_to_diffusers, "transformer."),
    "ZImage": (comfy.utils.z_image_to_diffusers, "transformer."),
    "SD3": (comfy.utils.mmdit_to_diffusers, "transformer."),
}


@pytest.mark.parametrize("family", DIFFUSERS)
@pytest.mark.parametrize("kind", [lora, lokr])
def test_q_k_and_v_apart_fit_the_one_weight_of_the_model_that_holds_them(family, kind):
    model = small_flow(family, **({"mlp_ratio": 4.0} if family == "Flux" else {}))
    names, prefix = DIFFUSERS[family]
    weights, tensors, places = model.model_state_dict(), {}, set()
    once = {place: name for name, place in names(model.model.model_config.unet_config).items()}  # some have two names
    for place, name in once.items():
        path, part = (place, None) if isinstance(place, str) else place[:2]
        weight = weights.get(f"diffusion_model.{path}")
        if weight is None or not name.endswith(".weight") or weight.ndim != 2:
            continue
        out, into = (weight.narrow(*part) if part else weight).shape
        places.add(f"diffusion_model.{path}")
        tensors |= {f"{prefix}{name.removesuffix('.weight')}.{key}": value for key, value in kind(out, into).items()}
    file = LoraFile("apart.safetensors", tensors, {})
    assert check_fit(model, None, file) == ""
    assert changed(model, with_lora_file(model, None, file, 1.0)[0]) == places
    narrow = {key: value[:-1] if key.endswith("to_k.lora_up.weight") else value for key, value in tensors.items()}
    if narrow_layers := sum(value is not tensors[key] for key, value in narrow.items()):
        line = check_fit(model, None, LoraFile("apart.safetensors", narrow, {}))
        assert line.startswith(f"apart.safetensors: {narrow_layers} of ")


@pytest.fixture
def adapter_of(tmp_path, monkeypatch):
    """Writes tensors as odd.safetensors into the LoRA folder."""
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "loras", ([str(tmp_path)], {".safetensors"}))
    return lambda tensors: save_file(
        {key: value.contiguous() for key, value in tensors.items()}, tmp_path / "odd.safetensors"
    )


def test_a_training_adapter_is_used_whole_or_refused(demo, adapter_of):
    config = TrainingConfig(network=NetworkConfig(training_adapter="odd.safetensors"))
    whole = of_layers(demo[0], lora)
    adapter_of(whole)
    assert len(changed(demo[0], with_training_adapter(*demo[:2], config))) == 56
    name = next(iter(whole))
    for spoilt, words in (
        (whole[name] * torch.nan, "NaN or infinite"),
        (R(5, 2), "1 of 56 layers do not fit the model"),
    ):
        adapter_of(whole | {name: spoilt})
        with pytest.raises(InputError, match=f"The training adapter cannot be used as it was made: .*{words}"):
            with_training_adapter(*demo[:2], config)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda o, i: lora(o, i) | {"alpha": torch.tensor(0.0)}, "has an alpha of 0, such as"),
        (lambda o, i: lora(o, i) | {"alpha": torch.ones(2)}, "holds 2 numbers as"),
        (
            lambda o, i: lora(o, i) | {"lora_up.weight": R(o, 2).to(torch.int8)},
            r"no floating-point numbers, such as .*int8",
        ),
    ],
)
def test_a_start_that_would_be_another_one_is_refused(demo, adapter_of, made, words):
    adapter_of(of_layers(demo[0], made))
    with pytest.raises(InputError, match=f"The LoRA to start from, odd.safetensors, .*{words}"):
        starting_weights(TrainingConfig(network=NetworkConfig(start_from="odd.safetensors")))
