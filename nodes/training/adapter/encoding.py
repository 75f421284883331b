"""Images and captions as the denoiser takes them: each is encoded once, by the host's VAE and CLIP."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import comfy.model_management
import torch

from ....training.config import TrainingConfig
from ....training.data import Conditioning, Example
from ...common.axes import Axes
from ...common.errors import InputError
from ...common.images import UnreadableImage, composite, read_image
from ...common.texture_dataset import Sample, TextureDataset
from ...common.wrapped_convolutions import wrapped_convolutions
from ...host import networks as host_networks
from ...host import training as host_training
from ..framing import frame

REMEMBERED_TEXTS = 4096  # encoded captions kept at once; shuffling makes new ones without end


def cached_examples(model: Any, vae: Any, dataset: TextureDataset, config: TrainingConfig) -> list[Example]:
    """Every readable sample as a scaled latent, on the CPU in float32. Raises `InputError` when there is none."""
    torus = wrapped_vae(vae) if any(sample.tileable for sample in dataset.samples) else vae
    examples, unreadable = [], []
    for sample in dataset.samples:
        comfy.model_management.throw_exception_if_processing_interrupted()
        try:
            examples.append(_encoded(model, torus if sample.tileable else vae, sample, dataset, config))
        except UnreadableImage as error:
            unreadable.append(str(error))
            logging.warning("Train LoRA leaves out an image. %s", error)
    if not examples:
        raise InputError(
            "The dataset has no images to train on. "
            + (" ".join(unreadable) or "Load a folder that holds some, or loosen what cleaning removes.")
        )
    return examples


def _encoded(model: Any, vae: Any, sample: Sample, dataset: TextureDataset, config: TrainingConfig) -> Example:
    image = read_image(sample.file).clamp(0, 1)
    size = dataset.buckets.size((image.shape[-1], image.shape[-2]), config.resolution)
    pixels = frame(composite(image, dataset.background), size, sample.tileable)
    latent = encode_image(model, vae, pixels)
    mask = None
    if config.objective.masked and image.shape[0] == 4:
        opacity = frame(image[3:], size, sample.tileable)
        mask = torch.nn.functional.adaptive_avg_pool2d(opacity, latent.shape[-2:])
    return Example(latent, sample.caption, size, sample.repeats, sample.tileable, sample.regularisation, mask)


def wrapped_vae(vae: Any) -> Any:
    """A VAE of the same weights that takes an image for the torus it is."""
    network = host_networks.wrappable_autoencoder(vae)
    outside = host_networks.convolutions_padded_outside(network)
    replacements = wrapped_convolutions(network, Axes(x=True, y=True), what="The VAE", padded_outside=outside)
    return host_networks.vae_with_object_patches(vae, replacements)


@torch.inference_mode()
def encode_image(model: Any, vae: Any, image: torch.Tensor) -> torch.Tensor:
    """(3, H, W) in 0..1 -> latent (C, h, w) in the denoiser's scale."""
    latent = vae.encode(image.movedim(0, -1).unsqueeze(0))  # CHW -> BHWC
    return _kept(host_training.scale_latents(model, latent)[0], torch.device("cpu"))


class Texts:
    """The trainer's text encoder: captions through `encode` and into what the denoiser is told.

    encode takes tokens and gives context and pooled output. Unless it is being trained, each caption is encoded
    once and remembered on `device`.
    """

    def __init__(
        self,
        model: Any,
        clip: Any,
        encode: Callable[[dict], tuple[torch.Tensor, torch.Tensor | None]],
        max_tokens: int,
        device: torch.device,
        remember: bool = True,
    ) -> None:
        self.model = model
        self.clip = clip
        self.encode = encode
        self.chunks = max_tokens // 75
        self.device = device
        self.remember = remember
        self._remembered: dict[tuple[str, tuple[int, int]], Conditioning] = {}

    def __call__(self, captions: Sequence[str], sizes: Sequence[tuple[int, int]]) -> Conditioning:
        rows = [self._row(caption, size) for caption, size in zip(captions, sizes, strict=True)]
        return Conditioning.stack(rows)

    def _row(self, caption: str, size: tuple[int, int]) -> Conditioning:
        if not self.remember:
            return self._encoded(caption, size)
        if (caption, size) not in self._remembered:
            if len(self._remembered) == REMEMBERED_TEXTS:
                self._remembered.clear()
            with torch.inference_mode():
                row = self._encoded(caption, size)
            vector = None if row.vector is None else _kept(row.vector, self.device)
            self._remembered[caption, size] = Conditioning(_kept(row.context, self.device), vector)
        return self._remembered[caption, size]

    def _encoded(self, caption: str, size: tuple[int, int]) -> Conditioning:
        # Without weights: brackets in a caption are words here, not emphasis.
        tokens = self.clip.tokenize(caption, disable_weights=True)
        cut = {encoder: chunks[: self.chunks] for encoder, chunks in tokens.items()}
        context, pooled = self.encode(cut)
        return Conditioning(*host_training.model_conditioning(self.model, context, pooled, *size))


def _kept(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    with torch.inference_mode(False):  # autograd cannot save what was made under inference mode
        return tensor.to(device, torch.float32, copy=True)
