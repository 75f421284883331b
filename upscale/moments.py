"""Mean and variance of each channel of a whole image, merged from those of its tiles."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Moments:
    """Mean and variance per channel, float64 in main memory: not every device has float64."""

    mean: torch.Tensor
    variance: torch.Tensor

    def by_group(self, groups: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and variance of each group of neighbouring channels, (groups,) each."""
        means = self.mean.view(groups, -1)
        mean = means.mean(1)
        return mean, self.variance.view(groups, -1).mean(1) + (means - mean.unsqueeze(1)).square().mean(1)


class TileMoments:
    """The moments of `tiles` tiles of `channels` channels, gathered on `device` one after the other.

    Merged once at the end, so that the device need not be waited for after every tile. Exact for tiles of any size:
    Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979).
    """

    def __init__(self, tiles: int, channels: int, device: torch.device) -> None:
        self.counts: list[int] = []
        self.means = torch.empty(tiles, channels, device=device)
        self.squares = torch.empty(tiles, channels, device=device)

    def add(self, values: torch.Tensor) -> None:
        """Count (C, H, W)."""
        number, values = len(self.counts), values.flatten(1).float()
        self.counts.append(values.shape[1])
        mean = torch.mean(values, 1, out=self.means[number])
        deviations = values - mean.unsqueeze(1)  # torch.var_mean takes six times as long on a CPU
        torch.sum(deviations.square_(), 1, out=self.squares[number])

    def merged(self) -> Moments:
        counts = torch.tensor(self.counts, dtype=torch.float64).unsqueeze(1)
        means, squares = self.means.cpu().double(), self.squares.cpu().double()
        mean = (counts * means).sum(0) / counts.sum()
        return Moments(mean, (squares + counts * (means - mean).square()).sum(0) / counts.sum())
