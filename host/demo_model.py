"""The small model that ships with the pack: a latent diffusion model of SD1's kind, made for 256 px textures.

Same classes, noise schedule, latent scale and key names as SD1, at a hundredth of its size, so that everything made
for SD1 applies to it and a laptop without a GPU can train a LoRA on it. The tokenizer is the host's CLIP tokenizer.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from .architecture import SD1Architecture

WEIGHTS = Path(__file__).with_name("demo_model.safetensors")

UNET: dict[str, Any] = {
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 32,
    "channel_mult": [1, 2, 4],
    "num_res_blocks": [1, 1, 1],
    "transformer_depth": [0, 1, 1],  # attention over all 32 x 32 places would take three quarters of the time
    "transformer_depth_output": [0, 0, 1, 1, 1, 1],
    "transformer_depth_middle": 1,
    "context_dim": 128,
    "num_heads": 4,
    "num_head_channels": -1,
    "use_spatial_transformer": True,
    "use_linear_in_transformer": False,
    "adm_in_channels": None,
    "use_checkpoint": False,
    "legacy": False,
}
TEXT_ENCODER = {"hidden_size": 128, "intermediate_size": 384, "num_attention_heads": 4, "num_hidden_layers": 2}
AUTOENCODER: dict[str, Any] = {
    "embed_dim": 4,
    "ddconfig": {
        "double_z": True,
        "z_channels": 4,
        "resolution": 256,
        "in_channels": 3,
        "out_ch": 3,
        "ch": 32,
        "ch_mult": [1, 1, 1, 4],  # wide where pixels are few: three times as fast as [1, 2, 2, 2] with one block
        "num_res_blocks": 0,
        "attn_resolutions": [],
        "dropout": 0.0,
    },
}
ARCHITECTURE = SD1Architecture(UNET, TEXT_ENCODER, AUTOENCODER, norm_groups=4)
WIDE_AUTOENCODER = AUTOENCODER | {
    "ddconfig": AUTOENCODER["ddconfig"] | {"ch_mult": [1, 1, 2, 4], "num_res_blocks": 1}  # its encoder has blocks, too
}
ARCHITECTURES = {
    "small": ARCHITECTURE,
    "wide": SD1Architecture(UNET, TEXT_ENCODER, WIDE_AUTOENCODER, norm_groups=4),
}

_PREFIXES = {
    "unet": "model.diffusion_model.",
    "text_encoder": "cond_stage_model.transformer.",
    "autoencoder": "first_stage_model.",
}
_EMBEDDING = "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight"


def load_demo_model() -> tuple[Any, Any, Any]:
    """MODEL, CLIP and VAE of the demo model, from the weights file where the pack has one, else seeded."""
    if not WEIGHTS.exists():
        return ARCHITECTURE.load(initial_state())
    return ARCHITECTURES[weights_metadata(WEIGHTS).get("architecture", "small")].load(load_weights(WEIGHTS))


def initial_state(seed: int = 0, architecture: SD1Architecture = ARCHITECTURE) -> dict[str, torch.Tensor]:
    """Untrained weights, the same on every machine for the same seed, under an SD1 checkpoint's key names."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for part, network in architecture.networks().items():
        for name, value in network.state_dict().items():
            state[_PREFIXES[part] + name] = _initial_value(name, value.shape, generator)
    return state


def network_states(state: Mapping[str, torch.Tensor]) -> dict[str, dict[str, torch.Tensor]]:
    """The checkpoint's keys sorted into what each of an architecture's networks calls its own."""
    return {
        part: {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}
        for part, prefix in _PREFIXES.items()
    }


def checkpoint_state(networks: Mapping[str, torch.nn.Module]) -> dict[str, torch.Tensor]:
    """The weights of an architecture's networks under the key names of a checkpoint."""
    return {
        _PREFIXES[part] + name: value
        for part, network in networks.items()
        for name, value in network.state_dict().items()
    }


def _initial_value(name: str, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    if name.endswith("bias"):
        return torch.zeros(shape)
    if len(shape) == 1:  # the gain of a norm
        return torch.ones(shape)
    spread = 0.02 if "embedding" in name else shape[1:].numel() ** -0.5
    return torch.randn(shape, generator=generator) * spread


def weights_metadata(path: Path) -> dict[str, str]:
    """What `save_weights` was given to write down about the file."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        return file.metadata()


def load_weights(path: Path) -> dict[str, torch.Tensor]:
    """A state dict saved by `save_weights`, in float32, with the token embedding filled up to the whole vocabulary."""
    from safetensors.torch import load_file

    state = {name: value.float() if value.is_floating_point() else value for name, value in load_file(path).items()}
    tokens = state.pop("token_ids").long()
    table = initial_state()[_EMBEDDING]
    table[tokens] = state[_EMBEDDING]
    return {**state, _EMBEDDING: table}


def save_weights(
    path: Path, state: Mapping[str, torch.Tensor], tokens: torch.Tensor, metadata: Mapping[str, str]
) -> None:
    """Write `state` in half precision; of the token embedding only the rows `tokens` (N,), the ones training has met.

    The whole embedding would outweigh the rest of the model twice over; the other rows are the seeded ones.
    """
    from safetensors.torch import save_file

    rows = {**state, _EMBEDDING: state[_EMBEDDING][tokens]}
    halves = {name: value.half().contiguous() for name, value in rows.items()}
    save_file({**halves, "token_ids": tokens.int()}, path, metadata=dict(metadata))
