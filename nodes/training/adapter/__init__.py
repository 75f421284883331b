"""Between ComfyUI and the trainer: MODEL, CLIP, VAE and dataset go in as the host has them, a LoRA comes out.

The MODEL and CLIP that were given are only read. What trains is a UNet of our own that shares their weights.
"""

from .run import train_lora
from .settings import checked, training_config

__all__ = ["checked", "train_lora", "training_config"]
