"""Image encoding: each image is encoded once by the host's VAE."""

import logging
from functools import partial
from pathlib import Path
from typing import Any

import comfy.model_management
import torch

from ...common.axes import Axes
from ...common.errors import InputError, UnreadableImage
from ...common.images import composite
from ...common.map_kinds import COLOR_MAPS
from ...common.map_words import MAP_WORDS
from ...common.texture_dataset import Sample, TextureDataset
from ...common.wrapped_convolutions import wrapped_convolutions
from ...training.bucket_resize import frame
from ...training.config import TrainingConfig
from ...training.data import Example
from ...training.material_sets import check_set_sizes
from ...training.tensor_cache import file_digest, kept
from ...training.vae_check import LatentFamily
from .. import networks as host_networks
from .. import training as host_training
from ..folders import output_folder
from ..latent_format import latent_colors, scale_latents
from ..protocols import Model, Vae


def kept_folder(config: TrainingConfig) -> Path | None:
    """Where encoded images and captions lie for later runs, if they are to be kept on disk."""
    return output_folder("training_cache") if config.cache == "disk" else None


def cached_examples(
    model: Model, vae: Vae, dataset: TextureDataset, config: TrainingConfig
) -> tuple[list[Example], list[str]]:
    """Every readable sample as a scaled latent, on the CPU in float32; and the reasons why others are left out.

    Raises `InputError` when there is none, where the VAE gives NaN or infinity, and for a material whose maps are to be
    trained on together and come out at unlike sizes.
    """
    tileable = {sample.tileable for sample in dataset.samples}
    encoders = {tiles: ImageEncoder(wrapped_vae(vae) if tiles else vae, dataset, config) for tiles in tileable}
    examples, unreadable = [], []
    for sample in dataset.samples:
        comfy.model_management.throw_exception_if_processing_interrupted()
        try:
            examples.append(_example(model, sample, encoders[sample.tileable](sample)))
        except UnreadableImage as error:
            unreadable.append(str(error))
            logging.warning("Train Texture LoRA leaves out an image. %s", error)
    if not examples:
        raise InputError(
            "The dataset has no images to train on. "
            + (" ".join(unreadable) or "Load a folder that holds some, or loosen what cleaning removes.")
        )
    if config.objective.is_together:
        check_set_sizes(examples)
    return examples, unreadable


def _example(model: Model, sample: Sample, tensors: dict[str, torch.Tensor]) -> Example:
    latent = autograd_copy(scale_latents(model, tensors["latent"][None])[0], torch.device("cpu"))
    width, height = tensors["size"].tolist()
    flags = {"tileable": sample.tileable, "regularisation": sample.regularisation}
    facts = {**flags, "mask": tensors.get("mask"), "material": sample.origin or sample.material}
    facts["folder"] = sample.file.parent.name
    if sample.material_set:
        facts |= {"material_set": sample.material_set, "map": sample.map, "map_word": MAP_WORDS.get(sample.map, "")}
    return Example(latent, sample.caption, (width, height), sample.repeats, **facts)


class ImageEncoder:
    """Samples to their latents as the VAE has them, with size in pixels and mask; kept on disk where `config` says."""

    def __init__(self, vae: Vae, dataset: TextureDataset, config: TrainingConfig) -> None:
        self.vae, self.dataset, self.config = vae, dataset, config
        self.folder = kept_folder(config)
        self.network = host_training.network_digest(vae.patcher, vae.vae_dtype) if self.folder else ""

    def __call__(self, sample: Sample) -> dict[str, torch.Tensor]:
        make = partial(self._encoded, sample)
        return kept(self.folder, self._facts(sample), make) if self.folder else make()

    def _facts(self, sample: Sample) -> tuple:
        settings = (self.config.resolution, self.config.objective.masked, self.dataset.background, self.dataset.buckets)
        pixels = (file_digest(sample.file), sample.map in COLOR_MAPS, sample.reading)
        return ("image", self.network, *pixels, sample.tileable, *settings)

    def _encoded(self, sample: Sample) -> dict[str, torch.Tensor]:
        image = sample.read().clamp_(0, 1)
        size = self.dataset.buckets.size((image.shape[-1], image.shape[-2]), self.config.resolution)
        pixels = frame(composite(image, self.dataset.background), size, sample.tileable)
        latent = encode_image(self.vae, pixels)
        if not latent.isfinite().all():
            raise InputError(
                f"The VAE makes NaN or infinite latents of {sample.file.name}, which nothing can be learnt from. That "
                "happens in float16: start ComfyUI with --fp32-vae or --bf16-vae, or connect one that works in "
                "float16."
            )
        tensors = {"latent": latent, "size": torch.tensor(size)}
        if self.config.objective.masked and image.shape[0] == 4:
            opacity = frame(image[3:], size, sample.tileable)
            height, width = latent.shape[-2:]
            tensors["mask"] = torch.nn.functional.adaptive_avg_pool2d(opacity, (height, width))
        return tensors


def latent_families() -> dict[str, LatentFamily]:
    """The families whose latents can be told apart, by name."""
    return {name: LatentFamily(*facts) for name, facts in latent_colors().items()}


def wrapped_vae(vae: Vae) -> Any:
    """A VAE that shares the weights of `vae` and wraps around the edges of images."""
    network = host_networks.wrappable_autoencoder(vae)
    outside = host_networks.convolutions_padded_outside(network)
    replacements = wrapped_convolutions(network, Axes(x=True, y=True), what="The VAE", padded_outside=outside)
    return host_networks.vae_with_object_patches(vae, replacements)


@torch.inference_mode()
def encode_image(vae: Vae, image: torch.Tensor) -> torch.Tensor:
    """(3, H, W) in 0..1 -> latent (C, h, w) in the VAE's own scale."""
    latent = vae.encode(image.movedim(0, -1).unsqueeze(0))[0]  # CHW -> BHWC
    return autograd_copy(latent[:, 0] if latent.ndim == 4 else latent, torch.device("cpu"))  # a video's only frame


def autograd_copy(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A float32 copy that autograd can save: tensors made under inference mode cannot be."""
    with torch.inference_mode(False):
        return tensor.to(device, torch.float32, copy=True)
