"""Each way to spare memory against the plain training: the same gradients, or with 8 bits the same direction."""

import comfy.model_management
import pytest
import torch
from small_flows import CPU, NAMES, Case, relative, small_adapters, small_flow
from small_unets import Case as UnetCase
from tilewright.common.errors import InputError
from tilewright.host.block_stream import BlockStream
from tilewright.host.flow.trainable import blocks_of, recompute_blocks
from tilewright.host.frozen_weights import GivenWeights
from tilewright.host.in_graph.identity import whole_weights
from tilewright.host.in_graph.setup import Setup
from tilewright.host.in_graph.trained import trained_model
from tilewright.host.unet_blocks import compile_each
from tilewright.training.config import TrainingConfig
from tilewright.training.memory.eight_bits import EightBitLinear
from tilewright.training.memory.plan import BUT_ATTENTION, EVERYTHING, MemoryPlan
from tilewright.training.state import models_digest, run_fingerprint

pytestmark = pytest.mark.slow
EXACT = {
    "selective": MemoryPlan(BUT_ATTENTION),
    "recomputed": MemoryPlan(EVERYTHING),
    "some streamed": MemoryPlan(EVERYTHING, streamed=2),
    "all streamed": MemoryPlan(EVERYTHING, streamed=99),
}


@pytest.fixture(scope="module")
def plain():
    cases = {name: Case(name) for name in NAMES}
    return {name: (case.model, case.gradients()) for name, case in cases.items()}


def flat(gradients):
    return torch.cat([gradient.flatten() for gradient in gradients.values()])


def direction(one, other):
    return torch.nn.functional.cosine_similarity(flat(one), flat(other), 0).item()


@pytest.mark.parametrize("way", ["selective", "some streamed"])
@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_the_same_bits(plain, name, way):
    model, gradients = plain[name]
    found = Case(name, model=model, plan=EXACT[way]).gradients()
    assert all(torch.equal(found[key], gradients[key]) for key in gradients)


@pytest.mark.parametrize("products", [(), (torch.int8,)], ids=["kept", "multiplied"])
@pytest.mark.parametrize("name", NAMES)
def test_a_lora_on_eight_bits_learns_in_the_same_direction(plain, name, products):
    """Against the base in full precision; multiplied: on the CPU by the kernels that GPUs have faster ones of."""
    model, gradients = plain[name]
    case = Case(name, model=model, plan=MemoryPlan(eight_bits=True, products=products))
    kept = [layer for layer in case.net.modules() if isinstance(layer, EightBitLinear)]
    assert {id(layer) for layer in case.layers.values()} <= {id(layer) for layer in kept}
    assert all(layer.values.nbytes * 4 == layer.weight.nbytes for layer in kept)
    found = case.gradients()
    assert not torch.equal(flat(found), flat(gradients))
    assert direction(found, gradients) > 0.99


def test_streamed_blocks_of_eight_bits_can_be_compiled(plain):
    """By torch.compile's tracing, without the compiler behind it; copies and recomputation stay outside."""
    model, gradients = plain["ZImage"]
    reference = Case("ZImage", model=model, plan=MemoryPlan(eight_bits=True)).gradients()
    case = Case("ZImage", model=model, plan=MemoryPlan(eight_bits=True))
    blocks = blocks_of(case.net, case.trained.family.blocks)
    compile_each(blocks, backend="eager")
    BlockStream(blocks, CPU)
    recompute_blocks(case.net, case.trained.family.blocks)
    found = case.gradients()
    assert max(relative(found[key], reference[key]) for key in gradients) < 1e-5


@pytest.mark.parametrize("way", [*EXACT, "8 bits", "8 bits, streamed"])
def test_unets(way):
    plan = EXACT.get(way) or MemoryPlan(EVERYTHING, eight_bits=True, streamed=3 if "streamed" in way else 0)
    found, expected = UnetCase("SDXL", plan=plan).gradients(), UnetCase("SDXL").gradients()
    if way in EXACT:
        assert all(torch.equal(found[key], expected[key]) for key in expected)
    else:
        assert direction(found, expected) > 0.99


def test_a_stream_brings_the_next_block_beside_each(monkeypatch):
    """Up in the forward pass, down in the backward pass; never more than two blocks are on the device."""
    blocks = [torch.nn.Linear(4, 4) for _ in range(4)]
    stream = BlockStream(blocks, CPU)
    for number, beside in [(0, 1), (1, 2), (2, 3), (3, 3), (3, 2), (2, 1), (1, 0), (0, 0)]:
        kept = blocks[number].weight
        stream.run(number, lambda kept=kept, number=number: _is_a_copy(blocks[number].weight, kept))
        assert blocks[number].weight is kept
        assert set(stream.arriving) <= {number, beside} and beside in stream.arriving


def _is_a_copy(weight, kept):
    assert weight is not kept and torch.equal(weight, kept) and weight.data_ptr() != kept.data_ptr()


def test_a_failing_block_has_its_own_weights_again():
    block = torch.nn.Linear(4, 4)
    kept = block.weight
    stream = BlockStream([block], CPU)

    def fail():
        raise KeyError

    with pytest.raises(KeyError):
        stream.run(0, fail)
    assert block.weight is kept


def test_the_weights_that_tell_a_run_are_those_of_the_plain_network():
    """So that a run goes on where it stopped although its memory is spared otherwise."""
    for name in ("Flux", "SD3"):
        model = small_flow(name)
        trained = trained_model(model)
        with small_adapters():
            network = trained.network(Case(name, model=model).config, CPU, torch.float32, False)
            given = GivenWeights(model, trained.skeleton(torch.float32), CPU, torch.float32)
        assert list(given) == [key for key, _ in network.named_parameters()]
        assert all(torch.equal(one, other) for one, other in zip(given.parameters(), network.parameters(), strict=True))


def test_a_run_is_the_same_however_its_memory_is_spared():
    """By the digest that a stopped run is found again by."""
    config, digests = TrainingConfig(), set()
    setup = Setup(trained_model(small_flow("ZImage")), config, CPU, torch.float32, wraps=False)
    for plan in (MemoryPlan(), MemoryPlan(EVERYTHING), MemoryPlan(EVERYTHING, eight_bits=True, streamed=2)):
        network = setup.network(plan)
        weights, by_path = whole_weights(setup, network, plan)
        digests.add((models_digest(by_path, ()), run_fingerprint(config, [], weights)))
    assert len(digests) == 1


def test_a_run_is_told_by_the_weights_of_the_device_that_trains(monkeypatch):
    """Which a graph that waits for processes does not use itself: a LoRA in the model is rounded otherwise there."""
    setup = Setup(trained_model(small_flow("SD3")), TrainingConfig(), CPU, torch.float32, wraps=False)
    network = setup.network(MemoryPlan())
    assert whole_weights(setup, network, MemoryPlan())[0] is network
    other = torch.device("cpu:0")  # as good as a second device: it has another name
    monkeypatch.setattr(comfy.model_management, "get_torch_device", lambda: other)
    weights, by_path = whole_weights(setup, network, MemoryPlan())
    assert isinstance(weights, GivenWeights) and weights.device == other
    assert models_digest(by_path, ()) == models_digest(dict(network.named_parameters()), ())


def test_weights_of_an_unknown_packing_are_refused():
    model = small_flow("Flux")
    model.model.diffusion_model.img_in.weight = torch.nn.Parameter(torch.zeros(100), requires_grad=False)
    with pytest.raises(InputError, match="img_in.weight is kept packed"):
        Case("Flux", model=model)
