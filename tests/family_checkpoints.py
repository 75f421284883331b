"""Checkpoint files of each family as downloads have them, with random weights and as few of them as the host's loader
takes for that family: full widths where it looks at them, few layers elsewhere."""

import comfy.ldm.models.autoencoder
import comfy.ldm.modules.diffusionmodules.openaimodel
import comfy.ops
import comfy.sd1_clip
import comfy.sdxl_clip
import comfy.supported_models
import comfy.text_encoders.sd2_clip
import torch
from safetensors.torch import save_file
from standin_checkpoint import AUTOENCODER, UNET

LAYERS = {"num_hidden_layers": 3}  # of text encoders: the host wants one more than the last but one
TEXT_OPTIONS = {"clip_l_model_config": LAYERS, "clip_g_model_config": LAYERS, "_model_config": LAYERS}
"""What the loader must be told of the shortened text encoders"""

SD2 = UNET | {
    "channel_mult": [1, 1, 1, 1],
    "num_res_blocks": [2, 2, 2, 2],
    "transformer_depth": [1] + [0] * 7,
    "transformer_depth_output": [1] + [0] * 11,  # from the last block: its norm tells what the model predicts
    "context_dim": 1024,
    "num_heads": -1,
    "num_head_channels": 64,
    "use_linear_in_transformer": True,
}
SDXL = SD2 | {
    "channel_mult": [1, 1, 1],
    "num_res_blocks": [2, 2, 2],
    "transformer_depth": [0, 0, 2, 2, 10, 10],
    "transformer_depth_output": [0, 0, 0, 2, 2, 2, 10, 10, 10],
    "transformer_depth_middle": 10,
    "context_dim": 2048,
    "adm_in_channels": 2816,
    "num_classes": "sequential",
}
REFINER = SDXL | {
    "model_channels": 384,
    "channel_mult": [1, 1, 1, 1],
    "num_res_blocks": [2, 2, 2, 2],
    "transformer_depth": [0, 0, 4, 4, 4, 4, 0, 0],
    "transformer_depth_output": [0, 0, 0, 4, 4, 4, 4, 4, 4, 0, 0, 0],
    "transformer_depth_middle": 4,
    "context_dim": 1280,
    "adm_in_channels": 2560,
}
UNETS = {
    "SD1": UNET,
    "SD1 inpainting": UNET | {"in_channels": 9},
    "SD2": SD2,
    "SD2-v": SD2,
    "SDXL": SDXL,
    "SDXL-v": SDXL,
    "SDXL refiner": REFINER,
}
TEXTS = {
    "SD1": (comfy.sd1_clip.SD1ClipModel, comfy.supported_models.SD15),
    "SD2": (comfy.text_encoders.sd2_clip.SD2ClipModel, comfy.supported_models.SD20),
    "SDXL": (comfy.sdxl_clip.SDXLClipModel, comfy.supported_models.SDXL),
}
PREDICTS_VELOCITY = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"  # of SD2, by its spread


def write_family_checkpoint(path, family, whole=True):
    """Write the checkpoint of a key of `UNETS`; without `whole` the UNet alone. Half precision, 0.1 to 1 GB."""
    draw = torch.Generator().manual_seed(0)
    unet = comfy.ldm.modules.diffusionmodules.openaimodel.UNetModel(
        **UNETS[family], dtype=torch.float32, operations=comfy.ops.disable_weight_init
    )
    state = {f"model.diffusion_model.{name}": value for name, value in _filled(unet, draw).items()}
    if family == "SD2-v":
        state[PREDICTS_VELOCITY] = torch.randn(state[PREDICTS_VELOCITY].shape, generator=draw) * 0.2
    if family == "SDXL-v":
        state |= {"v_pred": torch.tensor([]), "ztsnr": torch.tensor([])}
    if whole:
        vae = comfy.ldm.models.autoencoder.AutoencoderKL(**AUTOENCODER)
        state |= {f"first_stage_model.{name}": value for name, value in _filled(vae, draw).items()}
        state |= _text_state(family.split("-")[0], draw)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.half().contiguous() for name, value in state.items()}, path)


def _text_state(family, draw):
    """Under the names that the family's files have, as the host itself would save it."""
    model_class, config_class = TEXTS[family]
    model = model_class(dtype=torch.float32, model_options=TEXT_OPTIONS)
    state = _filled(model, draw)
    return config_class(UNETS[family]).process_clip_state_dict_for_saving(state)


def _filled(network, draw):
    """The network's state with random weights that neither vanish nor explode from layer to layer."""
    state = {}
    for name, value in network.state_dict().items():
        if not value.is_floating_point():
            state[name] = value
        elif value.ndim < 2:
            state[name] = torch.ones_like(value) if name.endswith("weight") else torch.zeros_like(value)
        else:
            fan_in = value[0].numel()
            state[name] = torch.randn(value.shape, generator=draw) * fan_in**-0.5
    return state
