"""A training in a process of its own, which may be killed: the demo model, three striped images, twelve steps."""

import multiprocessing
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # a process of its own may find the conftest of another folder first
import conftest  # noqa: E402, F401 - puts the pack and the host on the path
import folder_paths
import torch
from small_runs import striped_dataset
from tilewright.host.demo_model import load_demo_model
from tilewright.host.in_graph.order import Order
from tilewright.host.in_graph.run import train_lora
from tilewright.nodes.training.run_inputs import run_config
from tilewright.training.config import NetworkConfig, OptimizerConfig, SavingConfig

STEPS = 12


def train(folder, seed=0):
    """Everything that a state must hold: moments, running mean, schedule, dropout, two captions in one batch."""
    torch.set_num_threads(1)
    folder_paths.set_output_directory(str(folder / "output"))
    options = {
        "network": NetworkConfig(dropout=0.2),
        "optimizer": OptimizerConfig(scheduler="cosine", warmup=3, ema=0.9),
        "saving": SavingConfig(state_every=1, validation_share=0.3, validation_every=3),
    }
    widgets = {
        "rank": 2,
        "alpha": 2.0,
        "learning_rate": 1e-3,
        "steps": STEPS,
        "batch_size": 2,
        "resolution": 64,
        "seed": seed,
    }
    config = run_config(widgets, **options)
    with torch.inference_mode():
        model, clip, vae = load_demo_model()
        return train_lora(Order(model, vae, clip, striped_dataset(folder), "stripes", config)).files.lora


def begun(folder, seed=0):
    """The started process of a training; importing the host takes longer than the training, so it is done once."""
    context = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
    if sys.platform != "win32":
        context.set_forkserver_preload(["killable_run"])
    process = context.Process(target=train, args=(folder, seed))
    process.start()
    return process


if __name__ == "__main__":
    train(Path(sys.argv[1]))
