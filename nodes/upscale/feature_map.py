"""What a layer leaves behind: the values of a whole image, written tile by tile, and their moments."""

from dataclasses import dataclass

import torch

from .tiles import Tile


@dataclass
class Moments:
    """Mean and sum of squared deviations per channel, float64, merged from tile to tile.

    The merge is exact for tiles of any size: Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm
    for computing sample variances" (1979).
    """

    count: int
    mean: torch.Tensor
    squares: torch.Tensor

    @classmethod
    def of(cls, values: torch.Tensor) -> "Moments":
        """The moments of (C, H, W)."""
        values = values.flatten(1).float()
        mean = values.mean(1)
        squares = (values - mean.unsqueeze(1)).square_().sum(1)  # torch.var_mean takes six times as long on a CPU
        return cls(values.shape[1], mean.cpu().double(), squares.cpu().double())  # not every GPU has float64

    def merged(self, other: "Moments") -> "Moments":
        count = self.count + other.count
        difference = other.mean - self.mean
        return Moments(
            count,
            self.mean + difference * (other.count / count),
            self.squares + other.squares + difference.square() * (self.count * other.count / count),
        )

    def by_group(self, groups: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and variance of each group of neighbouring channels, (groups,) each."""
        means = self.mean.view(groups, -1)
        mean = means.mean(1)
        within = self.squares.view(groups, -1).mean(1) / self.count
        return mean, within + (means - mean.unsqueeze(1)).square().mean(1)


class FeatureMap:
    """(C, H, W) values of one image. One cell of the map covers `cell` by `cell` pixels of the picture.

    The values may lie in host memory while the layers run on another device.
    """

    def __init__(self, values: torch.Tensor, cell: float, moments: Moments | None = None) -> None:
        self.values = values
        self.cell = cell
        self.moments = moments

    @property
    def height(self) -> int:
        return self.values.shape[-2]

    @property
    def width(self) -> int:
        return self.values.shape[-1]

    def write(self, tile: Tile, values: torch.Tensor) -> None:
        """Put (C, h, w) under `tile` and count it in the moments. Every cell is to be written once."""
        self.values[:, tile.rows.start : tile.rows.stop, tile.columns.start : tile.columns.stop] = values
        moments = Moments.of(values)
        self.moments = moments if self.moments is None else self.moments.merged(moments)
