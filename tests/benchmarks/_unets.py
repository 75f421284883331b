"""UNets of the host's class and of diffusers' in equal shapes, for benchmarks of training."""

from dataclasses import dataclass
from typing import Any

from unet_sizes import FULL_SIZE, SMALL


@dataclass(frozen=True)
class Shape:
    """A family's UNet: side of its latents, what the host's class takes, and what diffusers' takes."""

    family: str
    latent: int
    host: dict[str, Any]
    diffusers: dict[str, Any]


SD1 = {
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    **FULL_SIZE["SD1"],
    "use_spatial_transformer": True,
    "use_linear_in_transformer": False,
    "adm_in_channels": None,
    "num_heads": 8,
    "num_head_channels": -1,
    "legacy": False,
}
SDXL = {
    **SD1,
    **FULL_SIZE["SDXL"],
    "use_linear_in_transformer": True,
    "adm_in_channels": 2816,
    "num_classes": "sequential",
    "num_heads": -1,
    "num_head_channels": 64,
}
DOWN, UP = ("DownBlock2D", "CrossAttnDownBlock2D"), ("UpBlock2D", "CrossAttnUpBlock2D")
DIFFUSERS_SD1 = {
    "block_out_channels": (320, 640, 1280, 1280),
    "down_block_types": (DOWN[1],) * 3 + (DOWN[0],),
    "up_block_types": (UP[0],) + (UP[1],) * 3,
    "cross_attention_dim": 768,
    "attention_head_dim": 8,
}
SHAPES = {
    "SD1.5": Shape(
        "SD1",
        64,
        SD1,
        DIFFUSERS_SD1,
    ),
    "SDXL": Shape(
        "SDXL",
        128,
        SDXL,
        {
            "block_out_channels": (320, 640, 1280),
            "down_block_types": (DOWN[0], DOWN[1], DOWN[1]),
            "up_block_types": (UP[1], UP[1], UP[0]),
            "transformer_layers_per_block": (1, 2, 10),
            "cross_attention_dim": 2048,
            "attention_head_dim": (5, 10, 20),
            "use_linear_projection": True,
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 256,
            "projection_class_embeddings_input_dim": 2816,
        },
    ),
    "128 channels": Shape(
        "SD1",
        32,
        {**SD1, "model_channels": 128},
        {**DIFFUSERS_SD1, "block_out_channels": (128, 256, 512, 512)},
    ),
    "tiny": Shape(
        "SD1",
        8,
        {**SD1, **SMALL, "num_heads": 4},
        {
            "block_out_channels": (32, 64),
            "layers_per_block": 1,
            "down_block_types": (DOWN[1],) * 2,
            "up_block_types": (UP[1],) * 2,
            "cross_attention_dim": 32,
            "attention_head_dim": 4,
        },
    ),
}


def host_model(shape: Shape, dtype: Any) -> Any:
    """A MODEL of the shape with random weights of `dtype` on the CPU, as a loader would hand it on."""
    import comfy.model_base
    import comfy.model_management
    import comfy.model_patcher
    import comfy.supported_models
    import torch

    kinds = {"SD1": comfy.supported_models.SD15, "SDXL": comfy.supported_models.SDXL}
    config = kinds[shape.family](dict(shape.host))
    config.unet_config.update(shape.host)
    config.set_inference_dtype(dtype, None)
    base = comfy.model_base.SDXL if shape.family == "SDXL" else comfy.model_base.BaseModel
    model = base(config, comfy.model_base.ModelType.EPS)
    some = torch.randn(1 << 20, dtype=dtype) * 0.02  # over and over: billions of random numbers take minutes
    for parameter in model.diffusion_model.parameters():
        times = -(-parameter.numel() // len(some))
        parameter.data = some.repeat(times)[: parameter.numel()].clone().view(parameter.shape)
    device = comfy.model_management.get_torch_device()
    patcher = comfy.model_patcher.ModelPatcher(model, device, torch.device("cpu"))
    patcher.cached_patcher_init = (lambda disable_dynamic: host_model(shape, dtype), ())  # the host trains another copy
    return patcher
