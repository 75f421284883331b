"""How far a prediction is from its target."""

import torch


def denoising_loss(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean squared error of each row of (B, C, H, W) in float32, as (B,)."""
    return (prediction.float() - target.float()).square().mean((1, 2, 3))
