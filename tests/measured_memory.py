"""A training of two steps on the CPU, what torch's allocator gave it at once, and what was predicted of it."""

import gc
from dataclasses import dataclass, replace
from typing import Any

import torch
from small_flows import CPU, random, small_adapters, small_flow, told
from tilewright.host.demo_model import load_demo_model
from tilewright.host.flow.families import flow_family
from tilewright.host.in_graph.memory import META, Training
from tilewright.host.in_graph.setup import Setup
from tilewright.host.in_graph.trained_flow import TrainedFlow
from tilewright.host.in_graph.trained_unet import TrainedUnet
from tilewright.training.config import NetworkConfig, TrainingConfig
from tilewright.training.data import Conditioning, Example
from tilewright.training.loop import Trainer
from tilewright.training.lora import LoraNetwork
from tilewright.training.memory.plan import MemoryPlan
from tilewright.training.text_rows import conditioning_of

SIZES = {
    "Flux, small": ("Flux", {"hidden_size": 64, "depth": 2, "depth_single_blocks": 2}, 24),
    "Flux, medium": ("Flux", {"hidden_size": 192, "num_heads": 6, "depth": 2, "depth_single_blocks": 4}, 32),
    "Flux, large": ("Flux", {"hidden_size": 320, "num_heads": 10, "depth": 2, "depth_single_blocks": 4}, 40),
    "Z-Image": ("ZImage", {"n_layers": 4}, 32),
    "Qwen-Image": ("QwenImage", {"num_attention_heads": 6, "num_layers": 4}, 32),
}


@dataclass(frozen=True)
class Subject:
    """A model with the batch that it trains on: latents of one example, and what the denoiser is told of a batch."""

    trained: Any
    latent: torch.Tensor
    told: Any
    rows: int


def subject(name: str, rows: int = 1, dtype: torch.dtype = torch.float32, side: int = 0) -> Subject:
    """One of `SIZES`, whose weights are kept in `dtype`, or the "demo model", with latents of `side`."""
    if name == "demo model":
        model = load_demo_model()[0]
        width = model.model.model_config.unet_config["context_dim"]
        text = Conditioning(random(rows, 77, width))
        return Subject(TrainedUnet(model), random(4, side or 32, side or 32), text, rows)
    family, changes, own = SIZES[name]
    model = small_flow(family, dtype, **changes)
    channels = model.model.latent_format.latent_channels
    text = told(family, rows, (16,))
    return Subject(TrainedFlow(model, flow_family(model)), random(channels, side or own, side or own), text, rows)


def predicted(given: Subject, plan: MemoryPlan, config: TrainingConfig) -> int:
    """Bytes, by the dry run that Train LoRA makes."""
    shapes = {name: torch.empty_like(value, device=META) for name, value in given.told.named().items()}
    latents = torch.empty(given.rows, *given.latent.shape, device=META)
    training = Training(Setup(given.trained, config, CPU, torch.float32, False), latents, conditioning_of(shapes))
    with small_adapters():
        return training.footprint(plan).total


def measured(given: Subject, plan: MemoryPlan, config: TrainingConfig) -> int:
    """Bytes that torch's allocator had given out at most, while the network was made and two steps were trained."""
    example = Example(given.latent, "a caption", (64, 64))
    config = replace(config, steps=2, batch_size=given.rows)

    def run() -> None:
        network = given.trained.network(config, CPU, torch.float32, False, plan)
        lora = LoraNetwork(given.trained.layers(network, config), config.network, 0)
        denoise, schedule = given.trained.denoiser(network, config, False), given.trained.schedule(config)
        trainer = Trainer(lora, denoise, lambda *_: given.told, [example], schedule, config, CPU)
        lora.attach()
        with given.trained.training():
            assert list(trainer.run()) == [1, 2]

    gc.collect()  # what an earlier one left would be given back in between
    only = [torch.profiler.ProfilerActivity.CPU]
    with small_adapters(), torch.profiler.profile(profile_memory=True, activities=only) as profiled:
        run()
    events = [one for one in profiled.profiler.kineto_results.events() if one.name() == "[memory]"]
    live = peak = 0
    for event in sorted(events, key=lambda one: one.start_ns()):
        live += event.nbytes()
        peak = max(peak, live)
    return peak


def settings(rank: int = 4, **changes: Any) -> TrainingConfig:
    return TrainingConfig(network=NetworkConfig(rank=rank, alpha=float(rank)), **changes)
