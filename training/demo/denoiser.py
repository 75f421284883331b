"""The second stage: a text-conditioned denoiser of the autoencoder's latents, at home on the torus."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from ...common.axes import Axes
from ...common.wrapped_convolutions import plain_convolutions, replaced, wrapped_convolutions
from ..data import Conditioning, roll_rows
from ..noise import NoiseSchedule
from ..sampling import sample
from .autoencoder import Autoencoder, encode_wrapped
from .pool import Pool
from .run import Average, Clock, log, mixed_precision, resume_stage, save_stage

BATCH = 8
PATCHED = 0.45  # of the training sees patches only: a sample costs two fifths, and structure is what takes many samples
PATCH = 16  # latents a side: 128 px
PATCH_BATCH = 16
PEAK_LEARNING_RATE = 1e-3
CAPTION_DROPOUT = 0.1  # so many samples are trained without a caption, for classifier-free guidance
NOISE_OFFSET = 0.4  # SD1's last timestep still tells the mean of 32 x 32 places: colours would follow the noise
SNR_LIMIT = 2.0  # without it the nearly clean images get most of the loss (min-SNR weighting, Hang et al. 2023)
FIRST_DRAWINGS = 240
RENEWAL_STEPS = 6  # one image is drawn anew every so many steps
CHECKPOINT_STEPS = 500
SHEET_STEPS = 2000  # a sheet takes as long as a hundred steps


@dataclass(frozen=True)
class Denoiser:
    """The networks that learn, and what surrounds them.

    tokens turns captions into (B, 77) token numbers. latent_scale multiplies latents before noise is added, as in
    SD1.
    """

    unet: torch.nn.Module
    text_encoder: torch.nn.Module
    tokens: Callable[[list[str]], torch.Tensor]
    latent_scale: float
    schedule: NoiseSchedule

    @property
    def networks(self) -> torch.nn.ModuleDict:
        return torch.nn.ModuleDict({"unet": self.unet, "text_encoder": self.text_encoder})

    def __call__(self, noisy: torch.Tensor, timesteps: torch.Tensor, conditioning: Conditioning) -> torch.Tensor:
        """The noise in noisy latents (B, 4, H, W) at timesteps (B,)."""
        return self.unet(noisy, timesteps.float(), context=conditioning.context)

    def conditioning(self, captions: list[str]) -> Conditioning:
        """The text encoder's last hidden states, (B, 77, C)."""
        return Conditioning(self.text_encoder(self.tokens(captions))[0])

    @torch.no_grad()
    def paint(self, captions: list[str], size: int, seed: int = 0) -> torch.Tensor:
        """Latents (B, 4, size, size) as the autoencoder takes them, for looking at."""
        noise = torch.randn(len(captions), 4, size, size, generator=torch.Generator().manual_seed(seed))
        prompt, empty = self.conditioning(captions), self.conditioning([""] * len(captions))
        return sample(self, self.schedule, noise, prompt, empty, guidance=4.0) / self.latent_scale


