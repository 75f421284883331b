"""Checkpoints of 8 bits, read by the host's own loader: a LoRA on them learns in the direction of one on the whole."""

import json

import comfy.quant_ops
import comfy.sd
import pytest
import torch
from small_flows import FLUX, Case, fill, random, small_flow
from tilewright.common.errors import InputError
from tilewright.host.flow.network import frozen_network
from tilewright.host.model_digest import model_digest
from tilewright.host.training import network_digest
from tilewright.training.text_rows import TextRows

# As the host's loader tells Flux's shape by its weights: one head of 128.
LOADABLE = {**FLUX, "hidden_size": 128, "num_heads": 1, "axes_dim": [16, 56, 56], "mlp_ratio": 4.0}
QUANTISED = {"float8_e4m3fn": "TensorCoreFP8E4M3Layout", "int8_tensorwise": "TensorWiseINT8Layout"}


@pytest.fixture(scope="module")
def whole():
    model = small_flow("Flux", **{**LOADABLE, "depth": 1, "depth_single_blocks": 1})
    fill(model.model.diffusion_model, seed=2)
    return model.model.diffusion_model.state_dict()


def quantised(state, form):
    """The matrices of the blocks in 8 bits, as the host writes such checkpoints."""
    told = {}
    for name, value in state.items():
        if "_blocks." in name and name.endswith(".weight") and value.ndim == 2:
            packed = comfy.quant_ops.QuantizedTensor.from_float(value, QUANTISED[form], scale="recalculate")
            told |= packed.state_dict(name)
            config = json.dumps({"format": form}).encode()
            told[name.replace(".weight", ".comfy_quant")] = torch.tensor(list(config), dtype=torch.uint8)
        else:
            told[name] = value
    return told


def loaded(state):
    with torch.inference_mode():  # as the host's nodes load
        return comfy.sd.load_diffusion_model_state_dict({name: value.clone() for name, value in state.items()})


def gradients(model):
    case = Case("Flux", model=model)
    case.text = TextRows(tuple({"context": random(1, 5, 24, seed=row), "y": random(1, 16, seed=row)} for row in (3, 4)))
    return case, torch.cat([gradient.flatten() for gradient in case.gradients().values()])


@pytest.mark.parametrize("form", [*QUANTISED, "plain fp8"])
def test_a_lora_learns_in_the_same_direction(whole, form):
    _, reference = gradients(loaded(whole))
    if form == "plain fp8":
        state = {name: value.to(torch.float8_e4m3fn) if value.ndim == 2 else value for name, value in whole.items()}
    else:
        state = quantised(whole, form)
    case, found = gradients(loaded(state))
    assert not torch.equal(found, reference)
    assert torch.nn.functional.cosine_similarity(found, reference, 0) > 0.99
    assert all(layer.weight.dtype == torch.float32 for layer in case.layers.values())


def test_a_digest_reads_quantised_weights(whole):
    """As it does of the text encoders of these families, which mostly come in 8 bits."""
    models = [loaded(whole), loaded(quantised(whole, "float8_e4m3fn")), loaded(quantised(whole, "float8_e4m3fn"))]
    full, one, other = (network_digest(model) for model in models)
    assert full != one
    assert one == other
    assert model_digest(models[1]) == model_digest(models[2])


def test_weights_of_a_gguf_file_are_refused(whole):
    class GGMLTensor(torch.nn.Parameter):
        """What the packs for such files call their packed weights."""

    model = small_flow("Flux")
    model.model.diffusion_model.img_in.weight = GGMLTensor(model.model.diffusion_model.img_in.weight)
    with pytest.raises(InputError, match="GGUF"):
        frozen_network(model, torch.device("cpu"), torch.float32)
