"""What a node asks of the in-graph trainer."""

from dataclasses import dataclass

from ...common.texture_dataset import TextureDataset
from ...training.config import TrainingConfig
from ..protocols import Clip, Model, Vae


@dataclass(frozen=True)
class Order:
    """What a node asks for: the host's objects, the images to learn and to measure with, a name and the settings.

    checkpoint is the step of the LoRA that is handed on, 0 for the last.
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
