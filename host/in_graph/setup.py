"""How a run is set up, in the graph and in each process outside it: its frozen network, its LoRA and its trainer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from ...training.config import TrainingConfig
from ...training.data import Example
from ...training.loop import TextEncoder, Trainer
from ...training.lora import LoraNetwork
from ...training.memory.plan import MemoryPlan
from ...training.metadata import SHARED_ATTENTION, BaseModel
from ...training.parallel import ALONE, Share
from .trained_flow import TrainedFlow
from .trained_unet import TrainedUnet


@dataclass(frozen=True)
class Setup:
    """What decides how a run computes. dtype is that of the frozen network; wraps: it treats images as tori."""

    model: TrainedUnet | TrainedFlow
    config: TrainingConfig
    device: torch.device
    dtype: torch.dtype
    wraps: bool

    @property
    def sharing(self) -> str:
        """The version of how maps see each other, for a run's identity: only in UNets did it change."""
        placed = self.config.objective.is_together and isinstance(self.model, TrainedUnet)
        return str(SHARED_ATTENTION) if placed else ""

    def base(self, clip_skip: int) -> BaseModel:
        """The model as the LoRA's metadata names it."""
        return replace(self.model.base, precision=str(self.dtype).removeprefix("torch."), clip_skip=clip_skip)

    def network(self, plan: MemoryPlan) -> torch.nn.Module:
        """The frozen network on the device, sparing memory by `plan`."""
        return self.model.network(self.config, self.device, self.dtype, self.wraps, plan)

    def trainer(
        self,
        frozen: torch.nn.Module,
        texts: TextEncoder,
        examples: Sequence[Example],
        held_out: Sequence[Example],
        text_layers: Mapping[str, torch.nn.Module] | None = None,
        start: Mapping[str, torch.Tensor] | None = None,
        share: Share = ALONE,
    ) -> Trainer:
        """The trainer of a new LoRA on `frozen` and on the layers of a text encoder, which begins with the weights
        `start` (by kohya's names)."""
        layers = {**self.model.layers(frozen, self.config), **(text_layers or {})}
        network = LoraNetwork(layers, self.config.network, self.config.seed).to(self.device)
        if start is not None:
            network.load_kohya_state(start)
        return Trainer(
            network,
            self.model.denoiser(frozen, self.config, self.wraps),
            texts,
            examples,
            self.model.schedule(self.config),
            self.config,
            self.device,
            held_out,
            self.dtype == torch.float16,
            share,
        )
