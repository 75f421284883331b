"""Stand-ins for what reference_style needs beside a checkpoint: random weights in the shapes of the real files.

CLIP ViT-L/14's vision tower, the T2I style adapter for SD1, and LoRAs for one layer of SD1. ComfyUI's loaders take them
for the real ones; what they see and paint is noise.
"""

import json
from pathlib import Path

import comfy.clip_model
import comfy.clip_vision
import torch
from comfy.ops import disable_weight_init
from comfy.t2i_adapter.adapter import StyleAdapter
from safetensors.torch import save_file

VISION_CONFIG = Path(comfy.clip_vision.__file__).with_name("clip_vision_config_vitl.json")
LAYER = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"


def write_vision(file):
    config = json.loads(VISION_CONFIG.read_text())
    with torch.device("meta"):
        network = comfy.clip_model.CLIPVisionModelProjection(config, torch.float16, "meta", disable_weight_init)
    save(random(network.state_dict()), file)


def write_style(file):
    with torch.device("meta"):
        network = StyleAdapter(width=1024, context_dim=768, num_head=8, n_layes=3, num_token=8)
    save(random(network.state_dict()), file)


def write_lora(file, seed):
    generator = torch.Generator().manual_seed(seed)
    down, up = torch.randn(4, 768, generator=generator), torch.randn(320, 4, generator=generator)
    state = {f"{LAYER}.lora_down.weight": down, f"{LAYER}.lora_up.weight": up, f"{LAYER}.alpha": torch.tensor(4.0)}
    save(state, file)


def random(shapes):
    """Half-precision weights: ones where a norm has its scale, small noise elsewhere."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, like in shapes.items():
        if not like.is_floating_point():
            state[name] = torch.arange(like.numel()).reshape(like.shape)
        else:
            noise = torch.randn(like.shape, generator=generator) * 0.02
            state[name] = (noise + 1 if like.ndim == 1 and "weight" in name else noise).half()
    return state


def save(state, file):
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, file)
