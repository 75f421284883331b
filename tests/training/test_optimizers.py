"""What an optimizer is given, what it refuses before anything is trained, and the course of its rate."""

import pytest
import torch
from tilewright.training.config import ConfigError, OptimizerConfig
from tilewright.training.optimizers import (
    build_optimizer,
    check_optimizer,
    check_warmup,
    fused_adamw_works,
    optimizer_arguments,
    rate_factor,
    warmup_steps,
)

CPU = torch.device("cpu")


def test_arguments_are_read_as_python_reads_them():
    config = OptimizerConfig(arguments="eps=1e-6, name='a,b', betas=(0.8, 0.9), mode=fast, on=True")
    assert config.extra_arguments() == {"eps": 1e-6, "name": "a,b", "betas": (0.8, 0.9), "mode": "fast", "on": True}


@pytest.mark.parametrize("text", ["eps", "eps=", "=3", "1e-6", "*a", "**a", "eps=1) or f(2", "eps 1", "lr=3"])
def test_what_is_no_argument_is_refused(text):
    with pytest.raises(ConfigError, match=r"arguments\) (is|has)"):
        OptimizerConfig(arguments=text)


def test_an_optimizer_is_given_what_the_node_and_its_arguments_say():
    config = OptimizerConfig("Prodigy", weight_decay=0.1, arguments="d_coef=2, betas=(0.5, 0.6)")
    assert optimizer_arguments(config) == {
        "weight_decay": 0.1,
        "betas": (0.5, 0.6),
        "use_bias_correction": True,
        "safeguard_warmup": True,
        "d_coef": 2,
    }


def test_groups_keep_their_own_rates():
    groups = [{"params": [torch.nn.Parameter(torch.ones(1))], "lr": rate} for rate in (0.1, 0.2)]
    optimizer = build_optimizer(groups, OptimizerConfig(weight_decay=0.3))
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.2]
    assert optimizer.param_groups[0]["weight_decay"] == 0.3


@pytest.mark.parametrize(
    "arguments",
    ["eps=-1", "betas=(2, 3)", "weight_decay=-1", "foreach=True", "differentiable=True", "maximize=True", "nothing=1"],
)
def test_what_the_optimizer_does_not_take_is_told_with_its_reason(arguments):
    with pytest.raises(ConfigError, match="AdamW does not take these arguments.*Correct arguments of LoRA Optimizer"):
        check_optimizer(OptimizerConfig(arguments=arguments), CPU)


def test_what_it_takes_passes():
    check_optimizer(OptimizerConfig(arguments="eps=1e-6, amsgrad=True"), CPU)


def test_a_fused_step_leaves_the_weights_alone_where_it_is_told_of_infinity():
    assert fused_adamw_works(CPU)


@pytest.mark.parametrize(
    ("scheduler", "warmup", "expected"),
    [("constant", 5.0, 0), ("cosine", 5.0, 5), ("cosine", 0.05, 10), ("linear", 0.0, 0)],
)
def test_a_warmup_is_a_number_of_steps_or_a_share_of_them(scheduler, warmup, expected):
    assert warmup_steps(OptimizerConfig(scheduler=scheduler, warmup=warmup), 200) == expected


@pytest.mark.parametrize(
    ("scheduler", "step", "factor"),
    [
        ("constant", 7, 1.0),
        ("linear", 5, 0.5),
        ("cosine", 5, 0.5),
        ("cosine with restarts", 5, 1.0),
        ("polynomial", 5, 0.25),
    ],
)
def test_the_rate_half_way(scheduler, step, factor):
    config = OptimizerConfig(scheduler=scheduler, cycles=2, power=2.0)
    assert rate_factor(config, step, 10) == pytest.approx(factor)


def test_the_rate_rises_over_the_warmup():
    config = OptimizerConfig(scheduler="constant with warmup", warmup=4)
    assert [rate_factor(config, step, 10) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]


@pytest.mark.parametrize(("warmup", "steps"), [(100, 100), (500, 100), (0.999, 100)])
def test_a_warmup_that_never_ends_is_refused(warmup, steps):
    config = OptimizerConfig(scheduler="cosine", warmup=warmup)
    with pytest.raises(ConfigError, match="the learning rate would never be reached"):
        check_warmup(config, steps)
    check_warmup(config, 1000)
    check_warmup(OptimizerConfig(warmup=warmup), steps)  # constant has none
