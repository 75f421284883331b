"""The lowest frequencies of a tile, the same for any size of it and, but for phases, wherever the tile begins."""

import torch


def lowest_frequencies(planes: torch.Tensor, highest: int) -> torch.Tensor:
    """Fourier coefficients (..., 2 * highest + 1, 2 * highest + 1) of (..., H, W), from -highest to highest cycles.

    Complex128, scaled so that an image and a larger copy of it have the same ones. Frequencies that an image is too
    small to hold are 0.
    """
    height, width = planes.shape[-2:]
    full = torch.fft.rfft2(planes.double(), norm="forward")
    result = full.new_zeros((*planes.shape[:-2], 2 * highest + 1, 2 * highest + 1))
    down, across = (_held(size, highest) for size in (height, width))
    right = across[len(across) // 2 :]
    result[..., (down + highest)[:, None], right + highest] = full[..., (down % height)[:, None], right]
    result[..., :highest] = result[..., highest + 1 :].flip(-2, -1).conj()
    return result


def on_grid(coefficients: torch.Tensor, size: int) -> torch.Tensor:
    """The real image (..., size, size) of coefficients (..., 2 * K + 1, 2 * K + 1). size is at least 2 * K + 1.

    Half of the coefficients says all, and columns of zeros need no transform.
    """
    highest = coefficients.shape[-1] // 2
    columns = coefficients.new_zeros((*coefficients.shape[:-2], size, highest + 1))
    columns[..., torch.arange(-highest, highest + 1) % size, :] = coefficients[..., highest:]
    return torch.fft.irfft(torch.fft.ifft(columns, dim=-2, norm="forward"), size, norm="forward")


def cycles(highest: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Cycles per tile down (N, 1) and across (1, N) of what `lowest_frequencies` gives."""
    line = torch.arange(-highest, highest + 1, dtype=torch.float64)
    return line[:, None], line[None]


def _held(size: int, highest: int) -> torch.Tensor:
    """Frequencies below the Nyquist frequency, which has no sign and so no place."""
    most = min(highest, (size - 1) // 2)
    return torch.arange(-most, most + 1)
