"""What a training will need of the device's memory, by a dry run, and how it gets by with what there is."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import lcm

import comfy.model_management
import torch

from ...common.errors import InputError
from ...training.config import TrainingConfig
from ...training.config.budget import GB, memory_budget
from ...training.data import Conditioning, Example
from ...training.exported_run import Row
from ...training.loop import TextEncoder
from ...training.lora import LoraNetwork
from ...training.material_sets import material_sets
from ...training.memory.allocations import AllocationCount, dry_count
from ...training.memory.eight_bits import EightBitLinear, products_of
from ...training.memory.plan import Footprint, MemoryPlan, chosen_plan, gigabytes, plans
from ...training.optimizers import state_share
from ...training.text_rows import TextConditioning, conditioning_of
from ..frozen_weights import GivenWeights, device_bytes
from .order import Order
from .setup import Setup
from .text_conditioning import captions_asked_for

META = torch.device("meta")
WORKSPACE = 0.6 * GB  # of an accelerator: its context, and what its libraries compute in
FRAGMENTS = 1.05  # what allocators take beyond what is asked of them
SMALLER = (1536, 1280, 1024, 768, 512, 384, 256, 128)  # resolutions that are tried where nothing else fits


@dataclass(frozen=True)
class Training:
    """All that decides how much memory a training needs.

    latents (B, C, h, w) and conditioning are those of its largest batch, on the meta device. maps: so many rows at a
    time are one material's. beside: what takes memory next to the network, which is a trained text encoder.
    """

    setup: Setup
    latents: torch.Tensor
    conditioning: TextConditioning
    maps: int = 1
    beside: Footprint = Footprint(0, 0, 0)  # noqa: RUF009 - it is frozen

    def footprint(self, plan: MemoryPlan) -> Footprint:
        """What it takes of the device at once by `plan`: its passes are walked on the meta device."""
        trained, config, dtype = self.setup.model, self.setup.config, self.setup.dtype
        network = replace(self.setup, device=META).network(plan)
        given = GivenWeights(trained.model, trained.skeleton(dtype), META, dtype)
        base = device_bytes(network, given, trained.blocks(network), plan, self.setup.device)
        lora = LoraNetwork(trained.layers(network, config), config.network, config.seed)
        weights = sum(parameter.nbytes for parameter in lora.parameters())
        lora.attach()
        denoise = trained.denoiser(network, config, self.setup.wraps)
        together = (self.maps,) if self.maps > 1 else ()
        # What adds to gradients that are there already takes memory that the first pass does not.
        passes = 2 if config.optimizer.accumulation > 1 or config.acceleration == "CUDA graph" else 1
        times = torch.empty(len(self.latents), device=META)
        with trained.training(), dry_count() as count:
            for _ in range(passes):
                prediction = denoise(self.latents, times, self.conditioning, *together)
                torch.autograd.backward((prediction - self.latents).square().mean())
        kept = _with_optimizer(weights, config, self.setup.device)
        walked = max(0, count.peak - weights)
        both = self.beside
        return Footprint(base + both.base, kept + both.lora, walked + both.activations)

    def words(self, plan: MemoryPlan) -> str:
        """What is done by `plan`, in words for an artist."""
        if not plan.eight_bits:
            return plan.words()
        network = replace(self.setup, device=META).network(MemoryPlan(eight_bits=True))
        return plan.words({layer.values.dtype for layer in network.modules() if isinstance(layer, EightBitLinear)})

    def smaller(self, scale: float) -> "Training":
        """The same with one image a step, or one material's maps, and sides scaled by as much."""
        height, width = (max(8, round(side * scale / 8) * 8) for side in self.latents.shape[-2:])
        latents = torch.empty(self.maps, self.latents.shape[1], height, width, device=META)
        named = {name: value[: self.maps] for name, value in self.conditioning.named().items()}
        if "context" not in named:  # texts in rows of their own, by number
            named = {name: value for name, value in named.items() if int(name.split(".")[1]) < self.maps}
        return replace(self, latents=latents, conditioning=conditioning_of(named))


