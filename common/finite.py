"""Invalid pixel values: NaN, infinity, and values outside 0..1."""

import torch

from .errors import InputError

WITH_REPAIR = " or turn on 'repair' where a node offers it."


def is_finite(image: torch.Tensor) -> bool:
    """Whether no value of `image`, of any shape, is NaN or infinite. Two passes and no copy."""
    if not image.is_floating_point() or image.numel() == 0:
        return True
    # NaN spreads to both; aminmax() would copy an image whose channels lie side by side.
    return bool(image.amin().isfinite() & image.amax().isfinite())


def check_finite(pixels: torch.Tensor, what: str, repair: bool = False) -> tuple[torch.Tensor, list[str]]:
    """`pixels` (B, C, H, W) without NaN and infinite values, and one sentence for what was repaired.

    `what` names the input in messages ("The image"). With `repair`, a value that is not finite becomes the mean of the
    finite ones of its image and channel, 0 where there are none; without, it raises `InputError` with their number.
    """
    if is_finite(pixels):
        return pixels, []
    broken = ~pixels.isfinite()
    found, total = int(broken.any(dim=1).sum()), pixels.shape[0] * pixels.shape[2] * pixels.shape[3]
    count = f"{found} of {total} pixels"
    if repair:
        return _filled(pixels, broken), [f"{what}: {count} were not numbers; the mean of the others stands for them."]
    cause = "A decode in half precision often makes them: run the VAE in full precision (--fp32-vae),"
    if found == total:
        cause = "A VAE that cannot decode in half precision gives such images: start ComfyUI with --fp32-vae,"
    raise InputError(f"{what} has {count} that are not numbers (NaN) or infinite. {cause}{WITH_REPAIR}")


def outside_note(pixels: torch.Tensor, what: str) -> list[str]:
    """A sentence on the values of `pixels`, of any shape and finite, that lie outside 0..1; [] where none does."""
    lowest, highest = float(pixels.amin()), float(pixels.amax())
    if lowest >= -1e-6 and highest <= 1 + 1e-6:
        return []
    return [f"{what} goes from {lowest:.4g} to {highest:.4g}, beyond 0..1."]


def _filled(pixels: torch.Tensor, broken: torch.Tensor) -> torch.Tensor:
    good = pixels.masked_fill(broken, 0)
    mean = good.sum((-1, -2), keepdim=True) / (~broken).sum((-1, -2), keepdim=True).clamp(min=1)
    return torch.where(broken, mean, good)
