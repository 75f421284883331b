"""A stand-in for a downloaded ControlNet: random weights in the demo model's shape, in the format of SD1's."""

from pathlib import Path

from comfy.cldm.cldm import ControlNet
from random_networks import random_state
from safetensors.torch import save_file
from tilewright.nodes.training.demo_model import UNET


def write_standin_controlnet(file: Path) -> None:
    left_out = ("out_channels", "transformer_depth_output")
    network = ControlNet(**{name: value for name, value in UNET.items() if name not in left_out}, hint_channels=3)
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(random_state(network), file)
