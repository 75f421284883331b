"""Checks before anything is encoded: models that cannot be trained, or that do not belong together."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import comfy.model_management
import torch

from ...common.errors import InputError
from ...common.texture_dataset import TextureDataset
from ...training.config import TrainingConfig
from ...training.loop import Diverged
from ...training.metadata import BaseModel
from ...training.vae_check import another_family, color_card
from .. import networks as host_networks
from .. import training as host_training
from ..out_of_memory import is_out_of_memory
from ..protocols import Clip, Model, Vae
from .latents import encode_image, latent_families
from .order import Order

_BASE_MODELS = {
    ("SD1", "eps"): ("sd_v1", "stable-diffusion-v1"),
    ("SD1", "v"): ("sd_v1_v", "stable-diffusion-v1"),
    ("SD2", "eps"): ("sd_v2", "stable-diffusion-v2-512"),
    ("SD2", "v"): ("sd_v2_v", "stable-diffusion-v2-768-v"),
    ("SDXL", "eps"): ("sdxl_base_v1-0", "stable-diffusion-xl-v1-base"),
    ("SDXL", "v"): ("sdxl_base_v1-0", "stable-diffusion-xl-v1-base"),
}
_KNOWN = (
    "This trainer makes LoRAs for text-to-image models of Stable Diffusion 1, Stable Diffusion 2 and SDXL that predict "
    "noise (eps) or velocity (v_prediction), and for Z-Image, Flux.1, Flux.2, Chroma, Qwen-Image, SD3.5, Anima, Krea 2 "
    "and Lumina 2."
)


def check_connected(model: Model, vae: Vae, clip: Clip) -> None:
    """Raise `InputError` for one that is None, as a loader hands on what its file does not hold."""
    sources = {
        "model": (model, "Load Checkpoint or Load Diffusion Model"),
        "vae": (vae, "Load VAE, or Load Checkpoint with a checkpoint that holds one"),
        "clip": (clip, "Load CLIP, or Load Checkpoint with a checkpoint that holds its text encoder"),
    }
    for name, (given, source) in sources.items():
        if given is None:
            raise InputError(
                f"What is connected to {name} holds nothing: the file that was loaded has none. Connect {source}."
            )


def base_model(model: Model) -> BaseModel:
    """The family of `model`; raises `InputError` for one that cannot be trained here."""
    facts = host_training.unet_facts(model)
    if facts is not None:
        return BaseModel(*_BASE_MODELS[facts.family, facts.prediction], facts.prediction)
    kind = host_training.model_kind(model)
    if not host_training.is_of_known_family(model):
        raise InputError(f"The model is of the kind {kind}. {_KNOWN} Load such a checkpoint.")
    if extra := host_training.extra_channels(model):
        what = "an inpainting checkpoint" if extra == 5 else "made for another input beside the latent"
        raise InputError(
            f"The model is {what}: its UNet has {4 + extra} input channels, where that of a text-to-image model has 4. "
            "Load the plain checkpoint of the same family; its LoRA works on the inpainting one as well."
        )
    raise InputError(
        f"The model is of the kind {kind}, but sampled as {host_training.foreign_sampling(model)}. {_KNOWN} Take the "
        "node that patches the sampling out of the way to Train Texture LoRA; it may follow after it."
    )


def check_sets(dataset: TextureDataset, config: TrainingConfig) -> None:
    """Raise `InputError` where maps are to be trained on together, and the dataset does not say which those are."""
    sets = [sample.material_set for sample in dataset.samples if sample.material_set]
    if config.objective.is_together and len(set(sets)) == len(sets):
        raise InputError(
            "maps of LoRA Objective is together, but the dataset has no material with several maps. Load all maps, let "
            "them go through Material Set Dataset last, and connect that; or set maps to apart."
        )


def check_device(config: TrainingConfig, device: torch.device) -> None:
    """Raise `InputError` for an acceleration that `device` does not have."""
    if config.acceleration == "CUDA graph" and (device.type != "cuda" or torch.version.hip):
        raise InputError(
            f"acceleration is 'CUDA graph', which only NVIDIA GPUs have, but this ComfyUI computes on {device.type}. "
            "Choose off or compile."
        )


def check_validation(order: Order) -> None:
    """Raise `InputError` where it is said in two ways which images are measured."""
    if order.validation is not None and order.config.saving.validation_share:
        raise InputError(
            f"validation_share of LoRA Saving is {order.config.saving.validation_share}, and a validation dataset is "
            "connected as well. Set validation_share to 0, or take the dataset away."
        )


def check_clip(model: Model, clip: Clip) -> None:
    """Raise `InputError` for a CLIP whose embeddings the model cannot take."""
    context, _ = host_training.text_encoding(clip, 1)(clip.tokenize(""))
    wanted = host_training.context_width(model)
    if context.shape[-1] != wanted:
        family = host_training.known_unet_facts(model).family
        raise InputError(
            f"The CLIP makes embeddings of width {context.shape[-1]}, but the model, of the family {family}, takes "
            f"{wanted}. Connect the CLIP of the model's own checkpoint."
        )


def check_vae(model: Model, vae: Vae) -> None:
    """Raise `InputError` for a VAE whose latents the model cannot take, as far as that can be known."""
    host_networks.autoencoder(vae)  # which tells of an empty one
    latents = model.model.latent_format
    channels, dimensions = latents.latent_channels, latents.latent_dimensions
    if vae.latent_channels != channels or vae.latent_dim != dimensions:
        raise InputError(
            f"The VAE makes latents of {vae.latent_channels} channels in {vae.latent_dim} dimensions, but the model "
            f"takes {channels} in {dimensions}. Connect the VAE of the model's own checkpoint."
        )
    facts = host_training.unet_facts(model)
    if facts is None:  # a flow transformer: whose latents are whose was never measured there
        return
    family = facts.family
    own = "SDXL" if family == "SDXL" else "SD1"  # SD2 shares SD1's latents
    other = another_family(encode_image(vae, color_card()), own, latent_families())
    if other is not None:
        raise InputError(
            f"The VAE is that of {other}, but the model is of the family {family}, whose latents mean other "
            "colours. Connect the VAE of the model's own checkpoint."
        )


@contextmanager
def told_to_artists() -> Iterator[None]:
    """Turn known failures into an `InputError` that says what to do, and free memory. The run is saved by then."""
    try:
        yield
    except Diverged as error:
        raise InputError(
            f"The loss became NaN or infinite at step {error.step}, so the training stopped. The {error.step - 1} "
            "steps before are saved. Lower the learning rate, or use bfloat16 or float32."
        ) from None
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise InputError(
            "The device ran out of memory; the steps made so far are saved. Lower batch_size, resolution or rank, or "
            "give memory fewer GB than the device has, so that more is spared."
        ) from None
    finally:
        gc.collect()  # the UNet's blocks refer to themselves, and the host needs the memory now
        comfy.model_management.soft_empty_cache()
