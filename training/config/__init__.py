"""The configuration of a training run: the contract between the nodes and the trainer.

Every field is checked when a configuration is made, so the trainer itself trusts what it reads. The four parts are
those of the option nodes.
"""

from dataclasses import dataclass, field

from ..settings import OWN_NAME, ConfigError, check_settings, setting
from .budget import memory_budget
from .network import NetworkConfig
from .objective import ObjectiveConfig
from .optimizer import OptimizerConfig
from .saving import SavingConfig

__all__ = ["ConfigError", "NetworkConfig", "ObjectiveConfig", "OptimizerConfig", "SavingConfig", "TrainingConfig"]

PRECISIONS = ("auto", "float32", "bfloat16", "float16")
CACHES = ("memory", "disk")
ACCELERATIONS = ("off", "compile", "CUDA graph")


@dataclass(frozen=True)
class TrainingConfig:
    """One training run. The same seed gives the same file on the same machine."""

    steps: int = setting(
        1000,
        "How often the weights are updated. 40 to 100 steps per image are usual for small sets.",
        within=(1, 10**6),
    )
    batch_size: int = setting(
        1,
        "Images per step; 2 to 4 where memory allows. Larger batches train more evenly and need more memory.",
        within=(1, 256),
        kohya="train_batch_size",
        kohya_default=None,
        metadata="ss_batch_size_per_device",
    )
    resolution: int = setting(
        512,
        "Side in pixels that square images are brought to; others get the same area. Use the checkpoint's own:",
        within=(64, 4096),
        step=64,
    )
    seed: int = setting(0, "Start weights, order and noise.", within=(0, 2**64 - 1), metadata="ss_seed", advanced=True)
    epochs: int = setting(
        0,
        "Passes over the dataset instead of a number of steps (kohya: max_train_epochs). 0 counts steps.",
        within=(0, 100_000),
        optional=True,
        advanced=True,
    )
    precision: str = setting(
        "auto",
        "Of the frozen model. Auto is bfloat16 on a GPU that has it, else float32.",
        choices=PRECISIONS,
        optional=True,
        advanced=True,
    )
    gradient_checkpointing: bool = setting(
        False,
        "Compute activations twice instead of keeping them: a third slower, in far less memory.",
        kohya=OWN_NAME,
        recorded=True,
        optional=True,
        advanced=True,
    )
    cache: str = setting(
        "memory",
        "Where encoded images and captions are kept. On disk, in output/training_cache, later runs on the same images "
        "start at once; what no longer matches is never used, and the folder may be deleted at any time.",
        choices=CACHES,
        optional=True,
        advanced=True,
    )
    acceleration: str = setting(
        "off",
        "compile: torch.compile fuses each block, which takes a minute or two first and pays in runs of some thousand "
        "steps. CUDA graph: the whole pass is captured once and replayed, for batches of 1 or 2 on a fast NVIDIA GPU; "
        "not with dropout or a trained text encoder.",
        choices=ACCELERATIONS,
        optional=True,
        advanced=True,
    )
    memory: str = setting(
        "auto",
        "What training may take of the device, in GB such as 12; auto is what is free. The node says what it will need "
        "before it starts, and spares no more than it must: activations are computed again, the model is kept in 8 "
        "bits, its blocks stream in from main memory.",
        optional=True,
    )
    network: NetworkConfig = field(default_factory=NetworkConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    saving: SavingConfig = field(default_factory=SavingConfig)

    def __post_init__(self) -> None:
        check_settings(self)
        memory_budget(self.memory)
        if self.resolution % 64:
            nearest = max(64, round(self.resolution / 64) * 64)
            raise ConfigError(f"resolution is {self.resolution}, but must be a multiple of 64, such as {nearest}.")
        if self.acceleration == "CUDA graph" and (self.network.text_encoder or self.network.dropout):
            changing = "text_encoder" if self.network.text_encoder else "dropout"
            raise ConfigError(
                f"acceleration is 'CUDA graph', which replays the same computation at every step, but {changing} of "
                "LoRA Network changes it. Switch one of them off."
            )
