"""What tells one run from another: whatever makes its weights."""

import sys
from collections import ChainMap
from collections.abc import Mapping, MutableMapping, Sequence
from typing import cast

import comfy.model_management
import torch

from ...training.data import Example
from ...training.memory.plan import MemoryPlan
from ...training.run_files import states_of_run
from ...training.state import RunIdentity, Weights, latest_state, models_digest, run_fingerprint
from ...training.tensor_cache import file_digest
from .. import folders
from .. import training as host_training
from ..frozen_weights import GivenWeights
from .order import Order
from .setup import Setup

ANY_STEP = sys.maxsize


def run_identity(
    order: Order, setup: Setup, examples: Sequence[Example], frozen: torch.nn.Module, plan: MemoryPlan
) -> RunIdentity:
    """Of a run whose network `frozen` was made by `plan`: whole, so that it goes on also where memory got less."""
    return identity_by_weights(order, setup, examples, whole_weights(setup, frozen, plan))


def known_identity(
    order: Order, setup: Setup, examples: Sequence[Example], frozen: torch.nn.Module, plan: MemoryPlan
) -> RunIdentity:
    """`run_identity`; or as earlier versions told a run that waits for processes, by the weights on the device of
    `setup`, where only that one has a state to go on from."""
    identity = run_identity(order, setup, examples, frozen, plan)
    states = states_of_run(folders.output_folder("training"), order.name.strip())
    is_other = setup.device != comfy.model_management.get_torch_device()
    if not is_other or not states or latest_state(states, identity, ANY_STEP):
        return identity
    if plan.eight_bits or plan.streamed:  # these were told by the weights of the device that trains then too
        return identity
    earlier = identity_by_weights(order, setup, examples, (frozen, dict(frozen.named_parameters())))
    return earlier if latest_state(states, earlier, ANY_STEP) else identity


def identity_by_weights(
    order: Order, setup: Setup, examples: Sequence[Example], whole: tuple[Weights, Mapping[str, torch.Tensor]]
) -> RunIdentity:
    """Of a run whose weights are `whole`, as `whole_weights` gives them."""
    network = order.config.network
    start = file_digest(folders.model_file("loras", network.start_from, "start_from")) if network.start_from else ""
    text = host_training.text_encoder_digest(order.clip, order.config.objective.clip_skip)
    others, facts = setup.model.identity()
    weights, by_path = whole
    models = models_digest(ChainMap(others, cast(MutableMapping[str, torch.Tensor], by_path)), (*facts, text, start))
    return RunIdentity(run_fingerprint(order.config, examples, weights), models, setup.sharing)


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
