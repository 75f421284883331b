"""UNets of each family's shape with few, random weights, and the gradients that a LoRA on them gets."""

import comfy.model_base
import comfy.model_management
import comfy.model_patcher
import comfy.sd
import comfy.supported_models
import torch
from tilewright.host import training as host_training
from tilewright.host.in_graph.model import training_unet, unet_denoiser, unet_layers
from tilewright.training.config import NetworkConfig, TrainingConfig
from tilewright.training.data import Conditioning
from tilewright.training.lora import LoraNetwork
from unet_sizes import SMALL

FAMILIES = ["SD1", "SD2-v", "SDXL"]
CPU = torch.device("cpu")
UNET = {
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    **SMALL,
    "use_spatial_transformer": True,
    "adm_in_channels": None,
    "legacy": False,
}
DIFFERENT = {
    "SD1": {"num_heads": 4, "num_head_channels": -1, "use_linear_in_transformer": False},
    "SD2-v": {"num_heads": -1, "num_head_channels": 16, "use_linear_in_transformer": True},
    "SDXL": {
        "num_heads": -1,
        "num_head_channels": 16,
        "use_linear_in_transformer": True,
        "adm_in_channels": 1280 + 6 * 256,
        "num_classes": "sequential",
    },
}
CONFIGS = {
    "SD1": comfy.supported_models.SD15,
    "SD2-v": comfy.supported_models.SD20,
    "SDXL": comfy.supported_models.SDXL,
}


def small_model(family, dtype=torch.float32):
    config = CONFIGS[family]({**UNET, **DIFFERENT[family]})
    config.unet_config.update(DIFFERENT[family])
    model_type = comfy.model_base.ModelType.V_PREDICTION if family == "SD2-v" else comfy.model_base.ModelType.EPS
    model = (comfy.model_base.SDXL if family == "SDXL" else comfy.model_base.BaseModel)(config, model_type)
    draw = torch.Generator().manual_seed(0)
    for parameter in model.diffusion_model.parameters():
        parameter.data = (torch.randn(parameter.shape, generator=draw) * parameter[0].numel() ** -0.5).to(dtype)
    return comfy.model_patcher.CoreModelPatcher(model, CPU, CPU)


class Case:
    """A model with a LoRA whose weights are all random, and one batch to put through."""

    def __init__(self, family, plan=None, **network):
        torch.manual_seed(0)
        self.model = small_model(family)
        config = TrainingConfig(network=NetworkConfig(**{"rank": 4, "alpha": 2.0, **network}))
        self.unet = training_unet(self.model, config, CPU, torch.float32, False, plan)
        self.layers = unet_layers(self.model, self.unet, config)
        self.network = LoraNetwork(self.layers, config.network, seed=0)
        for parameter in self.network.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
        pooled = torch.randn(2, 1280) if family == "SDXL" else None
        told = host_training.model_conditioning(self.model, torch.randn(2, 77, 32), pooled, 64, 64)
        self.conditioning = Conditioning(*told)
        self.noisy, self.target = torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8)
        self.timesteps = torch.tensor([10, 700])

    def prediction(self, unet):
        return unet_denoiser(unet)(self.noisy, self.timesteps, self.conditioning)

    def attached(self):
        self.network.attach()
        try:
            return self.prediction(self.unet)
        finally:
            self.network.detach()

    def gradients(self):
        self.network.attach()
        loss = (self.prediction(self.unet) - self.target).square().mean()
        gradients = torch.autograd.grad(loss, list(self.network.parameters()))
        self.network.detach()
        return dict(zip(dict(self.network.named_parameters()), gradients, strict=True))


def relative(one, other):
    return ((one - other).norm() / other.norm()).item()
