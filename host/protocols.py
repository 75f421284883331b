"""What the pack uses of ComfyUI's MODEL, CLIP and VAE: the types that faces and adapters give each other.

ComfyUI's own classes (ModelPatcher, CLIP, VAE) have these attributes and many more, but no types that can be checked.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import torch

Tokens = dict[str, list[Any]]
"""encoder -> chunks of (token, weight) pairs"""

Own = TypeVar("Own")


class Network(Protocol):
    """What a MODEL holds: a denoiser, and what is known of its family."""

    diffusion_model: torch.nn.Module
    model_config: Any
    latent_format: Any

    def extra_conds(self, **inputs: Any) -> dict[str, Any]: ...

    def memory_required(self, input_shape: Any, **options: Any) -> float: ...


class Patcher(Protocol):
    """A network with its patches, which are in place only while it runs. `clone` shares the weights."""

    patches: dict[str, list[Any]]
    object_patches: dict[str, Any]
    model_options: dict[str, Any]
    load_device: torch.device

    @property
    def model(self) -> Any: ...

    def clone(self: Own) -> Own: ...

    def get_model_object(self, name: str) -> Any: ...

    def get_key_patches(self, filter_prefix: str | None = None) -> dict[str, list[Any]]: ...

    def model_state_dict(self, filter_prefix: str | None = None) -> dict[str, torch.Tensor]: ...

    def unpatch_model(self, device_to: torch.device | None = None, unpatch_weights: bool = True) -> None: ...

    def get_attachment(self, key: str) -> Any: ...

    def add_object_patch(self, name: str, obj: object) -> None: ...

    def add_wrapper_with_key(self, wrapper_type: str, key: str, wrapper: Callable[..., Any]) -> None: ...

    def remove_wrappers_with_key(self, wrapper_type: str, key: str) -> None: ...


class Model(Patcher, Protocol):
    """MODEL."""

    @property
    def model(self) -> Network: ...


class Clip(Protocol):
    """CLIP: text encoders with their tokenizers. layer_idx is what CLIP Set Last Layer chose, from the end."""

    patcher: Patcher
    cond_stage_model: torch.nn.Module
    tokenizer: Any
    layer_idx: int | None
    tokenizer_options: dict[str, Any]

    def clone(self: Own) -> Own: ...

    def clip_layer(self, layer_idx: int | None) -> None: ...

    def load_model(self) -> Patcher: ...

    def tokenize(self, text: str, return_word_ids: bool = False, **options: Any) -> Tokens: ...

    def encode_from_tokens(self, tokens: Tokens, return_pooled: bool = False, return_dict: bool = False) -> Any: ...

    def encode_from_tokens_scheduled(self, tokens: Tokens) -> list[Any]: ...


class Vae(Protocol):
    """VAE. Images are (B, H, W, 3) in 0..1, latents (B, C, h, w) in the VAE's own scale."""

    patcher: Patcher
    first_stage_model: torch.nn.Module | None
    device: torch.device
    vae_dtype: torch.dtype
    latent_channels: int
    latent_dim: int
    crop_input: bool
    memory_used_encode: Callable[..., float]
    memory_used_decode: Callable[..., float]
    encode_tiled_: Callable[..., torch.Tensor]
    decode_tiled_: Callable[..., torch.Tensor]

    def encode(self, pixel_samples: torch.Tensor) -> torch.Tensor: ...

    def decode(self, samples_in: torch.Tensor) -> torch.Tensor: ...

    def encode_tiled(
        self, pixel_samples: torch.Tensor, tile_x: int | None = None, tile_y: int | None = None, overlap: int = 0
    ) -> torch.Tensor: ...

    def decode_tiled(
        self, samples: torch.Tensor, tile_x: int | None = None, tile_y: int | None = None, overlap: int = 0
    ) -> torch.Tensor: ...

    def spacial_compression_encode(self) -> int: ...

    def spacial_compression_decode(self) -> int: ...


class UpscaleModel(Protocol):
    """UPSCALE_MODEL, as the host's loader gives it."""

    patcher: Patcher
    scale: int
    input_channels: int

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) -> (B, C, scale * h, scale * w)."""
