"""Maximum mean discrepancy between the features of pictures and those of renders.

Gretton et al., "A kernel two-sample test" (2012), lemma 6: the unbiased estimator, which may be below 0.
"""

import torch

SHARES = (0.25, 1.0, 4.0)  # of the squared median distance between renders


def squared_bandwidths(reference: torch.Tensor, base: torch.Tensor | None = None) -> torch.Tensor:
    """(K,) squared bandwidths of the kernels of a whole grid, by renders (N, D) and its pictures without LoRA (M, D).

    The last one spans the way from these to those, so that a picture half-way there counts as nearer. A kernel fitted
    to each cell by itself would compare nothing.
    """
    distances = torch.pdist(reference)
    median = float(distances.median()) if len(distances) and distances.median() > 0 else 1.0
    bandwidths = [share * median**2 for share in SHARES]
    if base is not None:
        bandwidths.append(max(float(_squared(base, reference).median()), bandwidths[-1]))
    return torch.tensor(bandwidths, dtype=torch.float64)


def kernel(a: torch.Tensor, b: torch.Tensor, bandwidths: torch.Tensor) -> torch.Tensor:
    """(N, M): the mean of Gaussian kernels exp(-d^2 / (2 w)) over squared bandwidths w (K,)."""
    squared = _squared(a, b)
    return sum((-squared / (2 * width)).exp() for width in bandwidths.tolist()) / len(bandwidths)


def _squared(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").square()


def within(gram: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """(R,) means of a symmetric (N, N) over pairs of different points, each of (R, N) `counts` a draw of the points.

    A point that was drawn twice makes no pair with itself. A draw of one point alone has none: nan.
    """
    pairs = torch.einsum("rn,nm,rm->r", counts, gram, counts) - counts.square() @ gram.diagonal()
    number = counts.sum(1).square() - counts.square().sum(1)
    return torch.where(number > 0, pairs / number.clamp(min=1e-12), torch.nan)


def between(gram: torch.Tensor, counts: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """(R,) means of (N, M) over pairs of the points of two sets, drawn as `counts` (R, N) and `others` (R, M) say."""
    total = torch.einsum("rn,nm,rm->r", counts, gram, others)
    return total / (counts.sum(1) * others.sum(1)).clamp(min=1e-12)
