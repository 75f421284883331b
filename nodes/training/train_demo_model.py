"""`python run.py train-demo-model`: trains the model behind TilewrightDemoModel on Tilewright's own materials.

The adapter between the trainer in `training/demo`, which knows no ComfyUI, and the networks, renders and captions.
"""

import argparse
from pathlib import Path

import torch

from ...training.demo.autoencoder import decode, encode_moments, train_autoencoder
from ...training.demo.pool import Drawing, Pool
from ..captions.from_parameters import caption_record
from ..common.images import write_png
from ..dataset.procedural.render import MATERIALS, render_material
from .demo_model import ARCHITECTURE, initial_state, network_states

SIZE = 256
POOL = 1200  # images of 256 px are 236 MB
HELD_OUT = 1_000_000_000  # seeds from here on are never trained on


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("output/demo_model"), help="states, logs, sheets, weights")
    parser.add_argument("--autoencoder-minutes", type=float, default=30)
    parser.add_argument("--denoiser-minutes", type=float, default=75)
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    networks = initial_networks()
    pool = Pool(draw, POOL)
    pool.renew(96)
    average = train_autoencoder(
        networks["autoencoder"],
        pool,
        options.folder,
        60 * options.autoencoder_minutes,
        lambda network: reconstruction_sheet(network, options.folder / "autoencoder.png"),
    )
    networks["autoencoder"].load_state_dict(average.weights)


def initial_networks() -> torch.nn.ModuleDict:
    """The demo model's networks with seeded weights; every residual branch starts at zero, which trains faster."""
    networks = ARCHITECTURE.networks()
    for name, state in network_states(initial_state()).items():
        networks[name].load_state_dict(state)
    for module in networks.modules():
        if type(module).__name__ == "ResnetBlock":
            torch.nn.init.zeros_(module.conv2.weight)
        if type(module).__name__ == "AttnBlock":
            torch.nn.init.zeros_(module.proj_out.weight)
    return networks


def draw(seed: int) -> Drawing:
    """The basecolor of the seed's material, with captions from full to short."""
    materials = list(MATERIALS)
    tile = render_material(materials[seed % len(materials)], seed, SIZE, maps=("basecolor",))
    captions = [
        caption_record(tile.record, "basecolor", details, colors)
        for details, colors in ((6, True), (4, True), (3, False), (0, True), (0, False))
    ]
    return Drawing((tile.maps["basecolor"] * 255).round().byte(), tuple(captions))


@torch.no_grad()
def reconstruction_sheet(network: torch.nn.Module, path: Path) -> None:
    """Held-out renders above what the autoencoder makes of them."""
    images = torch.stack([draw(HELD_OUT + index).image for index in range(6)]).float() / 127.5 - 1
    results = torch.cat([decode(network, encode_moments(network, image[None])[0]) for image in images])
    rows = [torch.cat(list(row), 2) for row in (images, results)]
    write_png(path, torch.cat(rows, 1) / 2 + 0.5)
