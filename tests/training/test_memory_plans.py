"""Counting allocations, choosing among plans, and linear layers in 8 bits, each with numbers known beforehand."""

import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.training.config import OptimizerConfig, TrainingConfig
from tilewright.training.config.budget import GB, memory_budget
from tilewright.training.memory.allocations import AllocationCount, dry_count
from tilewright.training.memory.eight_bits import EightBitLinear, products_of, quantised
from tilewright.training.memory.plan import (
    BUT_ATTENTION,
    EVERYTHING,
    NOTHING,
    Footprint,
    MemoryPlan,
    agreed_plan,
    chosen_plan,
    gigabytes,
    plans,
    streamed_blocks,
)
from tilewright.training.memory.recomputation import recomputed
from tilewright.training.optimizers import state_share

CPU = torch.device("cpu")


def test_counted_are_tensors_at_their_highest():
    given = torch.ones(1000)
    with AllocationCount() as count:
        doubled = given * 2  # 4000 bytes
        view = doubled.view(10, 100)  # none
        summed = view + given.view(10, 100)  # 4000 more
        del doubled, view
        _ = summed * 3
    assert (count.peak, count.live) == (8000, 8000)
    del summed


def test_a_dry_run_counts_attention_as_a_fused_kernel():
    plain = torch.nn.functional.scaled_dot_product_attention
    query = torch.empty(1, 2, 4096, 16, device="meta", requires_grad=True)
    with dry_count() as count:
        output = torch.nn.functional.scaled_dot_product_attention(query, query, query)
    assert output.shape == query.shape
    assert count.peak == query.nbytes + 2 * 4096 * 4  # and no matrix of 4096 by 4096
    assert torch.nn.functional.scaled_dot_product_attention is plain


def test_a_dry_run_repeats_what_it_knows():
    weight = torch.empty(32, 16, device="meta", requires_grad=True)

    def walk():
        with dry_count() as count:
            x = torch.empty(8, 16, device="meta")
            for _ in range(3):
                torch.autograd.backward(torch.nn.functional.linear(x, weight).square().mean())
        weight.grad = None
        return count.peak

    assert walk() == walk()


@pytest.mark.parametrize(("text", "size"), [("auto", None), ("", None), ("12", 12), (" 7.5 GB", 7.5), ("0,5gb", 0.5)])
def test_a_budget_is_read(text, size):
    assert memory_budget(text) == (None if size is None else size * GB)


@pytest.mark.parametrize("text", ["much", "-1", "0", "nan", "inf", "12 MB"])
def test_other_budgets_are_refused(text):
    with pytest.raises(InputError, match=r"Write auto, or a number of GB"):
        TrainingConfig(memory=text)


def sizes(plan):
    """A model of ten blocks of 100 bytes, activations of 1000, LoRA of 50."""
    base = 1000 // (4 if plan.eight_bits else 1)
    block = base // 10
    kept = {NOTHING: 1000, BUT_ATTENTION: 400, EVERYTHING: 200}[plan.recomputed]
    return Footprint(base - block * plan.streamed, 50, kept + (2 * block if plan.streamed else 0))


@pytest.mark.parametrize(
    ("room", "expected"),
    [
        (3000, MemoryPlan()),
        (2050, MemoryPlan()),
        (2049, MemoryPlan(BUT_ATTENTION)),
        (1449, MemoryPlan(EVERYTHING)),
        (1249, MemoryPlan(BUT_ATTENTION, True)),
        (699, MemoryPlan(EVERYTHING, True)),
        (480, MemoryPlan(EVERYTHING, True, 3)),
        (300, MemoryPlan(EVERYTHING, True, 10)),
        (200, MemoryPlan(EVERYTHING, True, 10)),
    ],
)
def test_the_first_plan_that_fits_is_chosen(room, expected):
    plan, footprint = chosen_plan(plans(TrainingConfig()), room, sizes, 10, streams=True)
    assert plan == expected
    assert footprint == sizes(plan)
    assert footprint.total <= room or room == 200


