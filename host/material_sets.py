"""A MODEL of the host that samples all maps of a material at once: rows see each other, known ones without noise."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from comfy.patcher_extension import WrappersMP

from ..common.dataset_counts import counted
from ..common.errors import InputError
from ..sets.given_rows import given_rows, in_place_of, of_all_rows
from ..sets.row_guidance import guidance_scales, guided
from ..sets.shared_rows import check_rows
from ..training.metadata import SHARED_ATTENTION
from .image_latents import sampling_images
from .networks import (
    AROUND_CONDS,
    AROUND_PASS,
    AROUND_RUN,
    DENOISER,
    DenoiserPass,
    SamplingRun,
    around_pass,
    around_run,
    is_transformer,
    unet,
)
from .protocols import Model
from .shared_attention import WINDOWS, sharing_options

KEY = "tilewright_material_set"
METADATA = "tw_maps"  # in a LoRA's file: the maps that it was trained on together
SHARING = "tw_shared_attention"  # in the same place: the version of how they see each other
AROUND_SAMPLER = WrappersMP.SAMPLER_SAMPLE
_GIVEN = "tilewright_given_maps"  # in the transformer options: which rows are known, and their latents
NEARLY_CLEAN = 1e-6  # as a sigma: discrete schedules look its logarithm up, and find their first timestep

Run = Callable[..., torch.Tensor]


def material_set_model(model: Model, maps: Sequence[str], data_scale: float) -> Model:
    """A clone of `model` whose latents are materials with these `maps`, a row each.

    data_scale is the guidance scale of data maps, 0 for the sampler's own. Raises `InputError` for a network whose
    self-attention cannot be shared, for one that is shared already, and for a LoRA that was trained otherwise.
    """
    if not is_transformer(model):
        unet(model)  # which refuses all others
    clone = model.clone()
    options = clone.model_options.setdefault("transformer_options", {})
    if KEY in options:
        raise InputError("The model went through Material Set Model already. Use one of them.")
    check_sharing(model.get_attachment("lora_metadata") or {}, not is_transformer(model), "The LoRA of this model")
    network = clone.get_model_object(DENOISER)
    shared = sharing_options(network, len(maps), options)
    clone.model_options["transformer_options"] = {**shared, KEY: tuple(maps)}
    wrappers: dict[str, Callable[..., Any]] = {
        AROUND_RUN: around_run(partial(_run_checked, len(maps))),
        AROUND_SAMPLER: _told_what_is_given,
        AROUND_CONDS: partial(_with_clean_rows, len(maps)),
        AROUND_PASS: around_pass(_at_clean_timesteps),
    }
    for place, wrapper in wrappers.items():
        clone.add_wrapper_with_key(place, KEY, wrapper)
    if data_scale:
        inner = clone.model_options.get("sampler_cfg_function")
        clone.model_options["sampler_cfg_function"] = partial(_guided_by_row, tuple(maps), data_scale, inner)
    return sampling_images(clone, "Material Set Model")


def maps_of_lora(model: Model) -> str:
    """The maps that the LoRA last loaded into a MODEL says it was trained on together, "" if it says none."""
    return str((model.get_attachment("lora_metadata") or {}).get(METADATA, ""))


def check_sharing(metadata: Mapping[str, str], in_unet: bool, what: str) -> None:
    """Raise `InputError` for a LoRA of material sets whose maps saw each other in another way than they do now."""
    version = metadata.get(SHARING, "")
    known = (str(SHARED_ATTENTION),) if in_unet else ("1", "2", str(SHARED_ATTENTION))
    if version and str(version) not in known:
        raise InputError(
            f"{what} was trained by another version of Tilewright, in which the maps of a material saw each other in "
            f"another way (tw_shared_attention {version}, here {SHARED_ATTENTION}), so its maps would not fit each "
            "other. Train it again here, or use it for single maps, without Material Set Model."
        )


def _run_checked(maps: int, run: SamplingRun) -> torch.Tensor:
    """A whole sampling; given rows come out as they went in, to the last bit."""
    check_rows(len(run.latent), maps)
    _check_prompts(run.execute.class_obj.conds, maps)
    _check_others(run.execute.class_obj.model_options, maps)
    result = run.sample()
    given = given_rows(run.mask, len(run.latent))
    return in_place_of(given, run.latent, result) if given.any() else result


def _check_prompts(conds: Mapping[str, Sequence[Mapping[str, Any]]], maps: int) -> None:
    for name, group in conds.items():
        for cond in group:
            text = cond.get("cross_attn")
            if text is not None and len(text) % maps:
                raise InputError(
                    f"The {name} prompt has {counted(len(text), 'text')}, but a material of this "
                    f"model has {maps} maps, each with a text of its own. Connect both prompts of Material Set Prompt, "
                    "with the same maps as Material Set Model."
                )


def _check_others(options: Mapping[str, Any], maps: int) -> None:
    """Refuse what would undo the sharing in silence, or read it as something else."""
    inside = options.get("transformer_options", {})
    others = len(inside.get("patches", {}).get("attn1_patch", [])) > 1
    if maps > 1 and (others or inside.get("patches_replace", {}).get("attn1")):
        raise InputError(
            "Another node changes the model's self-attention too (HyperTile, Token Merging, Self-Attention Guidance, "
            "Perturbed Attention, Hypernetwork), and both cannot hold at once. Take it away, or Material Set Model."
        )


def _told_what_is_given(
    execute: Run,
    guider: Any,
    sigmas: torch.Tensor,
    extra: dict[str, Any],
    callback: Any,
    noise: torch.Tensor,
    latent: torch.Tensor | None = None,
    mask: torch.Tensor | None = None,
    *others: Any,
    **named: Any,
) -> torch.Tensor:
    """A sampler's run; the rest learns which rows are known, and their latents in the denoiser's scale."""
    if latent is not None and mask is not None and (given := given_rows(mask, len(latent))).any():
        extra["model_options"].setdefault("transformer_options", {})[_GIVEN] = (given, latent)
    return execute(guider, sigmas, extra, callback, noise, latent, mask, *others, **named)


def _with_clean_rows(
    maps: int,
    execute: Run,
    model: Any,
    conds: list,
    latent: torch.Tensor,
    sigma: torch.Tensor,
    options: Mapping[str, Any],
) -> Any:
    _check_others(options, maps)  # again, for nodes that change the attention of a call of their own
    known = options.get("transformer_options", {}).get(_GIVEN)
    if known is not None:
        latent = in_place_of(known[0], known[1], latent)
    return execute(model, conds, latent, sigma, options)


def _at_clean_timesteps(one: DenoiserPass) -> torch.Tensor:
    known = one.options.get(_GIVEN)
    if known is None:
        return one.predict()
    given = of_all_rows(known[0], len(one.latent), one.options.get(WINDOWS, 1)).to(one.sigma.device)
    discrete = hasattr(one.execute.class_obj.model_sampling, "log_sigmas")
    clean = NEARLY_CLEAN if discrete else 0.0
    return one.predict(sigma=torch.where(given, clean, one.sigma.expand(len(one.latent))))


def _guided_by_row(maps: Sequence[str], data_scale: float, inner: Run | None, given: Mapping[str, Any]) -> torch.Tensor:
    """What the host's sampler takes for guided noise. inner: what another node put there before."""
    cond, uncond, scale = given["cond"], given["uncond"], given["cond_scale"]
    if scale == 1:  # then the host has not asked for the negative prompt
        return cond if inner is None else inner(given)
    scales = guidance_scales(maps, len(cond), scale, data_scale)
    if inner is None:
        return guided(cond, uncond, scales)
    of_each = {one: inner({**given, "cond_scale": one}) for one in sorted(set(scales.tolist()))}
    return torch.stack([of_each[one][row] for row, one in enumerate(scales.tolist())])
