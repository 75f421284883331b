"""Finding images that show the same texture: rolled, turned, mirrored, resized or saved again.

Rolling a texture changes only the phases of its spectrum, turning and mirroring it turn and mirror the spectrum.
So the magnitudes of the lowest frequencies find candidates, and the height of their correlation peak decides.
"""

from collections.abc import Callable

import torch

FREQUENCIES = 24  # each way: details down to 1/24 of the width decide
SAME_SPECTRUM = 0.995  # cosine of the magnitudes; two renders of one regular pattern reach 0.98
SAME_PICTURE = 0.95  # correlation at the best shift
SAME_COLOR = 0.02  # difference of the mean colour; two bakes of the same colour differ by less
LEAST_CONTRAST = 0.01  # added to the contrast of each channel, whose logarithms are compared
SAME_LOG_CONTRAST = 0.105  # a tenth less
SAME_RINGS = (2 * (1 - SAME_SPECTRUM)) ** 0.5 + 1e-3  # distance of spectra whose cosine is that
FINGERPRINT = (3, 2 * FREQUENCIES + 1, 2 * FREQUENCIES + 1)
ROWS_AT_ONCE = 256
_PEAK_GRID = 256


def fingerprint_texture(image: torch.Tensor) -> torch.Tensor:
    """The lowest frequencies of (3, H, W), complex, of FINGERPRINT's shape whatever the size."""
    rows, columns = _waves(image.shape[1]), _waves(image.shape[2])
    strips = zip(rows.split(ROWS_AT_ONCE, 1), image.split(ROWS_AT_ONCE, 1), strict=True)
    return sum(wave @ (strip.to(torch.complex64) @ columns.T) for wave, strip in strips)


def find_duplicates(fingerprints: torch.Tensor, pause: Callable[[], None] = lambda: None) -> list[tuple[int, int]]:
    """Pairs (later, earlier) of (N, 3, F, F) fingerprints that show the same texture in the same colours.

    Only pairs of like colours, contrasts and spectra are compared. `pause` is called for each later one and may raise
    to stop.
    """
    from scipy.spatial import cKDTree

    colors, contrasts, rings = map(torch.cat, zip(*map(_summary, fingerprints.split(ROWS_AT_ONCE)), strict=True))
    places = torch.cat([colors / SAME_COLOR, contrasts / SAME_LOG_CONTRAST], 1).numpy()
    tree, reach = cKDTree(places), 1 + 1e-3  # a little more: the tree and the sums round
    pairs = []
    for later in range(1, len(places)):
        pause()
        near = torch.tensor(tree.query_ball_point(places[later], reach, p=float("inf"), return_sorted=True))
        near = near[: int(torch.searchsorted(near, later))]
        if len(near):
            near = near[(rings[near] - rings[later]).norm(dim=1) < SAME_RINGS]
        pairs += [(later, earlier) for earlier in near.tolist() if _same(fingerprints[earlier], fingerprints[later])]
    return pairs


def _summary(fingerprints: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Of (N, 3, F, F) what no roll, turn or mirror image changes: mean colours (N, 3), the logarithms of contrasts
    (N, 3), and how strong the frequencies of each length are (N, 3 * rings)."""
    magnitudes = fingerprints.abs()
    magnitudes[..., FREQUENCIES, FREQUENCIES] = 0
    contrasts = magnitudes.square().sum((-1, -2)).sqrt()
    # Projected on orthonormal vectors, one for each ring: spectra are no further apart than these say.
    by_ring = (magnitudes.flatten(2) @ _rings()).flatten(1)
    whole = contrasts.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return fingerprints[..., FREQUENCIES, FREQUENCIES].real, (contrasts + LEAST_CONTRAST).log(), by_ring / whole


def _rings() -> torch.Tensor:
    """(F * F, rings): of each ring of frequencies of about one length the vector of length 1."""
    frequency = torch.arange(-FREQUENCIES, FREQUENCIES + 1).double()
    number = (frequency[:, None].square() + frequency.square()).sqrt().round().long().flatten()
    rings = torch.nn.functional.one_hot(number).float()
    return rings / rings.sum(0).sqrt()


def _same(earlier: torch.Tensor, later: torch.Tensor) -> bool:
    """Whether two fingerprints (3, F, F) of like summaries are of one texture."""
    a, b = earlier.clone(), later.clone()
    a[:, FREQUENCIES, FREQUENCIES] = b[:, FREQUENCIES, FREQUENCIES] = 0
    magnitudes = a.abs().flatten()
    cosines = [torch.nn.functional.cosine_similarity(magnitudes, turn(b).abs().flatten(), dim=0) for turn in _TURNS[:4]]
    return float(max(cosines)) > SAME_SPECTRUM and _correlation(a, b) > SAME_PICTURE


def _waves(size: int) -> torch.Tensor:
    frequency = torch.arange(-FREQUENCIES, FREQUENCIES + 1, dtype=torch.float64)
    position = (torch.arange(size, dtype=torch.float64) + 0.5) / size
    return (torch.exp(-2j * torch.pi * torch.outer(frequency, position)) / size).to(torch.complex64)


def _correlation(a: torch.Tensor, b: torch.Tensor) -> float:
    """The highest correlation of a with b over all shifts, turns and mirror images."""
    return max(_peak(a, turn(b)) for turn in _TURNS)


def _peak(a: torch.Tensor, b: torch.Tensor) -> float:
    grid = torch.zeros(_PEAK_GRID, _PEAK_GRID, dtype=torch.complex64)
    size = a.shape[-1]
    grid[:size, :size] = (a * b.conj()).sum(0)
    highest = torch.fft.ifft2(grid, norm="forward").abs().amax()
    return float(highest / (a.norm() * b.norm()).clamp(min=1e-12))


# Each also with a half turn, which leaves the magnitudes of a real image's spectrum as they are.
_TURNS = [
    lambda spectrum: spectrum,
    lambda spectrum: spectrum.rot90(1, (-2, -1)),
    lambda spectrum: spectrum.flip(-1),
    lambda spectrum: spectrum.transpose(-1, -2),
    lambda spectrum: spectrum.rot90(2, (-2, -1)),
    lambda spectrum: spectrum.rot90(3, (-2, -1)),
    lambda spectrum: spectrum.flip(-2),
    lambda spectrum: spectrum.rot90(2, (-2, -1)).transpose(-1, -2),
]
