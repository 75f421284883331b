"""The GPU's benchmark in its small mode: it measures what it says, on whatever device there is."""

import importlib.util
import time
from pathlib import Path

import comfy.model_management
import comfy.utils
import pytest
import torch

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    for name in ("update", "update_absolute"):  # the benchmark listens to them
        monkeypatch.setattr(comfy.utils.ProgressBar, name, getattr(comfy.utils.ProgressBar, name))
    monkeypatch.syspath_prepend(str(BENCHMARKS))  # as when it is run, for what it shares with others
    spec = importlib.util.spec_from_file_location("train_lora_gpu", BENCHMARKS / "train_lora_gpu.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr("_unet_trainers.WARM_UP", 1)
    return module


def test_ours_trains_and_counts_the_arithmetic_of_a_step(benchmark):
    one, four = (benchmark.measured("ours", "tiny", batch, 1) for batch in (1, 4))
    assert 0 < one["seconds"] and 0 < one["memory"]
    if comfy.model_management.get_torch_device().type == "cpu":  # elsewhere it is not measured
        assert 0.1 < one["kernels"] < 1
    assert four["flops"] == pytest.approx(4 * one["flops"], rel=0.05)


@pytest.mark.parametrize("case", ["host, bypass", "diffusers"])
def test_the_others_train_on_the_same_shape(benchmark, case):
    if case == "diffusers":
        pytest.importorskip("diffusers")
    assert benchmark.measured(case, "tiny", 1, 1)["seconds"] > 0


@pytest.mark.parametrize("name", ["SD1.5", "SDXL"])
def test_the_shapes_are_those_of_the_real_models(benchmark, name):
    from _unets import SHAPES

    shape = SHAPES[name]
    with torch.device("meta"):
        import comfy.ops
        from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel

        unet = UNetModel(**shape.host, dtype=torch.bfloat16, device="meta", operations=comfy.ops.disable_weight_init)
    weights = sum(parameter.numel() for parameter in unet.parameters())
    assert weights == {"SD1.5": 859_520_964, "SDXL": 2_567_463_684}[name]


def test_it_ends_in_time_and_names_what_is_left(benchmark, monkeypatch, capsys):
    todo = benchmark.cases(False, ["SDXL", "Flux"])
    assert {name for name, *_ in todo} == {"SDXL", "Flux"} and [batch for *_, batch in todo] == sorted(
        batch for *_, batch in todo
    )
    others = 2 if importlib.util.find_spec("diffusers") else 1
    assert len(benchmark.cases(False, [])) == 2 * (2 * (2 + others) + 2 * 3)  # batches, UNets, transformers
    assert benchmark.SECONDS < 600

    def run(*_, timeout, **__):
        raise benchmark.subprocess.TimeoutExpired("python", timeout)

    monkeypatch.setattr(benchmark.subprocess, "run", run)
    assert benchmark.table(todo, 1, 1.0, time.monotonic() + 5) == ["SDXL", "Flux"]
    assert benchmark.table(todo, 1, 1.0, time.monotonic()) == ["SDXL", "Flux"]
    assert capsys.readouterr().out.count("left out: the time is over") == 2 * len(todo)
