"""The in-graph trainer: ComfyUI's MODEL, CLIP and VAE and a dataset go in, a LoRA comes out.

The MODEL and CLIP that were given are only read. The network that trains is a separate UNet that shares their weights.
"""

from .order import Order
from .run import train_lora

__all__ = ["Order", "train_lora"]