def train_denoiser(
    denoiser: Denoiser,
    autoencoder: Autoencoder,
    pool: Pool,
    folder: Path,
    clock: Clock,
    sheet: Callable[[Average], None],
    patched: float = PATCHED,
    peak: float = PEAK_LEARNING_RATE,
) -> Average:
    """Train the denoiser until `clock` stops on the pool's latents and return the averaged weights of both networks.

    For the first share `patched` of the time on patches, which have no opposite sides and are not wrapped, then on
    whole tiles. Resumes from
    folder/denoiser.pt. `sheet` is called at every checkpoint.
    """
    networks = denoiser.networks
    average = Average(networks, 0.999)
    optimizer = torch.optim.AdamW(networks.parameters(), betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    generator = torch.Generator().manual_seed(1)
    step = resume_stage(folder / "denoiser.pt", networks, optimizer, average, clock, pool)
    latents: dict[int, torch.Tensor] = {}
    unwrapped = plain_convolutions(
        denoiser.unet, wrapped_convolutions(denoiser.unet, Axes(True, True), "The demo model")
    )
    _encode(autoencoder, pool, pool.renew(FIRST_DRAWINGS), latents)
    while not clock.stopped:
        _encode(autoencoder, pool, pool.renew(1 if step % RENEWAL_STEPS == 0 else 0), latents)
        patches = clock.progress < patched
        clean, captions = _batch(pool, latents, PATCH_BATCH if patches else BATCH, generator)
        clean = clean[..., :PATCH, :PATCH] if patches else clean
        # Attention by matrix products takes a tenth off a step: the processor's flash attention goes slowly back.
        with sdpa_kernel(SDPBackend.MATH), replaced(denoiser.unet, unwrapped if patches else {}):
            with mixed_precision():
                loss, error = denoiser_loss(denoiser, clean * denoiser.latent_scale, captions, generator)
            optimizer.zero_grad()
            loss.backward()
        torch.nn.utils.clip_grad_norm_(networks.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = clock.learning_rate(peak)
        optimizer.step()
        average.update(networks)
        step += 1
        if step % 10 == 0:
            log(folder, "denoiser", step=step, progress=clock.progress, loss=loss.item(), error=error.item())
        if step % CHECKPOINT_STEPS == 0:
            save_stage(folder / "denoiser.pt", networks, optimizer, average, clock, pool, step)
        if step % SHEET_STEPS == 0:
            sheet(average)
    save_stage(folder / "denoiser.pt", networks, optimizer, average, clock, pool, step)
    sheet(average)
    return average


def denoiser_loss(
    denoiser: Denoiser, clean: torch.Tensor, captions: list[str], generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """The weighted error of the predicted noise on latents (B, 4, H, W), and its plain mean.

    The error of the clean image that follows from it counts by the root of the signal-to-noise ratio: by the ratio
    itself, as the plain mean has it, the timesteps that decide on the layout of a wall have next to no say.
    """
    batch, length = len(clean), len(denoiser.schedule)
    # One timestep from each of `batch` equal parts of the schedule: less noise in the loss than free draws.
    timesteps = (torch.arange(batch) + torch.rand(batch, generator=generator)) * (length / batch)
    timesteps = timesteps.long()
    noise = torch.randn(clean.shape, generator=generator)
    noise = noise + NOISE_OFFSET * torch.randn((*clean.shape[:2], 1, 1), generator=generator)
    noisy = denoiser.schedule.add_noise(clean, noise, timesteps)
    predicted = denoiser(noisy, timesteps, denoiser.conditioning(captions)).float()
    error = (predicted - noise).square().mean((1, 2, 3))
    snr = denoiser.schedule.snr(timesteps)
    weights = snr.clamp(max=SNR_LIMIT).sqrt() / snr
    return (weights * error).mean(), error.detach().mean()


def _encode(autoencoder: Autoencoder, pool: Pool, places: list[int], latents: dict[int, torch.Tensor]) -> None:
    for place in places:
        image = pool.drawings[place].image[None].float() / 127.5 - 1
        latents[place] = encode_wrapped(autoencoder, image)[0]


def _batch(
    pool: Pool, latents: dict[int, torch.Tensor], size: int, generator: torch.Generator
) -> tuple[torch.Tensor, list[str]]:
    """`size` latents rolled by any distance, each with one of its captions or, now and then, with none."""
    chosen = pool.choose(size, generator)
    shifts = torch.randint(1 << 16, (size, 2), generator=generator).tolist()
    picks = torch.rand(size, 2, generator=generator).tolist()
    captions = []
    for place, (dropped, pick) in zip(chosen, picks, strict=True):
        options = pool.drawings[place].captions
        captions.append("" if dropped < CAPTION_DROPOUT else options[math.floor(pick * len(options))])
    return roll_rows(torch.stack([latents[place] for place in chosen]), shifts), captions