def test_without_streaming_the_smallest_is_left():
    plan, _ = chosen_plan(plans(TrainingConfig()), 100, sizes, 10, streams=False)
    assert plan == MemoryPlan(EVERYTHING, True)


def test_plans_go_with_what_the_settings_ask_for():
    assert MemoryPlan.of(TrainingConfig(gradient_checkpointing=True)) == MemoryPlan(EVERYTHING)
    assert {plan.recomputed for plan in plans(TrainingConfig(gradient_checkpointing=True))} == {EVERYTHING}
    assert BUT_ATTENTION not in {plan.recomputed for plan in plans(TrainingConfig(acceleration="compile"))}
    assert plans(TrainingConfig(), (torch.int8,))[-1].products == (torch.int8,)


def test_streamed_blocks_lie_evenly():
    assert streamed_blocks(2, 10) == [4, 9]
    assert streamed_blocks(0, 10) == []
    assert streamed_blocks(10, 10) == list(range(10))


def test_words():
    assert gigabytes(1.25 * GB) == "1.2 GB"
    assert gigabytes(5_000_000) == "5 MB"
    assert Footprint(2 * GB, 0, GB).words() == "the model 2.0 GB, activations 1.0 GB"
    assert MemoryPlan().words() == "plain, nothing has to be spared"
    told = MemoryPlan(EVERYTHING, True, 7, (torch.int8,)).words()
    assert "gradient checkpointing" in told and "8 bits, and multiplied in them" in told and "7 blocks" in told


def test_words_of_products_are_those_of_the_weights_that_there_are():
    """A card of the 30 series multiplies int8 in 8 bits, and fp8 not."""
    ampere, fp8 = MemoryPlan(eight_bits=True, products=(torch.int8,)), torch.float8_e4m3fn
    assert ampere.words({torch.int8}) == "the model is kept in 8 bits, and multiplied in them"
    assert "its fp8 weights in full precision for each product" in ampere.words({fp8})
    assert "its fp8 weights in full precision" in ampere.words({torch.int8, fp8, torch.float8_e5m2})
    assert MemoryPlan(eight_bits=True).words({fp8}) == "the model is kept in 8 bits"
    ada = MemoryPlan(eight_bits=True, products=(torch.int8, fp8, torch.float8_e5m2))
    assert ada.words({torch.int8, fp8}) == "the model is kept in 8 bits, and multiplied in them"


def test_what_optimizers_remember():
    assert state_share(OptimizerConfig(), CPU) == pytest.approx(2, rel=1e-3)  # AdamW: two moments


def test_int8_is_exact_for_what_it_can_say():
    weight = torch.randint(-127, 128, (6, 16)).float()
    weight[:, 0] = 127
    values, scale = quantised(weight * torch.tensor([0.5, 1, 2, 4, 8, 1e-6]).view(-1, 1))
    assert torch.equal(values.float(), weight)
    torch.testing.assert_close(scale.flatten(), torch.tensor([0.5, 1, 2, 4, 8, 1e-6]))
    assert torch.equal(quantised(torch.zeros(2, 16))[0], torch.zeros(2, 16, dtype=torch.int8))


@pytest.mark.parametrize("kind", [torch.int8, torch.float8_e4m3fn, torch.float8_e5m2])
@pytest.mark.parametrize("multiplies", [False, True])
def test_a_product_and_its_gradient_are_those_of_the_weight(kind, multiplies):
    draw = torch.Generator().manual_seed(0)
    if kind == torch.int8:
        values, scale = quantised(torch.randn(32, 48, generator=draw))
    else:
        values, scale = torch.randn(32, 48, generator=draw).to(kind), torch.rand(32, 1, generator=draw) + 0.5
    bias = torch.randn(32, generator=draw)
    layer = EightBitLinear(values, scale, bias, torch.float32, (kind,) if multiplies else ())
    torch.testing.assert_close(layer.weight, values.float() * scale)
    x = torch.randn(2, 20, 48, generator=draw, requires_grad=True)
    gradient = torch.randn(2, 20, 32, generator=draw)
    expected = torch.nn.functional.linear(x, layer.weight, bias)
    found = layer(x)
    (wanted,), (got,) = torch.autograd.grad(expected, x, gradient), torch.autograd.grad(found, x, gradient)
    bound = 1e-6 if not multiplies else 0.02 if kind == torch.int8 else 0.06  # of 8 bits for each token
    assert (found - expected).norm() <= bound * expected.norm()
    assert (got - wanted).norm() <= bound * wanted.norm()
    assert not multiplies or not torch.equal(found, expected)


