"""The benchmark of flow transformers in its smallest mode: both trainers run, and it measures what it says."""

import importlib.util
from pathlib import Path

import comfy.utils
import pytest

pytestmark = pytest.mark.slow
BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    for name in ("update", "update_absolute"):  # the benchmark listens to them
        monkeypatch.setattr(comfy.utils.ProgressBar, name, getattr(comfy.utils.ProgressBar, name))
    monkeypatch.syspath_prepend(str(BENCHMARKS))  # as when it is run, for what it shares with others
    spec = importlib.util.spec_from_file_location("train_flow_lora", BENCHMARKS / "train_flow_lora.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("case", "name"), [("ours", "Flux"), ("host, mended", "Flux"), ("ours", "ZImage"), ("host", "ZImage")]
)
def test_a_step_takes_time_and_memory(benchmark, case, name):
    found = benchmark.measured(case, name, "tiny", 1, 1, "float32")
    assert found["seconds"] > 0 and found["memory"] >= 0
