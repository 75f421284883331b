"""Train Texture LoRA within a budget of memory: what it says before it starts, what it chooses, what it refuses."""

import logging
import re

import comfy.model_management
import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.host.in_graph import memory
from tilewright.host.in_graph.setup import Setup
from tilewright.host.in_graph.trained_unet import TrainedUnet
from tilewright.training.config import NetworkConfig, TrainingConfig
from tilewright.training.config.budget import GB
from tilewright.training.data import Conditioning, Example
from tilewright.training.memory.plan import BUT_ATTENTION, EVERYTHING, NOTHING, MemoryPlan
from tilewright.training.text_rows import TextRows

pytest_plugins = ["small_runs"]
META = torch.device("meta")
SIZE = {"resolution": 64, "batch_size": 2, "network": NetworkConfig(rank=4, alpha=4.0)}


@pytest.fixture
def training(runs):
    """The demo model as the runs train it: 64 px, two images a step."""
    width = runs.model.model.model_config.unet_config["context_dim"]
    text = Conditioning(torch.empty(2, 77, width, device=META))
    latents, cpu = torch.empty(2, 4, 8, 8, device=META), torch.device("cpu")

    def of(allowed, device=cpu, **changes):
        config = TrainingConfig(**{**SIZE, "memory": allowed, **changes})
        return memory.Training(Setup(TrainedUnet(runs.model), config, device, torch.float32, False), latents, text)

    return of


def needed(training, plan):
    return training("auto").footprint(plan).total


@pytest.mark.slow
def test_a_run_says_what_it_needs_and_what_it_chose(runs, training, caplog):
    caplog.set_level(logging.INFO)
    allowed = 1.02 * needed(training, MemoryPlan(EVERYTHING)) / GB
    trained = runs.train(memory=f"{allowed:.6f}", steps=1)
    assert re.search(r"Memory: \d+ MB needed \(.*activations \d+ MB\) of the \d+ MB that memory allows", caplog.text)
    assert "Chosen: activations are computed again in the backward pass" in caplog.text
    runs.train(memory="auto", steps=2)
    assert "Goes on from step 1" in caplog.text  # it is the same run, though nothing is spared any more
    assert trained.path.endswith("stripes.safetensors")


@pytest.mark.slow
def test_a_budget_that_nothing_fits_is_refused_with_what_would(training):
    too_small = 0.995 * needed(training, MemoryPlan(EVERYTHING)) / GB
    with pytest.raises(InputError, match=r"takes at least \d+ MB.*It would fit with batch_size 1 \(\d+ MB\)"):
        memory.memory_choice(training(f"{too_small:.6f}"))
    with pytest.raises(InputError, match=r"Allow that much, or train a smaller model"):
        memory.memory_choice(training("0.001"))


@pytest.mark.slow
@pytest.mark.parametrize("recomputed", [NOTHING, BUT_ATTENTION, EVERYTHING])
def test_no_more_is_spared_than_must_be(training, recomputed):
    allowed = 1.001 * needed(training, MemoryPlan(recomputed)) / GB
    plan, note = memory.memory_choice(training(f"{allowed:.6f}"))
    assert plan.recomputed == recomputed
    assert plan.words() in note


@pytest.mark.slow
def test_a_gpu_streams_what_does_not_fit(training, monkeypatch):
    """By what a GPU with so little memory would say; nothing runs there."""
    monkeypatch.setattr(memory, "products_of", lambda device: (torch.int8,))
    monkeypatch.setattr(memory, "state_share", lambda optimizer, device: 2.0)
    monkeypatch.setattr(comfy.model_management, "get_free_memory", lambda device: 24 * GB)
    gpu = torch.device("cuda")
    whole = training("auto", gpu).footprint(MemoryPlan(EVERYTHING, True)).total
    plan, note = memory.memory_choice(
        training(f"{(0.995 * whole * memory.FRAGMENTS + memory.WORKSPACE) / GB:.5f}", gpu)
    )
    assert plan.eight_bits and 0 < plan.streamed
    assert "kept in 8 bits, and multiplied in them" in note and "stream in from main memory" in note


def test_texts_of_unlike_lengths_count_as_long_as_they_are_together():
    """A UNet takes 2 and 3 times 77 tokens in one batch as 6 times 77; a transformer has each in a pass of its own."""
    examples = [Example(torch.empty(4, 8, 8), "", (64, 64))]
    captions = {("a" * letters, (64, 64)) for letters in range(1, 200)}

    def context(caption):
        return torch.zeros(1, 77 * (1 + len(caption) // 75), 8)

    def for_unets(captions, sizes):
        return Conditioning.stack([Conditioning(context(caption)) for caption in captions])

    def for_flows(captions, sizes):
        return TextRows(tuple({"context": context(caption)} for caption in captions))

    for rows, tokens in {1: 231, 2: 462, 3: 462, 4: 462}.items():
        latents, text, _ = memory.largest_batch(examples, for_unets, captions, rows)
        assert (latents.shape, text.context.shape) == ((rows, 4, 8, 8), (rows, tokens, 8))
        _, text, _ = memory.largest_batch(examples, for_flows, captions, rows)
        assert [row["context"].shape[1] for row in text.rows] == [231] * rows


@pytest.mark.parametrize(("lengths", "rows", "tokens"), [((9, 6, 4), 2, 36), ((9, 6, 4), 3, 36), ((4, 3, 2), 2, 12)])
def test_the_lengths_that_need_most_together_are_not_always_the_longest(lengths, rows, tokens):
    """9 and 6 come to 18, 9 and 4 to 36."""
    examples = [Example(torch.empty(4, 8, 8), "", (64, 64))]

    def texts(captions, sizes):
        return Conditioning.stack([Conditioning(torch.zeros(1, len(text), 8), torch.zeros(1, 5)) for text in captions])

    _, text, _ = memory.largest_batch(examples, texts, {("a" * length, (64, 64)) for length in lengths}, rows)
    assert text.context.shape == (rows, tokens, 8)


def test_an_unknown_need_is_said(training, monkeypatch):
    def fails(*_):
        raise NotImplementedError("no meta kernel")

    monkeypatch.setattr(memory.Training, "footprint", fails)
    plan, note = memory.memory_choice(training("auto"))
    assert plan == MemoryPlan() and "is not known" in note
    with pytest.raises(InputError, match="no meta kernel"):
        memory.memory_choice(training("12"))
