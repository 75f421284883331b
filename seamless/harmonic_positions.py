"""Periodic rotary positions (RoPE): what lies one width further on has the same position.

RoPE (Su et al., "RoFormer", 2021) turns pairs of channels by position times frequency. With every frequency rounded to
a whole number of turns over the image, the right edge lies next to the left one.
"""

import torch


def rotary_positions(positions: torch.Tensor, channels: int, theta: float, period: int | None) -> torch.Tensor:
    """(B, N) positions -> (B, N, channels / 2, 2, 2) rotations, float32, that repeat after `period` positions.

    None repeats never: the frequencies are theta ** (-2 i / channels), as in RoPE.
    """
    place = positions if positions.device.type != "mps" else positions.cpu()  # Apple's GPUs have no double precision
    share = torch.arange(0, channels, 2, dtype=torch.float64, device=place.device) / channels
    frequency = theta**-share
    if period is not None:
        turn = 2 * torch.pi / period
        frequency = (frequency / turn).round() * turn
    angle = place.double().unsqueeze(-1) * frequency
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2).float().to(positions.device)
