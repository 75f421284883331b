"""The first stage: an autoencoder for textures, trained on crops."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn import functional as F

from .pool import Pool
from .run import Average, Clock, log, mixed_precision, resume_stage, save_stage

CROP = 80  # pixels: small crops show more different images for the same work
BATCH = 4
PEAK_LEARNING_RATE = 1.5e-3
GRID_WEIGHT = 1.0  # without it every eighth line comes out a little sharper than the lines between
KL_WEIGHT = 1e-6  # only keeps latents from drifting apart; the denoiser needs them smooth, not standard normal
SCALE_WEIGHT = (
    0.5  # without it neighbouring latents have nothing in common, and a denoiser hardly learns their structure
)
GRADIENT_WEIGHT = 0.2  # without it edges between bricks come out soft
RENEWAL_STEPS = 4  # one image is drawn anew every so many steps; a drawing costs as much as half a step
CHECKPOINT_STEPS = 200
WRAP = 32  # pixels of the neighbouring tile that encoding and decoding look at


class Autoencoder(torch.nn.Module):
    """The parts that an autoencoder of Stable Diffusion's kind has, by the names that the host gives them."""

    encoder: torch.nn.Module
    quant_conv: torch.nn.Conv2d
    post_quant_conv: torch.nn.Conv2d
    decoder: torch.nn.Module


def train_autoencoder(
    network: Autoencoder,
    pool: Pool,
    folder: Path,
    clock: Clock,
    sheet: Callable[[Average], None],
    decoder_only: bool = False,
    peak: float = PEAK_LEARNING_RATE,
) -> Average:
    """Train `network` (encoder, quant_conv, post_quant_conv, decoder) until `clock` stops and return averaged weights.

    `decoder_only` leaves the latents as they are, which is what may still improve while a denoiser learns them.
    Resumes from folder/autoencoder.pt, or folder/decoder.pt. `sheet` is called at every checkpoint.
    """
    stage = "decoder" if decoder_only else "autoencoder"
    state = folder / f"{stage}.pt"
    average = Average(network, 0.998)
    trained = network.decoder if decoder_only else network
    network.requires_grad_(False)
    trained.requires_grad_(True)
    optimizer = torch.optim.AdamW(trained.parameters(), betas=(0.9, 0.95), weight_decay=0.001, fused=True)
    generator = torch.Generator().manual_seed(0)
    step = resume_stage(state, network, optimizer, average, clock, pool)
    while not clock.stopped:
        pool.renew(1 if step % RENEWAL_STEPS == 0 else 0)
        images = _crops(pool, generator)
        with mixed_precision():
            loss, parts = autoencoder_loss(network, images)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = clock.learning_rate(peak)
        optimizer.step()
        average.update(network)
        step += 1
        if step % 10 == 0:
            log(folder, stage, step=step, progress=clock.progress, loss=loss.item(), **parts)
        if step % CHECKPOINT_STEPS == 0:
            save_stage(state, network, optimizer, average, clock, pool, step)
            sheet(average)
    save_stage(state, network, optimizer, average, clock, pool, step)
    sheet(average)
    return average


