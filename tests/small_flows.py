"""Flow transformers of the host's own classes with few, random weights, and a LoRA with one batch for each."""

import json
import re
from functools import partial
from unittest.mock import patch

import comfy.ldm.anima.model
import comfy.model_management
import comfy.model_patcher
import comfy.quant_ops
import comfy.supported_models
import torch
from small_flow_configs import CONFIGS
from tilewright.host.flow.families import flow_family
from tilewright.host.in_graph.trained_flow import TrainedFlow
from tilewright.training.config import NetworkConfig, TrainingConfig
from tilewright.training.lora import LoraNetwork
from tilewright.training.text_rows import TextRows

CPU = torch.device("cpu")
NAMES = list(CONFIGS)
ROTARY = [name for name in NAMES if name != "SD3"]

# The adapter of Anima's text has 135 million weights: here a small one.
_Adapter = comfy.ldm.anima.model.LLMAdapter
_SIZES = {"target_dim": 24, "model_dim": 24, "num_layers": 1, "num_heads": 2}


def small_adapters(width=24):
    """In this context the host builds such ones, for texts of `width` numbers."""
    return patch("comfy.ldm.anima.model.LLMAdapter", partial(_Adapter, source_dim=width, **_SIZES))


def small_flow(name, dtype=torch.float32, spread=1.4, **changes):
    """A MODEL of one of the host's classes."""
    config = getattr(comfy.supported_models, name)({**CONFIGS[name], **changes})
    config.set_inference_dtype(dtype, None)
    with small_adapters():
        model = config.get_model({}, device="cpu")
    fill(model.diffusion_model, spread=spread)
    return comfy.model_patcher.ModelPatcher(model.eval(), CPU, CPU)


def quantised_flow(name, form, layout, spread=1.4):
    """`small_flow` whose trained layers are in 8 bits, in the host's own layers for them."""
    whole = small_flow(name, spread=spread)
    pattern = flow_family(whole).layers
    state = quantised(
        whole.model.diffusion_model.state_dict(), form, layout, lambda path: re.fullmatch(pattern, path) is not None
    )
    config = getattr(comfy.supported_models, name)(dict(CONFIGS[name]))
    config.set_inference_dtype(torch.float32, torch.float32)
    config.quant_config = {"mixed_ops": True}  # what the host's loader sets where a file is quantised
    with small_adapters():
        model = config.get_model({}, device="cpu")
    model.diffusion_model.load_state_dict(state)
    return comfy.model_patcher.ModelPatcher(model.eval(), CPU, CPU)


def quantised(state, form, layout, chosen):
    """Weights of the `chosen` layers in 8 bits, as the host writes such checkpoints."""
    told = {}
    for name, value in state.items():
        if name.endswith(".weight") and value.ndim == 2 and chosen(name.removesuffix(".weight")):
            packed = comfy.quant_ops.QuantizedTensor.from_float(value, layout, scale="recalculate")
            told |= packed.state_dict(name)
            config = json.dumps({"format": form}).encode()
            told[name.replace(".weight", ".comfy_quant")] = torch.tensor(list(config), dtype=torch.uint8)
        else:
            told[name] = value
    return told


def fill(network, seed=0, spread=1.4):
    """Random weights that keep the size of what passes through about the same, and let attention choose."""
    draw = torch.Generator().manual_seed(seed)
    for name, value in network.state_dict().items():
        size = 0.3 if value.ndim < 2 else spread * value[0].numel() ** -0.5
        value.copy_(torch.randn(value.shape, generator=draw) * size + (value.ndim < 2 and "norm" in name))


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def told(name, rows=2, lengths=(5, 9)):
    """Texts for so many rows, of lengths in turn."""
    made = []
    for row in range(rows):
        tensors = {"context": random(1, lengths[row % len(lengths)], 24, seed=10 + row)}
        if name in ("Flux", "FluxSchnell", "SD3"):
            tensors["y"] = random(1, 16, seed=20 + row)
        made.append(tensors)
    return TextRows(tuple(made))


class Case:
    """A model with a LoRA whose weights are all random, and one batch to put through."""

    def __init__(self, name, lengths=(5, 9), wraps=False, dtype=torch.float32, model=None, plan=None, **settings):
        self.name = name
        network = NetworkConfig(**{"rank": 4, "alpha": 2.0, **settings.pop("network", {})})
        self.config = TrainingConfig(network=network, **settings)
        self.model = model or small_flow(name)
        self.trained = TrainedFlow(self.model, flow_family(self.model))
        with small_adapters():
            self.net = self.trained.network(self.config, CPU, dtype, wraps, plan)
        self.denoise = self.trained.denoiser(self.net, self.config, wraps)
        self.layers = self.trained.layers(self.net, self.config)
        self.network = LoraNetwork(self.layers, self.config.network, seed=0)
        draw = torch.Generator().manual_seed(1)
        for parameter in self.network.parameters():
            parameter.data.normal_(std=0.1, generator=draw)
        channels = self.model.model.latent_format.latent_channels
        self.noisy, self.target = random(2, channels, 8, 12), random(2, channels, 8, 12, seed=1)
        self.sigmas = torch.tensor([0.3, 0.8])
        self.text = told(name, lengths=lengths)

    def velocity(self):
        """The denoiser's, with the LoRA."""
        self.network.attach()
        try:
            with self.trained.training():
                return self.denoise(self.noisy, self.sigmas, self.text)
        finally:
            self.network.detach()

    def gradients(self):
        self.network.attach()
        try:
            with self.trained.training():
                loss = (self.denoise(self.noisy, self.sigmas, self.text) - self.target).square().mean()
                gradients = torch.autograd.grad(loss, list(self.network.parameters()))
        finally:
            self.network.detach()
        return dict(zip(dict(self.network.named_parameters()), gradients, strict=True))


def applied(model, noisy, sigmas, text, guidance=None):
    """The host's own x_0 row by row, and from it the velocity (B, C, h, w)."""
    video = model.model.latent_format.latent_dimensions == 3
    comfy.model_management.load_models_gpu([model])
    rows = []
    with torch.no_grad():
        for number, row in enumerate(text.rows):
            given = noisy[number : number + 1]
            given = given.unsqueeze(2) if video else given
            others = {name: value for name, value in row.items() if name != "context"}
            if guidance is not None:
                others["guidance"] = torch.tensor([guidance])
            if model.model.model_config.unet_config.get("image_model") == "lumina2":
                others["num_tokens"] = row["context"].shape[1]
            sigma = sigmas[number : number + 1]
            clean = model.model.apply_model(given, sigma, c_crossattn=row["context"], **others)
            rows.append((given - clean) / sigma.view(-1, *[1] * (given.ndim - 1)))
    comfy.model_management.unload_all_models()
    velocity = torch.cat(rows)
    return velocity.squeeze(2) if video else velocity


def relative(one, other):
    return ((one - other).norm() / other.norm()).item()
