"""Between ComfyUI and the trainer: MODEL, CLIP, VAE and dataset go in as the host has them, a LoRA comes out.

The MODEL and CLIP that were given are only read. What trains is a UNet of our own that shares their weights.
"""

from .order import Order
from .run import train_lora

__all__ = ["Order", "train_lora"]