def encode_moments(network: Autoencoder, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and log variance, each (B, 4, H/8, W/8), of images (B, 3, H, W) in -1..1."""
    mean, log_variance = network.quant_conv(network.encoder(images)).chunk(2, 1)
    return mean, log_variance.clamp(-30, 20)


def decode(network: Autoencoder, latents: torch.Tensor) -> torch.Tensor:
    """Images (B, 3, H, W) in -1..1 of latents (B, 4, H/8, W/8)."""
    return network.decoder(network.post_quant_conv(latents))


@torch.no_grad()
def encode_wrapped(network: Autoencoder, images: torch.Tensor) -> torch.Tensor:
    """Mean latents (B, 4, H/8, W/8) of tiles (B, 3, H, W) in -1..1 that continue on all sides."""
    padded = F.pad(images, (WRAP,) * 4, mode="circular")
    return encode_moments(network, padded)[0][..., WRAP // 8 : -WRAP // 8, WRAP // 8 : -WRAP // 8]


@torch.no_grad()
def decode_wrapped(network: Autoencoder, latents: torch.Tensor) -> torch.Tensor:
    """Tiles (B, 3, H, W) in -1..1 of latents (B, 4, H/8, W/8) that continue on all sides."""
    return decode(network, F.pad(latents, (WRAP // 8,) * 4, mode="circular"))[..., WRAP:-WRAP, WRAP:-WRAP]


@torch.no_grad()
def normalise_latents(network: Autoencoder, latents: torch.Tensor, scale: float) -> None:
    """Change `network` so that each channel of its latents has mean 0 and standard deviation 1 / scale.

    latents (B, 4, H, W) are those it gives now. Shift and gain go into the 1x1 convolutions on either side of the
    latents; images come out as before.
    """
    mean, deviation = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    gain = 1 / (scale * deviation)
    _change_latents(network, gain.diag(), -gain * mean)


@torch.no_grad()
def align_latents(network: Autoencoder, latents: torch.Tensor, wanted: torch.Tensor) -> float:
    """Change `network` so that its latents of some images, now `latents`, come close to `wanted`, both (B, 4, H, W).

    A linear map over the channels, by least squares, whose results then get the spread of `wanted`; it goes into the
    1x1 convolutions on either side of the latents, images come out as before. A denoiser that knows `wanted` can then
    be trained on. Returns the share of the variance of `wanted` that the map explains.
    """
    inputs, targets = (values.transpose(0, 1).flatten(1).double() for values in (latents, wanted))
    centred, sought = inputs - inputs.mean(1, keepdim=True), targets - targets.mean(1, keepdim=True)
    matrix = torch.linalg.lstsq(centred.T, sought.T).solution.T
    fitted = matrix @ centred
    explained = 1 - (fitted - sought).square().sum() / sought.square().sum()
    matrix = matrix * (targets.std(1) / fitted.std(1))[:, None]
    _change_latents(network, matrix.float(), (targets.mean(1) - matrix @ inputs.mean(1)).float())
    return explained.item()


def _change_latents(network: Autoencoder, matrix: torch.Tensor, shift: torch.Tensor) -> None:
    """Latents z become matrix @ z + shift; their log variances follow the gains, images stay."""
    into, out_of = network.quant_conv, network.post_quant_conv
    assert into.bias is not None and out_of.bias is not None
    into.bias[:4] = matrix @ into.bias[:4] + shift
    into.weight[:4] = torch.einsum("oi,ihwk->ohwk", matrix, into.weight[:4])
    into.bias[4:] += 2 * matrix.square().sum(1).sqrt().log()
    inverse = torch.linalg.inv(matrix)
    out_of.weight[:] = torch.einsum("oihw,ic->ochw", out_of.weight, inverse)
    out_of.bias -= out_of.weight[..., 0, 0] @ shift


def autoencoder_loss(network: Autoencoder, images: torch.Tensor) -> tuple[torch.Tensor, dict[str, float]]:
    """The loss on images (B, 3, H, W) in -1..1, and the figures worth logging.

    Latents at half the size must decode to the image at half the size: what lies in them then changes from place to
    place as slowly as the image does (Skorokhodov et al. 2025, Kouzelis et al. 2025).
    """
    mean, log_variance = (moments.float() for moments in encode_moments(network, images))
    latents = mean + (log_variance / 2).exp() * torch.randn_like(mean)
    result = decode(network, latents).float()
    squared = F.mse_loss(result, images)
    scaled = F.mse_loss(decode(network, F.avg_pool2d(latents, 2)).float(), F.avg_pool2d(images, 2))
    gradients = sum(F.l1_loss(result.diff(dim=axis), images.diff(dim=axis)) for axis in (-1, -2))
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum((1, 2, 3)).mean()
    grid = grid_contrast(result, images) + grid_contrast(result.mT, images.mT)
    loss = (
        12 * (squared + SCALE_WEIGHT * scaled)
        + 0.5 * F.l1_loss(result, images)
        + GRADIENT_WEIGHT * gradients
        + KL_WEIGHT * divergence
    )
    psnr, scaled_psnr = (10 * torch.log10(4 / error) for error in (squared, scaled))
    return loss + GRID_WEIGHT * grid, {
        "psnr": psnr.item(),
        "scaled_psnr": scaled_psnr.item(),
        "latent_std": mean.std().item(),
        "neighbour_correlation": neighbour_correlation(mean).item(),
        "grid": grid.item(),
    }


def neighbour_correlation(latents: torch.Tensor) -> torch.Tensor:
    """Correlation of horizontal and vertical neighbours in latents (B, C, H, W) within each image and channel: near 1
    where they change slowly, 0 where they are like white noise, which a denoiser learns badly."""
    inner = latents - latents.mean((2, 3), keepdim=True)
    products = torch.stack([(inner[..., 1:] * inner[..., :-1]).mean(), (inner[..., 1:, :] * inner[..., :-1, :]).mean()])
    return products.mean() / inner.square().mean()


def grid_contrast(images: torch.Tensor, references: torch.Tensor) -> torch.Tensor:
    """How unevenly the bends of images (B, C, H, W) lie over a latent's 8 columns, against those of references.

    A bend is a step less the mean of its two neighbours, as in common/seams. The figure is the variance of the
    logarithm of their ratio: 0 where all columns keep the same share of the references' bends.
    """
    return (bends_by_column(images) / bends_by_column(references)).log().var()


def bends_by_column(images: torch.Tensor) -> torch.Tensor:
    """(8,) mean absolute bends between columns; the outermost latents are left out, which padding has touched."""
    steps = images.diff(dim=-1)
    bends = (steps[..., 1:-1] - (steps[..., :-2] + steps[..., 2:]) / 2).abs().mean((0, 1, 2))
    inside = bends[6 : 6 + 8 * ((len(bends) - 12) // 8)]
    return inside.view(-1, 8).mean(0) + 1e-3


def _crops(pool: Pool, generator: torch.Generator) -> torch.Tensor:
    return torch.stack([_crop(pool.drawings[place].image, generator) for place in pool.choose(BATCH, generator)])


def _crop(image: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A random window of the endless plane that (3, H, W) tiles, turned or mirrored, in -1..1."""
    down, right, turns, mirror = torch.randint(1 << 16, (4,), generator=generator).tolist()
    size = image.shape[-1]
    window = image.roll((down % size, right % size), (1, 2))[:, :CROP, :CROP]
    window = torch.rot90(window, turns % 4, (1, 2))
    return (window.flip(2) if mirror % 2 else window).float() / 127.5 - 1
