"""The sRGB transfer curve of IEC 61966-2-1."""

import torch


def linear_from_srgb(srgb: torch.Tensor) -> torch.Tensor:
    """sRGB values as linear light, of any shape; both have black at 0 and white at 1."""
    return torch.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055).clamp(min=0) ** 2.4)


def srgb_from_linear(linear: torch.Tensor) -> torch.Tensor:
    """Linear light as sRGB values, of any shape; light above 1 stays above 1."""
    return torch.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear.clamp(min=0) ** (1 / 2.4) - 0.055)
