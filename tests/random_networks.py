"""Small networks of the host with random weights, the same on every machine."""

import torch
from comfy.cldm.cldm import ControlNet
from comfy.ldm.models.autoencoder import AutoencoderKL
from comfy.sd import VAE

STABLE_DIFFUSION = {"ch": 32, "ch_mult": [1, 2, 4, 4], "num_res_blocks": 2}
DEMO_MODEL = {"ch": 32, "ch_mult": [1, 2, 2, 2], "num_res_blocks": 1}

# What sets the UNets of the families apart, on a configuration of SD1's kind.
UNET_FAMILIES = {
    "SD1": {},
    "SD2": {"use_linear_in_transformer": True, "num_heads": -1, "num_head_channels": 32},
    "SDXL": {"adm_in_channels": 64, "num_classes": "sequential", "use_linear_in_transformer": True},
    "inpainting": {"in_channels": 9},
}


def random_autoencoder(shape, dtype=torch.float32):
    """A VAE of Stable Diffusion's build: `shape` gives ch, ch_mult and num_res_blocks."""
    common = {"double_z": True, "z_channels": 4, "resolution": 64, "in_channels": 3, "out_ch": 3}
    params = {"embed_dim": 4, "ddconfig": {**common, **shape, "attn_resolutions": [], "dropout": 0.0}}
    return VAE(sd=random_state(AutoencoderKL(**params)), config={"params": params}, dtype=dtype)


def random_weights(network):
    """A VAE for any autoencoder that the host recognises by the names of its weights."""
    return VAE(sd=random_state(network), dtype=torch.float32)


def random_control_network(unet):
    """The network of a ControlNet for UNets of the configuration `unet`."""
    left_out = ("out_channels", "transformer_depth_output")
    config = {name: value for name, value in unet.items() if name not in left_out}
    network = ControlNet(**config, hint_channels=3).eval()
    network.load_state_dict(random_state(network))
    return network


def random_upscaler(scale, channels=16):
    """An upscale model in the shape of Real-ESRGAN with one thin block, as the host's loader gives it.

    It adds what its weights make of an image to the image enlarged, as trained ones do, so that it goes on looking
    like one.
    """
    from comfy.model_patcher import ModelPatcher
    from spandrel.architectures.ESRGAN.__arch.RRDB import RRDBNet

    class Upscaler(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = RRDBNet(num_filters=channels, num_blocks=1, scale=scale)
            self.network.load_state_dict(random_state(self.network))
            self.scale, self.input_channels = scale, 3
            self.patcher = ModelPatcher(self.network, torch.device("cpu"), torch.device("cpu"))

        def forward(self, image):
            enlarged = torch.nn.functional.interpolate(image, scale_factor=scale, mode="nearest")
            return enlarged + 0.1 * self.network(image).tanh()

    return Upscaler().eval()


def random_state(network, seed=0):
    """Weights for `network` that keep the size of what passes through it about the same."""
    generator = torch.Generator().manual_seed(seed)
    return {name: _random(value, generator) for name, value in network.state_dict().items()}


def _random(value, generator):
    if value.ndim == 0:
        return value
    spread = value[0].numel() ** -0.5 if value.ndim > 1 else 0.3
    return torch.randn(value.shape, generator=generator) * spread
