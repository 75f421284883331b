"""The inputs that all nodes share which train, and what they mean together."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from comfy_api.latest import io

from ...host import folders
from ...host.reruns import Watch, run_state
from ...training.config import NetworkConfig, ObjectiveConfig, OptimizerConfig, SavingConfig, TrainingConfig
from ...training.settings import widget_values
from ..shown_where import shown_where
from .lora_network import NetworkSocket
from .lora_objective import ObjectiveSocket
from .lora_optimizer import OptimizerSocket
from .lora_saving import SavingSocket
from .widgets import widget

TRAINED = Watch()


def name_input(written: str, what: str = "file") -> io.Input:
    """`written` says where the result goes, `what` whether it is a file or a folder."""
    return io.String.Input(
        "name",
        default="my_material",
        tooltip=f"{what.capitalize()} name in {written}. Another run's {what} is never overwritten: the new one "
        "becomes name_00002.",
    )


def size_inputs(resolutions: str) -> list[io.Input]:
    """Length of the run, size of a step and of an image; `resolutions` says which suit which model."""
    return [
        widget(TrainingConfig, "steps", extra_dict=shown_where(epochs=False)),
        widget(TrainingConfig, "batch_size"),
        widget(TrainingConfig, "resolution", also=f"{resolutions}."),
    ]


def rank_inputs() -> list[io.Input]:
    """How much a LoRA holds."""
    return [widget(NetworkConfig, "rank"), widget(NetworkConfig, "alpha")]


def rate_inputs(rate: float, seed: str, rates: str = "") -> list[io.Input]:
    """Learning rate, `rate` if nothing is said, and seed; `seed` and `rates` say more of them."""
    return [
        widget(OptimizerConfig, "learning_rate", also=rates, default=rate, round=False),
        widget(TrainingConfig, "seed", also=seed, control_after_generate=io.ControlAfterGenerate.fixed),
    ]


def option_inputs(precision: str) -> list[io.Input]:
    """Length in epochs, precision, memory, and the four option nodes; `precision` is one more sentence about that."""
    return [
        widget(TrainingConfig, "epochs"),
        widget(TrainingConfig, "precision", also=precision),
        widget(TrainingConfig, "gradient_checkpointing"),
        NetworkSocket.Input("network", optional=True, tooltip="From LoRA Network: kind, layers, text encoder."),
        OptimizerSocket.Input("optimizer", optional=True, tooltip="From LoRA Optimizer: optimizer and schedule."),
        ObjectiveSocket.Input("objective", optional=True, tooltip="From LoRA Objective: noise, loss, captions."),
        SavingSocket.Input("saving", optional=True, tooltip="From LoRA Saving: checkpoints, samples, resuming."),
    ]


def run_config(
    widgets: Mapping[str, Any],
    network: NetworkConfig | None = None,
    optimizer: OptimizerConfig | None = None,
    objective: ObjectiveConfig | None = None,
    saving: SavingConfig | None = None,
) -> TrainingConfig:
    """The configuration that a node's own widgets and the connected option nodes describe together.

    Raises `InputError` for a value that cannot be trained with.
    """
    return TrainingConfig(
        **widget_values(TrainingConfig, widgets),
        network=replace(network or NetworkConfig(), **widget_values(NetworkConfig, widgets)),
        optimizer=replace(optimizer or OptimizerConfig(), **widget_values(OptimizerConfig, widgets)),
        objective=objective or ObjectiveConfig(),
        saving=saving or SavingConfig(),
    )


def check_run_name(name: str | None) -> None:
    """Raise `InputError` for a name that no file can have; one that is None is linked, and not known yet."""
    if name is not None:
        folders.check_run_name(name)


def remember_trained(name: str, file: Path, folder: Path) -> None:
    """Have the node run again when the file that it wrote under this name is gone, or its stopped run may go on."""
    for key in (name, ""):
        TRAINED.remember(key, str(folder), run_state(file, folder))


def node_id(node: type[io.ComfyNode]) -> str | None:
    """Which node of the graph this is, for what it shows while it runs; None outside a graph."""
    return node.hidden.unique_id if node.hidden else None
