"""From Tilewright's configuration to the arguments of sd-scripts' flow models alone: noise, guidance, cached texts.

The scripts compare velocities, as Train Texture LoRA does, if an argument says so; SD3's compare clean images, which
makes their loss sigma² times the velocity's. Their weighting scheme sigma_sqrt undoes that, and draws noise levels
uniformly. What a script does not heed is refused.
"""

from typing import Any

from ..common.errors import InputError
from ..training.config import ObjectiveConfig, TrainingConfig
from ..training.flow import FlowSchedule, FlowTimes, check_flow_objective
from .flow_models import ANIMA, CHROMA, FLOW_MODELS, FLUX, SD3, FlowModel
from .tasks import LORA, Job

_SAMPLINGS = {"uniform": "uniform", "logit-normal": "sigmoid", "shifted": "sigmoid", "by resolution": "flux_shift"}
_LOWEST_STEP = 10  # of 1000: below, 1 / sigma² is all rounding in half precision, and at 0 no number


def flow_arguments(job: Job, config: TrainingConfig) -> dict[str, Any]:
    """What a flow model's script takes beside the arguments of Stable Diffusion's. Raises `InputError`."""
    flow, objective = FLOW_MODELS[job.family], config.objective
    _refuse(job, config)
    draws = _sd3_draws(job, config) if job.family == SD3 else _draws(job.facts.times, objective)
    weights = {"weighting_scheme": "cosmap"} if objective.sigma_weighting == "cosmap" else {}
    cached = {"cache_text_encoder_outputs": _are_texts_cached(flow, config) or None}
    return {**flow.fixed_arguments, **draws, **weights, **_guidance(job, objective), **cached}


def _refuse(job: Job, config: TrainingConfig) -> None:
    objective, own = config.objective, ObjectiveConfig()
    check_flow_objective(objective)
    weighs = ("none", "cosmap") if job.family == ANIMA and job.task == LORA else ("none",)
    unheeded = {
        "noise_offset": objective.noise_offset != own.noise_offset,
        "multires_noise_iterations": objective.multires_noise != own.multires_noise,
        "clip_skip": objective.clip_skip != own.clip_skip,
        "max_token_length": objective.max_tokens != own.max_tokens,
        f"weighting_scheme {objective.sigma_weighting!r}": objective.sigma_weighting not in weighs,
        f"guidance_scale {objective.guidance:g}": objective.guidance >= 0 and job.family not in (FLUX, CHROMA),
        f"loss_type {objective.loss}": objective.loss != "mse" and job.family == SD3,
    }
    asked = [name for name, holds in unheeded.items() if holds]
    if asked:
        raise InputError(
            f"{' and '.join(asked)} of LoRA Objective {'are' if len(asked) > 1 else 'is'} set, which {job.script} does "
            f"not heed for {job.family}. Set it back to its default, or use Train Texture LoRA."
        )
    if config.network.text_encoder and not (job.task == LORA and FLOW_MODELS[job.family].trains_text):
        raise InputError(
            f"text_encoder of LoRA Network is on, but {job.script} trains none of {job.family}. Switch it off."
        )


def _draws(times: FlowTimes, objective: ObjectiveConfig) -> dict[str, Any]:
    schedule = FlowSchedule.of(times, objective)
    if schedule.shift == 1:
        return {"timestep_sampling": _SAMPLINGS[schedule.sampling]}
    if schedule.sampling == "uniform":
        raise InputError(
            f"shift of LoRA Objective is {objective.shift:g}, but sd-scripts does not shift uniform noise levels. Set "
            "shift to 0, or choose timestep_sampling 'shifted'."
        )
    return {"timestep_sampling": "shift", "discrete_flow_shift": schedule.shift}


def _sd3_draws(job: Job, config: TrainingConfig) -> dict[str, Any]:
    objective = config.objective
    if objective.timestep_sampling not in ("auto", "uniform"):
        raise InputError(
            f"timestep_sampling of LoRA Objective is {objective.timestep_sampling!r}, but {job.script} draws like that "
            "only with a loss that leaves fine grain out (sigma² times the velocity's). Choose auto or uniform; to "
            "have it nevertheless, write --weighting_scheme logit_normal into arguments."
        )
    if job.task != LORA and config.batch_size > 1:
        images = config.batch_size * config.optimizer.accumulation
        raise InputError(
            f"batch_size is {config.batch_size}, but {job.script} weighs the losses of a batch by each other's noise "
            f"levels. Set batch_size to 1 and gradient_accumulation_steps of LoRA Optimizer to {images}."
        )
    shift = {"training_shift": objective.shift} if objective.shift else {}
    return {"weighting_scheme": "sigma_sqrt", "min_timestep": _LOWEST_STEP, **shift}


def _guidance(job: Job, objective: ObjectiveConfig) -> dict[str, Any]:
    if job.family not in (FLUX, CHROMA):
        return {}
    own = job.facts.guidance or 0.0
    return {"guidance_scale": objective.guidance if objective.guidance >= 0 else own}


def _are_texts_cached(flow: FlowModel, config: TrainingConfig) -> bool:
    """Whether captions are encoded once, which frees the text encoders' memory: not where they change."""
    dropped = config.objective.caption_dropout > 0 and not flow.drops_cached
    return not (config.objective.shuffle_caption or dropped)
