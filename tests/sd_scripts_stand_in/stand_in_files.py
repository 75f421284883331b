"""What the stand-in writes: weights files of the real ones' names and shapes, and a sample picture."""

import io
import json
import math
import struct

LAYERS = {  # what the LoRA of a script names, and how wide it is
    "flux": {"double_blocks_0_img_attn_qkv": 3072, "single_blocks_0_linear1": 3072},
    "sd3": {"joint_blocks_0_x_block_attn_qkv": 1536},
    "lumina": {"layers_0_attention_qkv": 2304},
    "anima": {"blocks_0_self_attn_q_proj": 2048},
    "": {
        "down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_q": 320,
        "up_blocks_1_attentions_0_transformer_blocks_0_attn2_to_q": 1280,
    },
}


def shapes_of(settings, flow):
    """The tensors of what the script trains: a LoRA of two layers, for others one small weight."""
    if "network_dim" not in settings:
        return {"weight": (4, 4)}
    rank, shapes = settings["network_dim"], {}
    for layer, side in LAYERS[flow].items():
        name = f"lora_unet_{layer}"
        shapes |= {
            f"{name}.lora_down.weight": (rank, side),
            f"{name}.lora_up.weight": (side, rank),
            f"{name}.alpha": (),
        }
    return shapes


def safetensors(shapes, updates):
    """A safetensors file of float32 tensors, all of the value 0.01."""
    header, end = {"__metadata__": {"ss_steps": str(updates), "ss_network_module": "networks.lora"}}, 0
    for name, shape in shapes.items():
        size = 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + struct.pack("<f", 0.01) * (end // 4)


def pickled(shapes, updates):
    """The same as torch saves it: the one thing that needs torch."""
    import torch

    file = io.BytesIO()
    torch.save({name: torch.full(shape, 0.01) for name, shape in shapes.items()}, file)
    return file.getvalue()


PICTURE = bytes.fromhex(  # a 1 x 1 PNG
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
    "53de0000000c49444154789c63606060000000040001f61738550000000049454e44ae426082"
)
