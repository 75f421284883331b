"""A flow transformer as a run trains it."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import torch

from ...common.axes import Axes
from ...common.errors import InputError
from ...training.config import TrainingConfig
from ...training.data import Example
from ...training.flow import FlowSchedule, check_flow_objective
from ...training.loop import Denoiser
from ...training.memory.plan import NOTHING, MemoryPlan
from ...training.metadata import BaseModel
from ..block_stream import stream_blocks
from ..flow.families import Family, distillation_note, extra_flow_channels, foreign_flow_sampling
from ..flow.network import FlowDenoiser, flow_layers, flow_skeleton, frozen_network
from ..flow.positions import periodic_positions, rotary_embedding
from ..flow.trainable import blocks_of, keep_residuals, recompute_blocks, sampling_mode, training_mode
from ..protocols import Clip, Model
from ..unet_blocks import compile_each
from .flow_texts import FlowTexts, check_flow_clip, flow_texts
from .model import trains_wrapped


class TrainedFlow:
    """A MODEL of `family`. Raises `InputError` for one that is sampled otherwise, or takes more than the latent."""

    def __init__(self, model: Model, family: Family) -> None:
        self.model, self.family = model, family
        self.base = BaseModel(family.version, family.architecture, "flow")
        if foreign := foreign_flow_sampling(model):
            raise InputError(
                f"The model is {family.name}, but sampled as {foreign}. Take the node that patches the sampling out of "
                "the way to Train Texture LoRA; it may follow after it."
            )
        if extra := extra_flow_channels(model):
            raise InputError(
                f"The model is {family.name} made for another input beside the latent (inpainting or control): it "
                f"takes {extra} channels more. Load the plain text-to-image checkpoint; its LoRA works on this one as "
                "well."
            )
        self.picture_scale = family.picture_scale
        self.rotary = rotary_embedding(model.model.diffusion_model)

    def check(self, config: TrainingConfig) -> None:
        """Raise `InputError` for a setting that flow models do not have."""
        check_flow_objective(config.objective)
        name = self.family.name
        if config.network.text_encoder:
            raise InputError(
                f"text_encoder of LoRA Network is on, but the text encoder of {name} is a large language model that is "
                "not trained here. Switch it off."
            )
        if config.objective.clip_skip > 1:
            raise InputError(
                f"clip_skip of LoRA Objective is {config.objective.clip_skip}, which the text encoder of {name} does "
                "not have. Set it to 1."
            )
        if config.objective.guidance >= 0 and self._guidance_default() is None:
            raise InputError(
                f"guidance of LoRA Objective is {config.objective.guidance:g}, but this {name} takes none. Set it to "
                "-1."
            )
        if config.objective.wrap == "on" and self.rotary is None:
            raise InputError(
                f"wrap of LoRA Objective is on, but {name} knows each place by a table and cannot take an image for a "
                "torus. Choose auto: tileable images are then rolled, which teaches every place alike."
            )

    def check_clip(self, clip: Clip) -> None:
        """Raise `InputError` for a CLIP whose embeddings the model cannot take."""
        check_flow_clip(self.model, clip, self.family)

    def texts(
        self, clip: Clip, examples: Sequence[Example], config: TrainingConfig, device: torch.device
    ) -> tuple[FlowTexts, dict[str, torch.nn.Module]]:
        """What encodes captions; none of its layers is trained."""
        return flow_texts(self.model, clip, self.family, examples, config, device), {}

    def wraps(self, config: TrainingConfig, examples: list[Example]) -> bool:
        """Whether the network takes images for the tori they are."""
        return self.rotary is not None and trains_wrapped(config, examples)

    def network(
        self,
        config: TrainingConfig,
        device: torch.device,
        dtype: torch.dtype,
        wraps: bool,
        plan: MemoryPlan | None = None,
    ) -> torch.nn.Module:
        """An own frozen copy, its blocks compiled and sparing memory as `config` and `plan` ask."""
        lists, plan = self.family.blocks, plan or MemoryPlan.of(config)
        network = frozen_network(self.model, self.family, device, dtype, plan)
        if self.family.in_place:
            keep_residuals(network, lists)
        if config.acceleration == "compile" and device.type != "meta":
            compile_each(blocks_of(network, lists))
        stream_blocks(blocks_of(network, lists), plan, device)
        if plan.recomputed != NOTHING:
            recompute_blocks(network, lists, bool(config.network.dropout), plan.recomputed)
        return network

    def skeleton(self, dtype: torch.dtype) -> torch.nn.Module:
        """The network on the meta device, without weights."""
        return flow_skeleton(self.model, torch.device("meta"), dtype)

    def blocks(self, network: torch.nn.Module) -> list[torch.nn.Module]:
        """The blocks of a network, which are recomputed, compiled and streamed one by one."""
        return blocks_of(network, self.family.blocks)

    def layers(self, network: torch.nn.Module, config: TrainingConfig) -> dict[str, torch.nn.Module]:
        """Those of its layers that are trained, by kohya's names."""
        return flow_layers(network, self.family, config)

    def denoiser(self, network: torch.nn.Module, config: TrainingConfig, wraps: bool) -> FlowDenoiser:
        """The network as the trainer calls it."""
        positions = None
        if wraps:
            positions = periodic_positions(network, Axes(x=True, y=True))
            positions.embedder.forward = positions
        sampling = self.model.get_model_object("model_sampling")
        time_factor = float(sampling.timestep(torch.ones(())))
        video = self.model.model.latent_format.latent_dimensions == 3
        return FlowDenoiser(network, self.family, time_factor, self._guidance(config), video, positions)

    def schedule(self, config: TrainingConfig) -> FlowSchedule:
        """Its noise, as `config` asks for it."""
        return FlowSchedule.of(self.family.times, config.objective)

    def identity(self) -> tuple[dict[str, torch.Tensor], tuple[object, ...]]:
        """Tensors and facts beside its weights that make a run's result."""
        return {}, (self.family.name, "flow")

    def training(self) -> AbstractContextManager[None]:
        """Around all that is computed in training."""
        return training_mode()

    @contextmanager
    def pictures(self, denoise: Denoiser) -> Iterator[None]:
        """Around pictures on the way: the host samples as ever, with the guidance that pictures are made with."""
        assert isinstance(denoise, FlowDenoiser)
        trained_with = denoise.guidance
        denoise.guidance = self.family.picture_guidance if trained_with is not None else None
        try:
            with sampling_mode():
                yield
        finally:
            denoise.guidance = trained_with

    def notes(self, config: TrainingConfig, tiles: bool) -> list[str]:
        """What to know before the first step, in sentences. tiles: every image closes on itself."""
        notes = [distillation_note(self.model, self.family, config.network.training_adapter)]
        if config.network.training_adapter:
            notes.append(
                "The training adapter is in the model while it trains, and in pictures on the way; the LoRA is without "
                "it."
            )
        if tiles and self.rotary is None:
            notes.append(f"{self.family.name} cannot take images for tori; they are rolled instead.")
        return [line for line in notes if line]

    def _guidance(self, config: TrainingConfig) -> float | None:
        default = self._guidance_default()
        return config.objective.guidance if default is not None and config.objective.guidance >= 0 else default

    def _guidance_default(self) -> float | None:
        embedded = self.model.model.model_config.unet_config.get("guidance_embed", True)
        return self.family.guidance if embedded else None
