"""How good the demo model is: what its autoencoder loses, and whether its materials are told apart."""

from dataclasses import dataclass

import torch
from torch.nn import functional as F


def psnr(images: torch.Tensor, references: torch.Tensor) -> torch.Tensor:
    """(B,) peak signal-to-noise ratio in dB of images (B, 3, H, W) in -1..1."""
    squared = (images - references).square().mean((1, 2, 3))
    return 10 * torch.log10(4 / squared)


def texture_statistics(images: torch.Tensor) -> torch.Tensor:
    """(B, 27) simple statistics of tiles (B, 3, H, W) in -1..1 that say what is depicted, not in which colours.

    Of the brightness, at five scales an octave apart: the contrast of steps along x, along y and along both diagonals
    (log standard deviations, less their mean), how rare strong steps are (kurtosis), and the overall contrast.
    """
    grey = images.mean(1, keepdim=True)
    rows = []
    for _ in range(5):
        steps = [grey - grey.roll(shift, (2, 3)) for shift in ((0, 1), (1, 0), (1, 1), (1, -1))]
        deviations = torch.stack([step.flatten(1).std(1) for step in steps], 1).clamp(min=1e-4)
        fourth = torch.stack([step.flatten(1).pow(4).mean(1) for step in steps], 1).mean(1)
        rows += [deviations.log(), (fourth / deviations.mean(1).pow(4)).log()[:, None]]
        grey = F.avg_pool2d(grey, 2)
    contrasts = torch.cat(rows, 1)
    overall = images.mean(1).flatten(1).std(1).clamp(min=1e-4).log()
    colorfulness = images.std(1).mean((1, 2)).clamp(min=1e-4).log()
    return torch.cat([contrasts, overall[:, None], colorfulness[:, None]], 1)


@dataclass(frozen=True)
class NearestClass:
    """Tells classes apart by the distance to their means, in the space where each class is round (Mahalanobis)."""

    means: torch.Tensor
    whitening: torch.Tensor

    @classmethod
    def fitted(cls, statistics: torch.Tensor, classes: torch.Tensor) -> "NearestClass":
        """From examples (N, D) and their class numbers (N,)."""
        means = torch.stack([statistics[classes == number].mean(0) for number in classes.unique()])
        within = (statistics - means[classes]).T @ (statistics - means[classes]) / len(statistics)
        values, vectors = torch.linalg.eigh(within + 1e-3 * torch.eye(len(within)))
        return cls(means, vectors / values.sqrt())

    def classify(self, statistics: torch.Tensor) -> torch.Tensor:
        """(N,) class numbers of (N, D)."""
        return torch.cdist(statistics @ self.whitening, self.means @ self.whitening).argmin(1)
