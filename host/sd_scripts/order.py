"""What a node asks of sd-scripts, and what it gets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...common.texture_dataset import TextureDataset
from ...sd_scripts.settings import KohyaOptions
from ...sd_scripts.tasks import AUTO
from ...training.config import TrainingConfig


@dataclass(frozen=True)
class ScriptOrder:
    """What a node asks for. checkpoint, diffusion_model, text_encoders and vae are names in the host's lists, "" for
    none; own has arguments that only one script has; conditioning holds a ControlNet's hints. arguments is the user's
    text."""

    task: str
    dataset: TextureDataset
    checkpoint: str
    name: str
    config: TrainingConfig
    options: KohyaOptions
    family: str = AUTO
    vae: str = ""
    accelerate: bool = False
    sd_scripts: str = ""
    python: str = ""
    arguments: str = ""
    own: Mapping[str, Any] = field(default_factory=dict)
    conditioning: TextureDataset | None = None
    diffusion_model: str = ""
    text_encoders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trained:
    """The file that came out, the run's folder, the weights where they are small enough to hand on, losses, report."""

    path: Path
    folder: Path
    state: dict[str, Any]
    losses: list[float]
    validation: list[tuple[int, float]]
    report: str
