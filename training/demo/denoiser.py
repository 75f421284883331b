"""The second stage: a text-conditioned denoiser of the autoencoder's latents, at home on the torus."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from .autoencoder import encode_wrapped
from .pool import Pool
from .run import Average, Clock, log, resume_state, save_state

BATCH = 8
PEAK_LEARNING_RATE = 1e-3
CAPTION_DROPOUT = 0.1  # so many samples are trained without a caption, for classifier-free guidance
SNR_LIMIT = 5.0  # min-SNR weighting (Hang et al. 2023): without it the nearly clean images get most of the loss
FIRST_DRAWINGS = 120
RENEWAL_STEPS = 2  # one image is drawn anew every so many steps
CHECKPOINT_STEPS = 200


@dataclass(frozen=True)
class Denoiser:
    """The networks that learn, and what surrounds them.

    tokens turns captions into (B, 77) token numbers. latent_scale multiplies latents before noise is added, as in
    SD1. alphas_cumprod (1000,) is the noise schedule.
    """

    unet: torch.nn.Module
    text_encoder: torch.nn.Module
    tokens: Callable[[list[str]], torch.Tensor]
    latent_scale: float
    alphas_cumprod: torch.Tensor

    @property
    def networks(self) -> torch.nn.ModuleDict:
        return torch.nn.ModuleDict({"unet": self.unet, "text_encoder": self.text_encoder})

    def contexts(self, captions: list[str]) -> torch.Tensor:
        """(B, 77, C) the text encoder's last hidden states."""
        return self.text_encoder(self.tokens(captions))[0]


def wrap_convolutions(network: torch.nn.Module) -> None:
    """Let every convolution of `network` see the opposite side beyond its edge, for training on tiles."""
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d) and max(layer.kernel_size) > 1:
            layer.padding_mode = "circular"


def sd1_alphas_cumprod() -> torch.Tensor:
    """(1000,) the schedule of SD1: betas are the squares of even steps from sqrt(0.00085) to sqrt(0.012)."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64).square()
    return (1 - betas).cumprod(0).float()


def train_denoiser(
    denoiser: Denoiser,
    autoencoder: torch.nn.Module,
    pool: Pool,
    folder: Path,
    seconds: float,
    sheet: Callable[[Average], None],
) -> Average:
    """Train the denoiser for `seconds` on the pool's latents and return the averaged weights of both networks.

    Resumes from folder/denoiser.pt. `sheet` is called at every checkpoint.
    """
    networks, clock = denoiser.networks, Clock(seconds)
    average = Average(networks, 0.999)
    optimizer = torch.optim.AdamW(networks.parameters(), betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    generator = torch.Generator().manual_seed(1)
    step = resume_state(folder / "denoiser.pt", networks, optimizer, average, clock, pool)
    latents: dict[int, torch.Tensor] = {}
    _encode(autoencoder, pool, pool.renew(FIRST_DRAWINGS), latents)
    while (progress := clock.progress) < 1:
        _encode(autoencoder, pool, pool.renew(1 if step % RENEWAL_STEPS == 0 else 0), latents)
        clean, captions = _batch(pool, latents, generator)
        loss, at_low_noise = denoiser_loss(denoiser, clean * denoiser.latent_scale, captions, generator)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(networks.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = clock.learning_rate(PEAK_LEARNING_RATE)
        optimizer.step()
        average.update(networks)
        step += 1
        if step % 10 == 0:
            log(folder, "denoiser", step=step, progress=progress, loss=loss.item(), **at_low_noise)
        if step % CHECKPOINT_STEPS == 0 or clock.progress >= 1:
            save_state(folder / "denoiser.pt", networks, optimizer, average, clock, pool, step)
            sheet(average)
    return average


def denoiser_loss(
    denoiser: Denoiser, clean: torch.Tensor, captions: list[str], generator: torch.Generator
) -> tuple[torch.Tensor, dict[str, float]]:
    """The weighted error of the predicted noise on latents (B, 4, H, W), and its plain mean for the log."""
    batch = len(clean)
    # One timestep from each of `batch` equal parts of the schedule: less noise in the loss than free draws.
    timesteps = (torch.arange(batch) + torch.rand(batch, generator=generator)) * (1000 / batch)
    timesteps = timesteps.long()
    signal = denoiser.alphas_cumprod[timesteps].view(-1, 1, 1, 1)
    noise = torch.randn(clean.shape, generator=generator)
    noisy = signal.sqrt() * clean + (1 - signal).sqrt() * noise
    predicted = denoiser.unet(noisy, timesteps.float(), context=denoiser.contexts(captions))
    error = (predicted - noise).square().mean((1, 2, 3))
    snr = signal.flatten() / (1 - signal.flatten())
    weights = snr.clamp(max=SNR_LIMIT) / snr
    return (weights * error).mean(), {"error": error.mean().item()}


@torch.no_grad()
def sample(
    denoiser: Denoiser, captions: list[str], size: int, steps: int = 20, guidance: float = 4.0, seed: int = 0
) -> torch.Tensor:
    """Latents (B, 4, size, size) by DDIM, for looking at during training; the host's samplers do it better."""
    generator = torch.Generator().manual_seed(seed)
    latents = torch.randn(len(captions), 4, size, size, generator=generator)
    contexts = denoiser.contexts([*captions, *[""] * len(captions)])
    times = torch.linspace(999, 0, steps + 1).round().long()
    for now, after in zip(times[:-1], times[1:], strict=True):
        both = denoiser.unet(latents.repeat(2, 1, 1, 1), now.float().expand(2 * len(captions)), context=contexts)
        with_caption, without = both.chunk(2)
        noise = without + guidance * (with_caption - without)
        signal, signal_after = denoiser.alphas_cumprod[now], denoiser.alphas_cumprod[after]
        clean = (latents - (1 - signal).sqrt() * noise) / signal.sqrt()
        latents = signal_after.sqrt() * clean + (1 - signal_after).sqrt() * noise
    return clean / denoiser.latent_scale


def _encode(autoencoder: torch.nn.Module, pool: Pool, places: list[int], latents: dict[int, torch.Tensor]) -> None:
    for place in places:
        image = pool.drawings[place].image[None].float() / 127.5 - 1
        latents[place] = encode_wrapped(autoencoder, image)[0]


def _batch(pool: Pool, latents: dict[int, torch.Tensor], generator: torch.Generator) -> tuple[torch.Tensor, list[str]]:
    """Latents rolled by any distance, each with one of its captions or, now and then, with none."""
    chosen = pool.choose(BATCH, generator)
    down, right = torch.randint(1 << 16, (2, BATCH), generator=generator).tolist()
    rolled = [
        latents[place].roll(shift, (1, 2)) for place, shift in zip(chosen, zip(down, right, strict=True), strict=True)
    ]
    picks = torch.rand(BATCH, 2, generator=generator).tolist()
    captions = []
    for place, (dropped, pick) in zip(chosen, picks, strict=True):
        options = pool.drawings[place].captions
        captions.append("" if dropped < CAPTION_DROPOUT else options[math.floor(pick * len(options))])
    return torch.stack(rolled), captions
