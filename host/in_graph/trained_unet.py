"""A UNet of Stable Diffusion 1, 2 or XL as a run trains it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch

from ...training.config import TrainingConfig
from ...training.data import Example
from ...training.flow import check_diffusion_objective
from ...training.loop import Denoiser
from ...training.memory.plan import MemoryPlan
from ...training.noise import NoiseSchedule
from .. import training as host_training
from ..protocols import Clip, Model
from .checks import base_model, check_clip
from .model import noise_schedule, training_unet, trains_wrapped, unet_denoiser, unet_layers
from .text_conditioning import Texts, text_encoder


class TrainedUnet:
    """See `TrainedFlow`, which has the same methods. Raises `InputError` for a MODEL that cannot be trained here."""

    picture_scale = 6.0

    def __init__(self, model: Model) -> None:
        self.model = model
        self.base = base_model(model)

    def check(self, config: TrainingConfig) -> None:
        check_diffusion_objective(config.objective)

    def check_clip(self, clip: Clip) -> None:
        check_clip(self.model, clip)

    def texts(
        self, clip: Clip, examples: Sequence[Example], config: TrainingConfig, device: torch.device
    ) -> tuple[Texts, dict[str, torch.nn.Module]]:
        return text_encoder(self.model, clip, examples, config, device)

    def wraps(self, config: TrainingConfig, examples: list[Example]) -> bool:
        return trains_wrapped(config, examples)

    def network(
        self,
        config: TrainingConfig,
        device: torch.device,
        dtype: torch.dtype,
        wraps: bool,
        plan: MemoryPlan | None = None,
    ) -> torch.nn.Module:
        return training_unet(self.model, config, device, dtype, wraps, plan)

    def skeleton(self, dtype: torch.dtype) -> torch.nn.Module:
        return host_training.unet_skeleton(self.model, dtype)

    def blocks(self, network: torch.nn.Module) -> list[torch.nn.Module]:
        return host_training.unet_blocks(network)

    def layers(self, network: torch.nn.Module, config: TrainingConfig) -> dict[str, torch.nn.Module]:
        return unet_layers(self.model, network, config)

    def denoiser(self, network: torch.nn.Module, config: TrainingConfig, wraps: bool) -> Denoiser:
        return unet_denoiser(network)

    def schedule(self, config: TrainingConfig) -> NoiseSchedule:
        return noise_schedule(self.model, self.base, config)

    def identity(self) -> tuple[dict[str, torch.Tensor], tuple[object, ...]]:
        facts = host_training.unet_facts(self.model)
        assert facts is not None  # base_model has refused the others
        return {"sigmas": facts.sigmas}, (facts.family, facts.prediction)

    def training(self) -> AbstractContextManager[None]:
        return nullcontext()

    def pictures(self, denoise: Denoiser) -> AbstractContextManager[None]:
        return nullcontext()

    def notes(self, config: TrainingConfig, tiles: bool) -> list[str]:
        return []
