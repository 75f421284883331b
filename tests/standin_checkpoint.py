"""A stand-in for a downloaded checkpoint: random weights of SD1.5's shapes, cut down to one level unless it is `whole`.

The stock loader recognises SD1 by its width (320 channels, context 768), not by its depth, so a graph with
CheckpointLoaderSimple runs as it would on the real thing, only what it paints is noise. Other programs want the whole.
"""

from pathlib import Path

from safetensors.torch import save_file
from tilewright.host.architecture import SD1Architecture
from tilewright.host.demo_model import initial_state

UNET = {
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 320,
    "channel_mult": [1, 1],
    "num_res_blocks": [1, 1],
    "transformer_depth": [1, 0],
    "transformer_depth_output": [1, 1, 0, 0],
    "transformer_depth_middle": 1,
    "context_dim": 768,
    "num_heads": 8,
    "num_head_channels": -1,
    "use_spatial_transformer": True,
    "use_linear_in_transformer": False,
    "adm_in_channels": None,
    "use_checkpoint": False,
    "legacy": False,
}
WHOLE_UNET = UNET | {
    "channel_mult": [1, 2, 4, 4],
    "num_res_blocks": [2, 2, 2, 2],
    "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
    "transformer_depth_output": [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
}
TEXT_ENCODER = {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "num_hidden_layers": 12}
AUTOENCODER = {
    "embed_dim": 4,
    "ddconfig": {
        "double_z": True,
        "z_channels": 4,
        "resolution": 256,
        "in_channels": 3,
        "out_ch": 3,
        "ch": 128,
        "ch_mult": [1, 2, 4, 4],
        "num_res_blocks": 2,
        "attn_resolutions": [],
        "dropout": 0.0,
    },
}


NOT_IN_FILES = "text_projection"  # the host's text encoder has it, SD1.5's files do not


def write_standin_checkpoint(path: Path, whole: bool = False) -> None:
    """Write the checkpoint in half precision: about 0.5 GB, the `whole` one 2.1 GB."""
    unet = WHOLE_UNET if whole else UNET
    state = initial_state(architecture=SD1Architecture(unet, TEXT_ENCODER, AUTOENCODER))
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in state.items() if NOT_IN_FILES not in name}
    save_file({name: value.half() if value.is_floating_point() else value for name, value in kept.items()}, path)
