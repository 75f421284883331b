"""What a node asks of the in-graph trainer, and what it gets."""

from dataclasses import dataclass, field
from pathlib import Path

import torch

from ...common.texture_dataset import TextureDataset
from ...training.config import TrainingConfig
from ...training.data import Example
from ...training.run_files import RunFiles
from ..protocols import Clip, Model, Vae


@dataclass(frozen=True)
class Order:
    """What a node asks for: the host's objects, the images to learn and to measure with, a name and the settings.

    checkpoint is the step of the LoRA that is handed on, 0 for the last. More than one of processes train beside the
    graph.
    """

    model: Model
    vae: Vae
    clip: Clip
    dataset: TextureDataset
    name: str
    config: TrainingConfig
    validation: TextureDataset | None = None
    node_id: str | None = None
    checkpoint: int = 0
    processes: int = 1


@dataclass(frozen=True)
class Encoded:
    """The images of a dataset as they are trained on, and why others are left out."""

    examples: list[Example]
    unreadable: list[str]


@dataclass(frozen=True)
class TrainedLora:
    """What a run leaves: the weights in kohya's key names and their file, the run's others, the losses, the metadata.

    validation and fixed (see `Trainer.measure`) have pairs of step and loss.
    """

    state: dict[str, torch.Tensor]
    lora: Path
    files: RunFiles
    losses: list[float]
    validation: list[tuple[int, float]]
    fixed: list[tuple[int, float]]
    metadata: dict[str, str] = field(default_factory=dict)
