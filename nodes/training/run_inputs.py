"""The inputs that all nodes share which train, and what they mean together."""

from collections.abc import Callable, Mapping
from typing import Any

from comfy_api.latest import io

from ...common.errors import InputError
from ...common.files import check_name
from ...training.config import PRECISIONS, TrainingConfig
from .configuration import training_config
from .lora_network import NetworkSocket
from .lora_objective import ObjectiveSocket
from .lora_optimizer import OptimizerSocket
from .lora_saving import SavingSocket

_OPTIONS = ("network", "optimizer", "objective", "saving")
_WHOLE = (
    "steps",
    "batch_size",
    "resolution",
    "seed",
    "epochs",
    "precision",
    "gradient_checkpointing",
    "cache",
    "acceleration",
)


def name_input(written: str) -> io.Input:
    """`written` says where the file goes."""
    return io.String.Input(
        "name",
        default="my_material",
        tooltip=f"File name in {written}. An existing file is kept: the new one is numbered.",
    )


def size_inputs(resolutions: str) -> list[io.Input]:
    """Length of the run, size of a step and of an image; `resolutions` says which suit which model."""
    return [
        io.Int.Input(
            "steps",
            default=1000,
            min=1,
            max=1_000_000,
            tooltip="How often the weights are updated. 40 to 100 steps per image are usual for small sets.",
        ),
        io.Int.Input(
            "batch_size",
            default=1,
            min=1,
            max=256,
            tooltip="Images per step. More gives a calmer course and needs more memory.",
        ),
        io.Int.Input(
            "resolution",
            default=512,
            min=64,
            max=4096,
            step=64,
            tooltip=f"Side in pixels that images are brought to. Use the checkpoint's own: {resolutions}.",
        ),
    ]


def rank_inputs() -> list[io.Input]:
    """How much a LoRA holds."""
    return [
        io.Int.Input(
            "rank",
            default=16,
            min=1,
            max=1024,
            tooltip="Width of the LoRA (kohya: network dim). 8 to 32 suit materials; more memorises small sets and "
            "grows the file.",
        ),
        io.Float.Input(
            "alpha",
            default=16.0,
            min=0.01,
            max=4096.0,
            step=0.5,
            tooltip="The LoRA is scaled by alpha / rank. Equal to rank is neutral, half of it gentler.",
        ),
    ]


def rate_inputs(rate: float, seed: str) -> list[io.Input]:
    """Learning rate, `rate` if nothing is said, and seed; `seed` says what it decides."""
    return [
        io.Float.Input(
            "learning_rate",
            default=rate,
            min=1e-8,
            max=1.0,
            step=1e-6,
            round=False,
            tooltip="How far a step moves the weights. Lower it when the loss jumps, raise it for few steps.",
        ),
        io.Int.Input(
            "seed",
            default=0,
            min=0,
            max=0xFFFFFFFFFFFFFFFF,
            control_after_generate=io.ControlAfterGenerate.fixed,
            tooltip=seed,
        ),
    ]


def option_inputs(precision: str) -> list[io.Input]:
    """Length in epochs, precision, memory, and the four option nodes; `precision` is one more sentence about that."""
    return [
        io.Int.Input(
            "epochs",
            default=0,
            min=0,
            max=100_000,
            optional=True,
            tooltip="Passes over the dataset instead of a number of steps. 0 counts steps.",
        ),
        io.Combo.Input(
            "precision",
            options=list(PRECISIONS),
            default="auto",
            optional=True,
            tooltip=f"Of the frozen model. Auto is bfloat16 on a GPU that has it, else float32. {precision}",
        ),
        io.Boolean.Input(
            "gradient_checkpointing",
            default=False,
            optional=True,
            tooltip="Compute activations twice instead of keeping them: a third slower, in far less memory.",
        ),
        NetworkSocket.Input("network", optional=True, tooltip="From LoRA Network: kind, layers, text encoder."),
        OptimizerSocket.Input("optimizer", optional=True, tooltip="From LoRA Optimizer: optimizer and schedule."),
        ObjectiveSocket.Input("objective", optional=True, tooltip="From LoRA Objective: noise, loss, captions."),
        SavingSocket.Input("saving", optional=True, tooltip="From LoRA Saving: checkpoints, samples, resuming."),
    ]


def named_inputs(given: Mapping[str, Any]) -> dict[str, Any]:
    """The `locals()` of a node's method as its inputs by their names."""
    return {name: value for name, value in given.items() if name not in ("cls", "__class__")}


def configured(inputs: Mapping[str, Any]) -> TrainingConfig:
    """The configuration of a node's inputs and its connected option nodes.

    An input that it lacks, or that is None because it is linked and the graph has not run, has its default. Raises
    `InputError` for a value that cannot be trained with.
    """
    options = {name: inputs.get(name) for name in _OPTIONS}
    whole = {name: inputs.get(name) for name in _WHOLE}
    return training_config(options, inputs.get("rank"), inputs.get("alpha"), inputs.get("learning_rate"), **whole)


def checked_inputs(inputs: Mapping[str, Any], *checks: Callable[[], object]) -> bool | str:
    """Whether widgets can be trained with and pass `checks`, or a sentence about the first that cannot."""
    try:
        check_name("name" if inputs.get("name") is None else inputs["name"], "name")
        configured(inputs)
        for check in checks:
            check()
    except InputError as error:
        return str(error)
    return True


def node_id(node: type[io.ComfyNode]) -> str | None:
    """Which node of the graph this is, for what it shows while it runs; None outside a graph."""
    return node.hidden.unique_id if node.hidden else None
