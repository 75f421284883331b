"""A transformer of the host that trains: an own frozen copy of it, the layers that get a LoRA, and how it is called."""

import re
from collections.abc import Mapping

import comfy.ops
import torch

from ...common.errors import InputError
from ...sets.prompt_rows import lengthened
from ...training.config import TrainingConfig
from ...training.memory.plan import MemoryPlan
from ...training.text_rows import TextRows
from ..frozen_weights import GivenWeights, fill
from ..protocols import Model
from ..shared_attention import sharing_options
from ..training import SDPA
from .families import Family
from .positions import PeriodicPositions
from .trainable import blocks_of


def flow_skeleton(model: Model, device: torch.device, dtype: torch.dtype) -> torch.nn.Module:
    """A transformer of a MODEL's build on the meta device, without weights; what no file holds is there on `device`."""
    given = model.model.diffusion_model
    config = {**model.model.model_config.unet_config, "dtype": dtype}
    network = type(given)(**config, device="meta", operations=comfy.ops.disable_weight_init)
    for name, buffer in given.named_buffers():
        if name not in network.state_dict():
            owner, _, own = name.rpartition(".")
            network.get_submodule(owner).register_buffer(own, buffer.to(device, copy=True), persistent=False)
    return network


def frozen_network(
    model: Model, family: Family, device: torch.device, dtype: torch.dtype, plan: MemoryPlan | None = None
) -> torch.nn.Module:
    """A frozen copy of a MODEL's transformer with its patches, in plain layers that autograd can pass through.

    Weights that already are on `device` in `dtype` are shared, not copied; quantised ones are brought to `dtype`, and
    `plan` says which are kept otherwise. Call it outside inference mode.
    """
    network = flow_skeleton(model, device, dtype)
    blocks = blocks_of(network, family.blocks)
    fill(network, GivenWeights(model, network, device, dtype), blocks, plan or MemoryPlan())
    return network.requires_grad_(False).eval()


def flow_layers(network: torch.nn.Module, family: Family, config: TrainingConfig) -> dict[str, torch.nn.Module]:
    """The layers a LoRA is trained on, by the names that ComfyUI's loader and kohya's tools read.

    Raises `InputError` for a choice of blocks that the family does not have.
    """
    chosen = _chosen(family, config)
    last = f"{family.blocks[-1]}.{len(getattr(network, family.blocks[-1])) - 1}."
    return {
        f"lora_unet_{path.replace('.', '_')}": layer
        for path, layer in network.named_modules()
        if isinstance(layer, torch.nn.Linear)
        and re.fullmatch(family.layers, path)
        and re.search(chosen, path)
        and not (family.dead_end and path.startswith(last) and re.search(family.dead_end, path))
    }


def _chosen(family: Family, config: TrainingConfig) -> str:
    """A pattern of the paths that `blocks` of LoRA Network chooses."""
    blocks = config.network.blocks
    if config.network.conv_rank:
        raise InputError(
            f"conv_rank of LoRA Network is {config.network.conv_rank}, but {family.name} has no convolutions. Set it "
            "to 0."
        )
    patterns = {"all": "", "attention": family.attention, "cross-attention": family.cross_attention}
    if blocks != "all" and not patterns.get(blocks):
        have = ", ".join(name for name, pattern in patterns.items() if name == "all" or pattern)
        raise InputError(
            f"blocks of LoRA Network is '{blocks}', which only UNets have; {family.name} is a transformer. Choose one "
            f"of {have}."
        )
    return patterns[blocks]


class FlowDenoiser:
    """A transformer as the trainer calls it: sigmas in, velocity out, in float32; texts of unlike lengths apart.

    time_factor is what a sigma is multiplied by for the network. guidance goes to networks that take one. positions
    close on themselves, if there are any.
    """

    def __init__(
        self,
        network: torch.nn.Module,
        family: Family,
        time_factor: float,
        guidance: float | None,
        video: bool,
        positions: PeriodicPositions | None = None,
    ) -> None:
        self.network, self.family, self.time_factor = network, family, time_factor
        self.guidance, self.video, self.positions = guidance, video, positions
        self.dtype: torch.dtype = network.dtype  # type: ignore[assignment]

    def __call__(self, noisy: torch.Tensor, sigmas: torch.Tensor, text: TextRows, maps: int = 1) -> torch.Tensor:
        """maps: so many rows at a time see each other; their texts are brought to one length."""
        groups = list((_of_one_length(text, maps) if maps > 1 else text).groups())
        if len(groups) == 1:
            return self._velocity(noisy, sigmas, groups[0][1], maps)
        rows: dict[int, torch.Tensor] = {}  # by plain numbers: a CUDA graph may not copy indices to the device
        for numbers, texts in groups:
            latents, levels = (torch.stack([values[number] for number in numbers]) for values in (noisy, sigmas))
            rows |= dict(zip(numbers, self._velocity(latents, levels, texts, maps), strict=True))
        return torch.stack([rows[number] for number in range(len(noisy))])

    def _velocity(
        self, noisy: torch.Tensor, sigmas: torch.Tensor, texts: dict[str, torch.Tensor], maps: int
    ) -> torch.Tensor:
        latents = noisy.to(self.dtype)
        context = texts["context"]
        tensors = {name: value.to(self.dtype) if value.is_floating_point() else value for name, value in texts.items()}
        if self.guidance is not None:
            tensors["guidance"] = torch.full((len(noisy),), self.guidance, device=noisy.device, dtype=self.dtype)
        if self.family.version in ("lumina2", "zimage"):
            tensors["num_tokens"] = context.shape[1]  # type: ignore[assignment]
        if self.positions is not None:
            self.positions.begin(latents.shape[-2:], context.shape[1])
        given = latents.unsqueeze(2) if self.video else latents
        options = sharing_options(self.network, maps, SDPA)  # its own: the network writes into it
        velocity = self.network(given, sigmas.float() * self.time_factor, transformer_options=options, **tensors)
        return (velocity.squeeze(2) if self.video else velocity).float()


def _of_one_length(text: TextRows, maps: int) -> TextRows:
    """The texts of each material's rows at the length of the longest, as Material Set Prompt gives them."""
    rows: list[Mapping[str, torch.Tensor]] = []
    for first in range(0, len(text.rows), maps):
        of_set = text.rows[first : first + maps]
        longest = max(row["context"].shape[1] for row in of_set)
        rows += [{name: _at_length(value, row["context"].shape[1], longest) for name, value in row.items()}
                 for row in of_set]  # fmt: skip
    return TextRows(tuple(rows))


def _at_length(value: torch.Tensor, words: int, longest: int) -> torch.Tensor:
    """What has one entry for each word of a text goes on to `longest`; anything else stays."""
    return lengthened(value, longest) if value.ndim > 1 and value.shape[1] == words else value