@pytest.mark.parametrize("kind", [torch.int8, torch.float8_e4m3fn])
def test_halves_keep_small_gradients_and_large_sums(kind):
    """A gradient of 1e-4 by a scale of 1e-5 is below float16's least number; 64 products of 448 by 448 are above its
    largest."""
    draw = torch.Generator().manual_seed(0)
    values = (torch.rand(32, 64, generator=draw) * 100 + 20).to(kind)
    layer = EightBitLinear(values, torch.full((32, 1), 1e-5), None, torch.float16, (kind,))
    x = torch.full((20, 64), 2.0, dtype=torch.float16, requires_grad=True)
    found = layer(x)
    expected = x.float() @ (values.float() * 1e-5).t()
    torch.testing.assert_close(found.float(), expected, rtol=0.02, atol=0)
    (got,) = torch.autograd.grad(found, x, torch.full((20, 32), 1e-4, dtype=torch.float16))
    wanted = torch.full((20, 32), 1e-4) @ (values.float() * 1e-5)
    assert (got.float() - wanted).norm() <= 0.05 * wanted.norm()


def test_few_rows_and_odd_widths_are_multiplied_whole():
    """As no kernel takes them."""
    values, scale = quantised(torch.randn(30, 48))
    layer = EightBitLinear(values, scale, None, torch.float32, (torch.int8,))
    for x in (torch.randn(40, 48), torch.randn(3, 48)):
        torch.testing.assert_close(layer(x), x @ layer.weight.t())


def test_processes_agree_on_what_fits_the_device_with_least():
    """The one that others are busy on; and they multiply in 8 bits only as all of them can."""
    fp8 = torch.float8_e4m3fn
    roomy, tight = (MemoryPlan(), (torch.int8, fp8)), (MemoryPlan(EVERYTHING), (torch.int8,))
    assert agreed_plan([roomy]) == MemoryPlan()
    assert agreed_plan([roomy, tight]) == agreed_plan([tight, roomy]) == MemoryPlan(EVERYTHING)
    tighter = (MemoryPlan(eight_bits=True, products=(torch.int8, fp8)), (torch.int8, fp8))
    assert agreed_plan([roomy, tighter]) == tighter[0]
    assert agreed_plan([tighter, tight]) == MemoryPlan(eight_bits=True, products=(torch.int8,))
    tightest = (MemoryPlan(EVERYTHING, True, 3, (torch.int8,)), (torch.int8,))
    assert agreed_plan([tighter, tightest, tight]) == tightest[0]


def test_a_cpu_multiplies_whole():
    assert products_of(CPU) == ()


@pytest.mark.parametrize("what", [BUT_ATTENTION, EVERYTHING])
def test_recomputing_runs_attention_again_only_if_everything_is(what):
    calls = []

    x = torch.randn(1, 2, 8, 4, requires_grad=True)

    def block(x):
        calls.append("block")
        return torch.nn.functional.scaled_dot_product_attention(x, x, x).sin()

    class Seen(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            name = func.name()
            if "_scaled_dot_product" in name and "backward" not in name:
                calls.append("attention")
            return func(*args, **(kwargs or {}))

    with Seen():
        recomputed(block, what, random=False)(x).sum().backward()
    assert calls.count("block") == 2
    assert calls.count("attention") == (1 if what == BUT_ATTENTION else 2)
