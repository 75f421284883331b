"""Every optimizer of a library of its own, wherever that is installed: it learns, and resumes to the last bit."""

import importlib.util

import pytest
import torch
from test_training_loop import finished, trainer
from tilewright.training.config import ConfigError, NetworkConfig, OptimizerConfig
from tilewright.training.config.optimizer import OPTIMIZERS, SELF_TUNING
from tilewright.training.loop import Trainer
from tilewright.training.lora import LoraNetwork
from tilewright.training.optimizers import LIBRARIES
from tilewright.training.state import RunIdentity, load_state, save_state
from torch import nn

# bitsandbytes keeps 32-bit states of tensors below 4,096 values, as these are, unless it is told otherwise.
ARGUMENTS = {"AdamW 8-bit": "min_8bit_size=1"}
RATES = {"AdamW": 0.05, "AdamW 8-bit": 0.05, "Adafactor": 0.01, "Lion": 0.01, "Prodigy": 1.0, "D-Adaptation": 1.0}


def with_library(kind):
    module = LIBRARIES[kind][0].split(".")[0] if kind in LIBRARIES else "torch"
    missing = importlib.util.find_spec(module) is None
    return pytest.param(kind, marks=pytest.mark.skipif(missing, reason=f"{module} is not installed"))


each_installed = pytest.mark.parametrize("kind", [with_library(kind) for kind in OPTIMIZERS])


def run_of(kind, steps):
    arguments = ARGUMENTS.get(kind, "")
    optimizer = OptimizerConfig(kind, learning_rate=RATES[kind], weight_decay=0.0, arguments=arguments)
    return trainer(steps, optimizer=optimizer)


@each_installed
def test_it_learns(kind):
    run = run_of(kind, 150)
    before = run.measurements.measure(run.step)
    assert finished(run).measurements.measure(run.step) < 0.95 * before


@pytest.mark.parametrize("kind", [with_library("AdamW 8-bit")])
def test_states_of_8_bits_have_8_bits(kind):
    states = finished(run_of(kind, 2)).optimizer.state.values()
    assert states and all(state["state1"].dtype == torch.uint8 for state in states)


@each_installed
def test_it_resumes_as_if_it_had_not_been_stopped(kind, tmp_path):
    whole, cut, resumed = finished(run_of(kind, 8)), run_of(kind, 8), run_of(kind, 8)
    course = cut.run()
    for _ in range(3):
        next(course)
    save_state(tmp_path / "state", cut, RunIdentity("print"), "brick.safetensors")
    load_state(tmp_path / "state", resumed)
    finished(resumed)
    assert resumed.losses == whole.losses
    assert all(torch.equal(value, whole.kohya_state()[key]) for key, value in resumed.kohya_state().items())


@each_installed
def test_it_trains_text_encoder_and_unet_together(kind):
    plain = run_of(kind, 2)
    layers = {"lora_unet_mix": plain.denoise.mix, "lora_te_word": nn.Linear(4, 4).requires_grad_(False)}
    network = LoraNetwork(layers, NetworkConfig(rank=2, alpha=2), seed=0)
    run = Trainer(
        network, plain.denoise, plain.encode_texts, plain.batches.examples, plain.schedule, plain.config, plain.device
    )
    rates = [group["lr"] for group in run.optimizer.param_groups]
    assert rates == ([1.0, 1.0] if kind in SELF_TUNING else [RATES[kind], RATES[kind] / 2])
    network.attach()
    assert finished(run).step == 2


@pytest.mark.parametrize("kind", SELF_TUNING)
def test_one_that_finds_its_own_rate_takes_no_other_for_the_text_encoder(kind):
    with pytest.raises(ConfigError, match=f"text_encoder_rate.*{kind} finds one rate"):
        OptimizerConfig(kind, text_encoder_rate=1e-5)
