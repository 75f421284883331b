"""The loss: distance of a prediction from its target, timestep weighting and masking."""

import torch

from .config import ObjectiveConfig
from .flow import FlowSchedule, Schedule

MAX_SNR = 1000.0  # debiased weights of the cleanest timesteps would vanish


def objective_loss(
    prediction: torch.Tensor,
    target: torch.Tensor,
    timesteps: torch.Tensor,
    mask: torch.Tensor | None,
    schedule: Schedule,
    objective: ObjectiveConfig,
) -> torch.Tensor:
    """The loss of each row, (B,): the mean distance of (B, C, H, W) inside the mask, times the timestep's weight."""
    rows = masked_mean(elementwise_loss(prediction, target, objective), mask)
    return rows * timestep_weights(schedule, timesteps, objective)


def style_loss(
    prediction: torch.Tensor,
    noisy: torch.Tensor,
    latents: torch.Tensor,
    timesteps: torch.Tensor,
    schedule: Schedule,
    objective: ObjectiveConfig,
) -> torch.Tensor:
    """The `style_distance` of each row, (B,), between the clean latents that the prediction means and the true ones."""
    clean = schedule.clean(noisy, prediction, timesteps)
    certainty = schedule.signal_share(timesteps) ** 2  # a clean latent read from noise is none
    return objective.style * certainty * style_distance(clean, latents)


def elementwise_loss(prediction: torch.Tensor, target: torch.Tensor, objective: ObjectiveConfig) -> torch.Tensor:
    """Distance of each value in float32: squared, absolute, or pseudo-Huber 2d(sqrt(e^2 + d^2) - d)."""
    error = prediction.float() - target.float()
    if objective.loss == "l1":
        return error.abs()
    if objective.loss == "huber":
        delta = objective.huber_delta
        return 2 * delta * ((error.square() + delta**2).sqrt() - delta)
    return error.square()


def timestep_weights(schedule: Schedule, timesteps: torch.Tensor, objective: ObjectiveConfig) -> torch.Tensor | float:
    """The weight of each timestep, (B,), or 1 where all weigh the same.

    Min-SNR (Hang et al. 2023): min(SNR, gamma) / SNR for noise, / (SNR + 1) for v.
    Debiased estimation (Yu et al. 2024): 1 / sqrt(SNR) for noise, 1 / (SNR + 1) for v.
    Of a flow the objective's sigma_weighting (`FlowSchedule.weights`).
    """
    if isinstance(schedule, FlowSchedule):
        return schedule.weights(timesteps, objective.sigma_weighting)
    if gamma := objective.min_snr_gamma:
        snr = schedule.snr(timesteps)
        if schedule.prediction == "v":
            return snr.clamp(max=gamma) / (snr + 1)
        return torch.where(snr > 0, snr.clamp(max=gamma) / snr, 1.0)  # 0 / 0 without any signal, where the limit is 1
    if objective.debiased:
        snr = schedule.snr(timesteps).clamp(max=MAX_SNR)
        return 1 / (snr + 1) if schedule.prediction == "v" else snr.clamp(min=1e-8).rsqrt()
    return 1.0


def masked_mean(loss: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Mean of (B, C, H, W) per row, (B,), over what mask (B, 1, H, W) in 0..1 lets through."""
    if mask is None:
        return loss.mean((1, 2, 3))
    covered = mask.sum((1, 2, 3)).clamp(min=1e-6) * loss.shape[1]
    return (loss * mask).sum((1, 2, 3)) / covered


def style_distance(latents: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Mean squared difference of Gram matrices, (B,), of each latent's channels and their nearest neighbours.

    After Gatys et al. 2015, with shifted copies of the latent in place of a network's features: the matrix holds
    the covariances of channels at the same place and one latent pixel apart, wherever in the image they occur.
    """
    return (_gram(latents) - _gram(reference)).square().mean((1, 2))


def _gram(latents: torch.Tensor) -> torch.Tensor:
    shifted = [latents, latents.roll(1, -1), latents.roll(1, -2), latents.roll((1, 1), (-2, -1))]
    features = torch.cat(shifted, 1).flatten(2).float()
    return features @ features.transpose(1, 2) / features.shape[-1]
