"""How good the demo model is: what its autoencoder loses, and whether its materials can be told apart."""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from .autoencoder import bends_by_column


def psnr(images: torch.Tensor, references: torch.Tensor) -> torch.Tensor:
    """(B,) peak signal-to-noise ratio in dB of images (B, 3, H, W) in -1..1."""
    squared = (images - references).square().mean((1, 2, 3))
    return 10 * torch.log10(4 / squared)


def normal_error(images: torch.Tensor, references: torch.Tensor) -> torch.Tensor:
    """(B,) mean angle in degrees between the normals that images (B, 3, H, W) in -1..1 hold and those of references."""
    one, other = (F.normalize(maps, dim=1) for maps in (images, references))
    return torch.rad2deg((one * other).sum(1).clamp(-1, 1).acos()).mean((1, 2))


def line_unevenness(images: torch.Tensor, references: torch.Tensor) -> float:
    """The worst of a latent's eight columns and eight rows: how far the share of the references' bends that its lines
    keep is from the mean share. 0.01 is 1 %; images (B, 3, H, W) in -1..1."""
    kept = [bends_by_column(a) / bends_by_column(b) for a, b in ((images, references), (images.mT, references.mT))]
    return max((share / share.mean() - 1).abs().max().item() for share in kept)


def texture_statistics(images: torch.Tensor) -> torch.Tensor:
    """(B, D) simple statistics of tiles (B, 3, H, W) in -1..1 that say what is depicted, not in which colours.

    D is 66 for 256 px, and the same for all tiles of one size.
    """
    overall = images.mean(1).flatten(1).std(1).clamp(min=1e-4).log()
    colorfulness = images.std(1).mean((1, 2)).clamp(min=1e-4).log()
    parts = [_contrasts(images), _spectrum(images), overall[:, None], colorfulness[:, None]]
    return torch.cat(parts, 1)


def _contrasts(images: torch.Tensor) -> torch.Tensor:
    """(B, 25) of the brightness at five scales an octave apart: contrast and rareness of its steps.

    The contrast of steps along x, along y and along both diagonals (log standard deviations), and their kurtosis.
    """
    grey = images.mean(1, keepdim=True)
    rows = []
    for _ in range(5):
        steps = [grey - grey.roll(shift, (2, 3)) for shift in ((0, 1), (1, 0), (1, 1), (1, -1))]
        deviations = torch.stack([step.flatten(1).std(1) for step in steps], 1).clamp(min=1e-4)
        fourth = torch.stack([step.flatten(1).pow(4).mean(1) for step in steps], 1).mean(1)
        rows += [deviations.log(), (fourth / deviations.mean(1).pow(4)).log()[:, None]]
        grey = F.avg_pool2d(grey, 2)
    return torch.cat(rows, 1)


def _spectrum(images: torch.Tensor, rings: int = 6, sectors: int = 6) -> torch.Tensor:
    """(B, D) log shares of the brightness's power: by frequency and direction, in its strongest waves, on the axes.

    Rings are an octave wide, the last one open; sectors are centred on the axes. A repeating pattern holds much of its
    power in a few waves; rows and columns hold it on the axes.
    """
    grey = images.mean(1)
    power = torch.fft.fft2(grey - grey.mean((1, 2), keepdim=True)).abs().square()
    across, down = (torch.fft.fftfreq(size, 1 / size) for size in (grey.shape[-1], grey.shape[-2]))
    frequency = torch.hypot(across[None], down[:, None])
    direction = torch.atan2(down[:, None], across[None]).remainder(torch.pi) / torch.pi
    ring = frequency.clamp(min=1).log2().floor().clamp(max=rings - 1).long()
    sector = (direction * sectors).round().long() % sectors
    cell = F.one_hot((ring * sectors + sector).flatten(), rings * sectors).float()
    cell = cell[:, cell.any(0)]  # the lowest waves do not come in every direction
    shares = power.flatten(1) / power.sum((1, 2), keepdim=True).flatten(1).clamp(min=1e-9)
    cells = shares @ cell
    strongest = shares.topk(24).values.cumsum(1)[:, [1, 5, 23]]
    square = shares.view_as(power)
    axes = torch.stack([square[:, 0].sum(1), square[:, :, 0].sum(1)], 1)
    return (torch.cat([cells, strongest, axes], 1) + 1e-5).log()


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
