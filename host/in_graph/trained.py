"""Which MODEL is trained in which way."""

from ...common.errors import InputError
from ...training.config import TrainingConfig
from .. import training as host_training
from ..flow.families import flow_family
from ..frozen_weights import check_plain_weights
from ..lora_files import check_fit, check_values, read_lora
from ..protocols import Clip, Model
from .trained_flow import TrainedFlow
from .trained_unet import TrainedUnet


def trained_model(model: Model) -> TrainedUnet | TrainedFlow:
    """A MODEL as it is trained; raises `InputError` for one that cannot be trained here."""
    check_plain_weights(model)
    family = flow_family(model)
    return TrainedUnet(model) if family is None else TrainedFlow(model, family)


def with_training_adapter(model: Model, clip: Clip, config: TrainingConfig) -> Model:
    """The MODEL with the training adapter in it, if one is chosen; `InputError` for one that is not used whole."""
    name = config.network.training_adapter
    if not name:
        return model
    lora = read_lora(name)
    if lines := "; ".join(filter(None, [check_values(lora), *check_fit(model, clip, lora).splitlines()])):
        raise InputError(
            f"The training adapter cannot be used as it was made: {lines}. Choose the one made for this model, or none."
        )
    return host_training.with_lora(model, clip, lora.tensors)[0]