def largest_batch(
    examples: Sequence[Example], texts: TextEncoder, captions: Collection[Row], rows: int
) -> tuple[torch.Tensor, TextConditioning, int]:
    """Latents (B, C, h, w) and texts on the meta device, as large as any step has them, and the bytes of encoding them.

    The longest of the captions is looked for among those with most letters. UNets take texts of unlike lengths repeated
    to their least common multiple, so that a batch of 2 and 3 times 77 tokens has 6 times as many, and one of 9 and 4
    more than one of 9 and 6.
    """
    latent = max((example.latent for example in examples), key=lambda latent: latent[0].numel())
    by_letters = sorted(captions, key=lambda row: len(row[0]))
    tried = dict.fromkeys([*by_letters[:: max(1, len(by_letters) // 8)], *by_letters[-8:]])
    by_length = {_length(texts([caption], [size])): (caption, size) for caption, size in tried}
    lengths = sorted(by_length, reverse=True)
    unlike = max(combinations(lengths, min(rows, len(lengths))), key=lambda together: lcm(*together))
    alike = [by_length[lengths[0]]] * rows
    mixed = [by_length[length] for length in unlike] + alike[len(unlike) :]
    counted = [_counted(texts, batch) for batch in ((alike, mixed) if len(unlike) > 1 else (alike,))]
    encoded = max((one for one, _ in counted), key=_numbers)
    shapes = {name: torch.empty_like(value, device=META) for name, value in encoded.named().items()}
    return torch.empty(rows, *latent.shape, device=META), conditioning_of(shapes), max(peak for _, peak in counted)


def _counted(texts: TextEncoder, batch: Sequence[Row]) -> tuple[TextConditioning, int]:
    with AllocationCount() as count:
        encoded = texts([caption for caption, _ in batch], [size for _, size in batch])
    return encoded, count.peak


def maps_together(examples: Sequence[Example], config: TrainingConfig) -> int:
    """How many rows of a batch are one material's at most."""
    return max(len(unit) for unit in material_sets(examples)) if config.objective.is_together else 1


def _length(encoded: TextConditioning) -> int:
    return encoded.context.shape[1] if isinstance(encoded, Conditioning) else _numbers(encoded)


def _numbers(encoded: TextConditioning) -> int:
    return sum(value.numel() for value in encoded.named().values())


def memory_of_run(
    order: Order,
    setup: Setup,
    examples: Sequence[Example],
    texts: TextEncoder,
    text_layers: dict[str, torch.nn.Module],
) -> tuple[MemoryPlan, str]:
    """How the run of `order` gets by with the memory there is, and what to tell of it; see `memory_choice`.

    text_layers: those of a text encoder that is trained. What is trained in processes is only shown here: they choose.
    """
    if order.processes > 1:
        return MemoryPlan.of(order.config), ""
    config, device, maps = order.config, setup.device, maps_together(examples, order.config)
    captions = captions_asked_for(examples, config)
    latents, conditioning, kept = largest_batch(examples, texts, captions, config.batch_size * maps)
    beside = _text_encoder(order, text_layers, device, kept)
    return memory_choice(Training(setup, latents, conditioning, maps, beside))


def _text_encoder(
    order: Order, layers: dict[str, torch.nn.Module], device: torch.device, activations: int
) -> Footprint:
    if not layers:
        return Footprint(0, 0, 0)
    lora = LoraNetwork(layers, order.config.network, order.config.seed)
    weights = sum(parameter.nbytes for parameter in lora.parameters())
    stage = 0 if device.type == "cpu" else sum(value.nbytes for value in order.clip.cond_stage_model.parameters())
    return Footprint(stage, _with_optimizer(weights, order.config, device), activations)


def _with_optimizer(weights: int, config: TrainingConfig, device: torch.device) -> int:
    """The bytes of a LoRA's weights with their gradients, optimizer states and moving average."""
    return round(weights * (2 + state_share(config.optimizer, device) + bool(config.optimizer.ema)))


def memory_choice(training: Training, processes: int = 1) -> tuple[MemoryPlan, str]:
    """The plan by which a training stays within its `memory`, and a sentence that says what it will need.

    It is one of so many processes, which share main memory. Raises `InputError` for a budget that no plan stays within.
    """
    setup = training.setup
    config, device = setup.config, setup.device
    asked = memory_budget(config.memory)
    room, free = _room(asked, device, processes)
    possible = plans(config, products_of(device))
    blocks = len(setup.model.blocks(setup.model.skeleton(setup.dtype)))
    streams = device.type != "cpu" and config.acceleration != "CUDA graph"
    try:
        plan, needed = chosen_plan(possible, room, training.footprint, blocks, streams)
    except (RuntimeError, NotImplementedError) as error:
        if asked is not None:
            raise InputError(f"memory is {config.memory}, but what this model needs is not known: {error}") from error
        logging.warning("Train Texture LoRA: the memory that this model needs is not known", exc_info=True)
        return MemoryPlan.of(config), "How much memory it will need is not known for this model; nothing is spared."
    line = f"Memory: {gigabytes(needed.total)} needed ({needed.words()}) of {_available(asked, free, device)}"
    chosen = f"Chosen: {training.words(plan)}."
    if needed.total <= room:
        return plan, f"{line}. {chosen}"
    if asked is not None:
        raise InputError(_refusal(training, plan, needed, room))
    return plan, f"{line}, which may not be enough; close other programs if it is not. {chosen}"


def _room(asked: float | None, device: torch.device, processes: int) -> tuple[float, float]:
    """How many bytes tensors may take, and how many are free on `device`."""
    free = comfy.model_management.get_free_memory(device)
    if device.type == "cpu":
        free /= processes
        return (free if asked is None else min(asked, free)), free
    context = 0.0 if asked is None else WORKSPACE
    usable = free - WORKSPACE - comfy.model_management.extra_reserved_memory()
    return (usable if asked is None else min(asked - context, usable)) / FRAGMENTS, free


def _available(asked: float | None, free: float, device: torch.device) -> str:
    where = "of main memory" if device.type == "cpu" else f"on {device.type}"
    if asked is None:
        return f"{gigabytes(free)} free {where}"
    short = f", of which {gigabytes(free)} are free {where}" if asked > free else ""
    return f"the {gigabytes(asked)} that memory allows{short}"


def _refusal(training: Training, plan: MemoryPlan, needed: Footprint, room: float) -> str:
    config = training.setup.config
    lacking = (
        f"memory is {config.memory}, but this training takes at least {gigabytes(needed.total)}, though "
        f"{training.words(plan)}: {needed.words()}."
    )
    rows, resolution = len(training.latents) // training.maps, config.resolution
    tries = [resolution] if rows > 1 else []
    for side in tries + [smaller for smaller in SMALLER if smaller < resolution]:
        footprint = training.smaller(side / resolution).footprint(plan)
        if footprint.total <= room:
            changes = ["batch_size 1"] * (rows > 1) + [f"resolution {side}"] * (side < resolution)
            return f"{lacking} It would fit with {' and '.join(changes)} ({gigabytes(footprint.total)})."
    return f"{lacking} Allow that much, or train a smaller model."
