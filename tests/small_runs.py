"""What the tests of Train Texture LoRA share: the demo model, three striped images, and runs of a few steps on them.

A test file asks for the fixture `runs` with `pytest_plugins = ["small_runs"]`.
"""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import folder_paths
import pytest
import torch
from safetensors import safe_open
from tilewright.common.image_writing import write_png
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.host.in_graph.order import Order
from tilewright.host.in_graph.run import train_lora
from tilewright.nodes.training import DemoModel, TrainLora
from tilewright.nodes.training.run_inputs import run_config

SETTINGS = {
    "name": "stripes",
    "steps": 3,
    "batch_size": 2,
    "resolution": 64,
    "rank": 4,
    "alpha": 4.0,
    "learning_rate": 1e-3,
    "seed": 0,
}


@dataclass(frozen=True)
class SmallRuns:
    """model, clip and vae of the demo model, a dataset in `folder`, and what trains them into folder/output."""

    model: Any
    clip: Any
    vae: Any
    dataset: TextureDataset
    folder: Path

    @property
    def loras(self) -> Path:
        return self.folder / "output" / "loras"

    @property
    def state(self) -> Path:
        return self.folder / "output" / "training" / "stripes" / "state.safetensors"

    def train(self, **changes) -> SimpleNamespace:
        """The outputs of the node by their names."""
        inputs = {"model": self.model, "vae": self.vae, "clip": self.clip, "dataset": self.dataset}
        with torch.inference_mode():  # as the host runs its nodes
            outputs = TrainLora.execute(**{**inputs, **SETTINGS, **changes}).result
        return SimpleNamespace(
            **{output.id: value for output, value in zip(TrainLora.define_schema().outputs, outputs, strict=True)}
        )

    def train_with(self, options, dataset=None, name="stripes", validation=None, **changes):
        """`TrainedLora` of a run with these option nodes."""
        config = run_config({**SETTINGS, **changes}, **options)
        with torch.inference_mode():
            given = (self.model, self.vae, self.clip, dataset or self.dataset)
            return train_lora(Order(*given, name, config, validation))


def striped_dataset(folder: Path) -> TextureDataset:
    samples = []
    for period in (4, 8, 16):
        stripes = (torch.arange(64) % period < period / 2).float().expand(3, 64, 64)
        file = folder / "stripes" / f"stripes_{period}.png"
        write_png(file, stripes)
        samples.append(Sample(file, "basecolor", (64, 64), caption=f"stripes, period {period}", tileable=True))
    return TextureDataset(tuple(samples))


@pytest.fixture(scope="session")
def demo_checkpoint():
    with torch.inference_mode():  # the weights become inference tensors
        return DemoModel.execute().result


@pytest.fixture
def runs(demo_checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(folder_paths, "get_output_directory", lambda: str(tmp_path / "output"))
    model, clip, vae = demo_checkpoint
    return SmallRuns(model, clip, vae, striped_dataset(tmp_path), tmp_path)


def weights(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def same(one, other):
    """Whether two state dicts agree in every bit; weights that a checkpoint lacks may be no numbers."""
    bits = [{name: value.numpy().tobytes() for name, value in state.items()} for state in (one, other)]
    return bits[0] == bits[1]


def metadata(file):
    with safe_open(file, "pt") as lora:
        return lora.metadata()
