"""Checkpoints of 8 bits, read by the host's own loader: a LoRA on them learns in the direction of one on the whole."""

import comfy.sd
import pytest
import torch
from small_flow_configs import LOADABLE
from small_flows import NAMES, Case, fill, quantised, quantised_flow, random, small_flow
from tilewright.common.errors import InputError
from tilewright.host.in_graph.memory import Training
from tilewright.host.in_graph.run import trained_model
from tilewright.host.in_graph.setup import Setup
from tilewright.host.model_digest import model_digest
from tilewright.host.training import network_digest
from tilewright.training.config import TrainingConfig
from tilewright.training.data import Conditioning
from tilewright.training.memory.eight_bits import EightBitLinear
from tilewright.training.memory.plan import EVERYTHING, MemoryPlan
from tilewright.training.text_rows import TextRows

pytestmark = pytest.mark.slow
QUANTISED = {"float8_e4m3fn": "TensorCoreFP8E4M3Layout", "int8_tensorwise": "TensorWiseINT8Layout"}


@pytest.fixture(scope="module")
def whole():
    model = small_flow("Flux", **{**LOADABLE, "depth": 1, "depth_single_blocks": 1})
    fill(model.model.diffusion_model, seed=2)
    return model.model.diffusion_model.state_dict()


def in_8_bits(state, form):
    """The matrices of the blocks in 8 bits."""
    return quantised(state, form, QUANTISED[form], lambda path: "_blocks." in path)


def loaded(state, options=None):
    state = {name: value.clone() for name, value in state.items()}
    with torch.inference_mode():  # as the host's nodes load
        return comfy.sd.load_diffusion_model_state_dict(state, model_options=options or {})


def gradients(model, plan=None):
    case = Case("Flux", model=model, plan=plan)
    case.text = TextRows(tuple({"context": random(1, 5, 24, seed=row), "y": random(1, 16, seed=row)} for row in (3, 4)))
    return case, torch.cat([gradient.flatten() for gradient in case.gradients().values()])


def in_form(whole, form):
    if form == "plain fp8":
        return {name: value.to(torch.float8_e4m3fn) if value.ndim == 2 else value for name, value in whole.items()}
    return in_8_bits(whole, form)


@pytest.mark.parametrize("form", [*QUANTISED, "plain fp8"])
def test_a_lora_learns_in_the_same_direction(whole, form):
    _, reference = gradients(loaded(whole))
    case, found = gradients(loaded(in_form(whole, form)))
    assert not torch.equal(found, reference)
    assert torch.nn.functional.cosine_similarity(found, reference, 0) > 0.99
    assert all(layer.weight.dtype == torch.float32 for layer in case.layers.values())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", QUANTISED)
def test_every_family_learns_in_the_same_direction(name, form):
    """With weights that pass less on than they get: where gates multiply, as in Krea 2, larger ones blow up errors."""
    whole = Case(name, model=small_flow(name, spread=0.7)).gradients()
    found = Case(name, model=quantised_flow(name, form, QUANTISED[form], spread=0.7)).gradients()
    one, other = (torch.cat([value.flatten() for value in made.values()]) for made in (whole, found))
    assert not torch.equal(one, other)
    assert torch.nn.functional.cosine_similarity(one, other, 0) > 0.99


@pytest.mark.parametrize("form", [*QUANTISED, "plain fp8"])
def test_files_of_eight_bits_stay_as_they_are(whole, form):
    """Nothing is rounded a second time: gradients are those of the same file brought to full precision."""
    model = loaded(in_form(whole, form), {"dtype": torch.float8_e4m3fn} if form == "plain fp8" else {})
    _, reference = gradients(model)
    case, found = gradients(model, MemoryPlan(EVERYTHING, eight_bits=True, streamed=2))
    kinds = {layer.values.dtype for layer in case.net.modules() if isinstance(layer, EightBitLinear)}
    assert kinds == {torch.int8 if form.startswith("int8") else torch.float8_e4m3fn}
    own = dict(model.model.diffusion_model.named_parameters())["double_blocks.0.img_attn.qkv.weight"]
    kept = case.net.get_submodule("double_blocks.0.img_attn.qkv").values
    assert torch.equal(kept.float(), getattr(own, "_qdata", own).float())
    assert torch.nn.functional.cosine_similarity(found, reference, 0) > 0.9999


@pytest.mark.parametrize(
    ("form", "said"),
    [("int8_tensorwise", "and multiplied in them"), ("plain fp8", "its fp8 weights in full precision")],
)
def test_what_a_device_without_fp8_products_does_is_said(whole, form, said):
    model = loaded(in_form(whole, form), {"dtype": torch.float8_e4m3fn} if form == "plain fp8" else {})
    setup = Setup(trained_model(model), TrainingConfig(), torch.device("cpu"), torch.float32, wraps=False)
    nothing = torch.empty(0)
    training = Training(setup, nothing, Conditioning(nothing))
    assert said in training.words(MemoryPlan(eight_bits=True, products=(torch.int8,)))
    assert training.words(MemoryPlan()) == MemoryPlan().words()


def test_a_digest_reads_quantised_weights(whole):
    """As it does of the text encoders of these families, which mostly come in 8 bits."""
    models = [loaded(state) for state in (whole, *[in_8_bits(whole, "float8_e4m3fn") for _ in range(2)])]
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
        trained_model(model)
