"""A stand-in for a downloaded ControlNet: random weights in the demo model's shape, in the format of SD1's."""

from pathlib import Path

from random_networks import random_control_network
from safetensors.torch import save_file
from tilewright.host.demo_model import UNET


def write_standin_controlnet(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(random_control_network(UNET).state_dict(), file)
