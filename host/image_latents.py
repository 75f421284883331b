"""Latents of images, told from those of videos, sounds and shapes before a model or a VAE is loaded for them."""

from functools import partial

import torch

from ..common.dataset_counts import counted
from ..common.errors import InputError
from .networks import AROUND_RUN, SamplingRun, around_run
from .protocols import Model

KEY = "tilewright_image_latents"


def image_latent(latent: torch.Tensor, channels: int, dimensions: int, whose: str) -> torch.Tensor:
    """A LATENT's samples (B, C, h, w), (B, C, 1, h, w) where an image has `dimensions` 3, with one frame or none alike.

    `whose` takes these `channels`, in messages. Raises `InputError` for what is no latent of images.
    """
    if not isinstance(latent, torch.Tensor):
        found = "several at once, such as those of a video and its sound" if hasattr(latent, "unbind") else "none"
        raise InputError(f"Where one latent is wanted there are {found}. Connect the latent of an image.")
    single_frame = latent.ndim == 5 and latent.shape[2] == 1
    if latent.ndim != 4 and not single_frame:
        kinds = {3: "a sound or to a shape", 5: "a video or to layers"}
        raise InputError(
            f"The latent has {latent.ndim} axes, that of an image has 4: it belongs to "
            f"{kinds.get(latent.ndim, 'something else')}. Connect the latent of an image, such as Empty Latent Image."
        )
    if latent.shape[0] == 0:
        raise InputError("The latent holds no images. Connect one with a batch size of at least 1.")
    if 0 in latent.shape:
        raise InputError(f"The latent is {latent.shape[-1]} x {latent.shape[-2]} cells large. Connect a larger one.")
    if latent.shape[1] != channels:
        raise InputError(
            f"The latent has {counted(latent.shape[1], 'channel')}, {whose} takes {channels}. "
            "Use the VAE that belongs to the model the latent was made with."
        )
    if dimensions == 3:
        return latent.unsqueeze(2) if latent.ndim == 4 else latent
    return latent.squeeze(2) if single_frame else latent


def sampling_images(clone: Model, who: str) -> Model:
    """`clone`, which before it is loaded refuses to sample what is no image, in the words of the node `who`."""
    clone.remove_wrappers_with_key(AROUND_RUN, KEY)
    clone.add_wrapper_with_key(AROUND_RUN, KEY, around_run(partial(_of_images, who)))
    return clone


def _of_images(who: str, run: SamplingRun) -> torch.Tensor:
    kind = run.execute.class_obj.model_patcher.model.latent_format
    together = run.others.get("latent_shapes") or ()
    if len(together) > 1:
        raise InputError(
            f"{who} samples images, but there are {len(together)} latents at once, such as those of a video and its "
            "sound. Connect the latent of an image."
        )
    try:
        shaped = image_latent(run.latent, kind.latent_channels, kind.latent_dimensions, "the model")
    except InputError as error:
        raise InputError(f"{who} samples images. {error}") from None
    if shaped.ndim == run.latent.ndim:
        return run.sample()
    mask = run.mask
    if mask is not None and mask.ndim == run.latent.ndim:
        mask = mask.reshape(*mask.shape[:2], *mask.shape[3:])
    others = {**run.others, **({"latent_shapes": [shaped.shape]} if together else {})}
    return run.sample(noise=run.noise.reshape(shaped.shape), latent=shaped, mask=mask, others=others)
