"""What tells one run from another: whatever makes its weights."""

from collections import ChainMap
from collections.abc import Mapping, MutableMapping, Sequence
from typing import cast

import comfy.model_management
import torch

from ...training.data import Example
from ...training.memory.plan import MemoryPlan
from ...training.state import RunIdentity, Weights, models_digest, run_fingerprint
from ...training.tensor_cache import file_digest
from .. import folders
from .. import training as host_training
from ..frozen_weights import GivenWeights
from .order import Order
from .setup import Setup


def run_identity(
    order: Order, setup: Setup, examples: Sequence[Example], frozen: torch.nn.Module, plan: MemoryPlan
) -> RunIdentity:
    """Of a run whose network `frozen` was made by `plan`: whole, so that it goes on also where memory got less."""
    network = order.config.network
    start = file_digest(folders.model_file("loras", network.start_from, "start_from")) if network.start_from else ""
    text = host_training.text_encoder_digest(order.clip, order.config.objective.clip_skip)
    others, facts = setup.model.identity()
    weights, by_path = whole_weights(setup, frozen, plan)
    models = models_digest(ChainMap(others, cast(MutableMapping[str, torch.Tensor], by_path)), (*facts, text, start))
    return RunIdentity(run_fingerprint(order.config, examples, weights), models)


def whole_weights(
    setup: Setup, network: torch.nn.Module, plan: MemoryPlan
) -> tuple[Weights, Mapping[str, torch.Tensor]]:
    """The weights of a `network` made by `plan` as they are without one: in their order, and by their paths.

    They are those of the device that trains also where the network is another's, as that of a graph which waits for
    processes: devices round a LoRA in the model differently.
    """
    device = comfy.model_management.get_torch_device()
    if not plan.eight_bits and not plan.streamed and setup.device == device:
        return network, dict(network.named_parameters())
    model, dtype = setup.model, setup.dtype
    given = GivenWeights(model.model, model.skeleton(dtype), device, dtype)
    return given, given
