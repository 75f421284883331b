"""Losses of LoRA files and weights on renders, through the host's own samplers, and which cells promise most."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import comfy.sample
import comfy.samplers
import torch

from ..evaluation.cells import BASE, Cell
from ..evaluation.loss_transfer import FRACTIONS, MOST_IMAGES, Transfer, transfer_of_losses
from .lora_files import read_lora, with_lora_file
from .painting import encode_texts
from .progress import progress_callback
from .protocols import Clip, Model, Vae


@dataclass(frozen=True)
class Screening:
    """Renders (3, H, W) with their captions, trained on and held out, and how many cells are to be kept."""

    training: Sequence[tuple[torch.Tensor, str]]
    held_out: Sequence[tuple[torch.Tensor, str]]
    keep: int


def screen(
    model: Model, clip: Clip, vae: Vae, cells: Sequence[Cell], screening: Screening
) -> tuple[tuple[Cell, ...], dict[Cell, Transfer]]:
    """The model without LoRA and the cells that win most of the held-out loss, in their order, and all transfers."""
    losses = cell_losses(model, clip, vae, cells, [*_few(screening.training), *_few(screening.held_out)])
    count = len(_few(screening.training))
    base = losses[BASE]
    transfers = {
        cell: transfer_of_losses(base[:count], own[:count], base[count:], own[count:])
        for cell, own in losses.items()
        if not cell.is_base
    }
    best = set(sorted(transfers, key=lambda cell: -transfers[cell].gain)[: screening.keep])
    return tuple(cell for cell in cells if cell.is_base or cell in best), transfers


def cell_losses(
    model: Model, clip: Clip, vae: Vae, cells: Sequence[Cell], renders: Sequence[tuple[torch.Tensor, str]]
) -> Mapping[Cell, torch.Tensor]:
    """(N,) of each cell: the mean squared error of the predicted noise (of a flow: velocity) over all noise levels.

    The noise is the same for all cells, one draw for each render and level.
    """
    progress = progress_callback()
    latents = [vae.encode(picture.movedim(0, -1)[None]) for picture, _ in renders]
    captions = list(dict.fromkeys(caption for _, caption in renders))
    losses: dict[Cell, torch.Tensor] = {}
    for name, own in groupby(cells, lambda cell: "" if cell.is_base else cell.lora):
        lora = read_lora(name) if name else None
        for cell in own:
            patched, text = with_lora_file(model, clip, lora, cell.strength) if lora else (model, clip)
            conditioning = dict(zip(captions, encode_texts(text, captions), strict=True))
            rows = []
            for number, ((_, caption), latent) in enumerate(zip(renders, latents, strict=True)):
                rows.append(_loss(patched, latent, conditioning[caption], number))
                progress(len(losses) * len(renders) + len(rows), len(cells) * len(renders))
            losses[cell] = torch.stack(rows)
    return losses


def _few(renders: Sequence[tuple[torch.Tensor, str]]) -> Sequence[tuple[torch.Tensor, str]]:
    if len(renders) <= MOST_IMAGES:
        return renders
    return [renders[n * len(renders) // MOST_IMAGES] for n in range(MOST_IMAGES)]


@torch.inference_mode()
def _loss(model: Model, latent: torch.Tensor, conditioning: list, number: int) -> torch.Tensor:
    sampling = model.get_model_object("model_sampling")
    scale = model.get_model_object("latent_format").process_in
    latent = comfy.sample.fix_empty_latent_channels(model, latent)
    losses = []
    for level, fraction in enumerate(FRACTIONS):
        sigma = float(sampling.percent_to_sigma(1 - fraction))
        noise = comfy.sample.prepare_noise(latent, len(FRACTIONS) * number + level)
        clean = comfy.sample.sample_custom(
            model, noise, 1.0, comfy.samplers.KSAMPLER(_look_once), torch.tensor([sigma, 0.0]), conditioning,
            conditioning, latent, disable_pbar=True, seed=0,
        )  # fmt: skip
        error = (scale(clean.float().cpu()) - scale(latent.float().cpu())) / sigma
        losses.append(error.square().mean())
    return torch.stack(losses).mean()


def _look_once(
    model: Callable[..., torch.Tensor], noisy: torch.Tensor, sigmas: torch.Tensor, extra_args: dict, **_others: Any
) -> torch.Tensor:
    """A sampler of a single step: what the model takes the noisy latent for."""
    return model(noisy, sigmas[:1].expand(len(noisy)), **extra_args)
