"""`python run.py train-demo-model`: trains the model behind TilewrightDemoModel on Tilewright's own materials.

The adapter between the trainer in `training/demo`, which knows no ComfyUI, and the networks, renders and captions.
"""

import argparse
import copy
from collections.abc import Mapping
from pathlib import Path

import torch

from ..captions.from_parameters import caption_record
from ..common.axes import Axes
from ..common.files import write_json, written_whole
from ..common.image_writing import write_png
from ..common.manifest import MaterialRecord
from ..common.wrapped_convolutions import wrap_in_place
from ..dataset.procedural.catalogue import ALL_MATERIALS, GROUPS
from ..dataset.procedural.render import MIN_SIZE, render_material
from ..host.demo_model import ARCHITECTURE, checkpoint_state, initial_state, load_weights, network_states, save_weights
from ..training.demo.autoencoder import decode_wrapped, encode_wrapped, normalise_latents, train_autoencoder
from ..training.demo.denoiser import Denoiser, train_denoiser
from ..training.demo.evaluation import NearestClass, psnr, texture_statistics
from ..training.demo.pool import Drawing, Pool
from ..training.demo.run import Average
from ..training.noise import NoiseSchedule

SIZE = 256
POOL = 1200  # images of 256 px: 236 MB
HELD_OUT = 600_000_000  # seeds from here on are never trained on; a multiple of six, as kinds take turns
LATENT_SCALE = 0.18215  # SD1's
UNSEEN = "terrazzo"  # left for the LoRA of the quick start to learn
KINDS = tuple(kind for kind in GROUPS[ALL_MATERIALS] if kind != UNSEEN)
KNOWN = 480  # held-out renders from which the evaluation learns what the materials look like
UNKNOWN = 120  # and those on which it sees how well it learnt that
GENERATED = 48  # images painted from held-out captions
STAGES = ("autoencoder", "decoder", "denoiser", "pack", "evaluate")
METADATA = {
    "title": "Tilewright demo model",
    "license": "MIT",
    "provenance": "Trained from random weights on Tilewright's own procedural materials; no other images or models.",
}


def main(arguments: list[str] | None = None) -> None:
    """Run the stages asked for, in order. The decoder may learn on in another process while the denoiser does."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stages", nargs="*", default=STAGES, help=f"of {', '.join(STAGES)}; all if none is named")
    parser.add_argument("--folder", type=Path, default=Path("output/demo_model"), help="states, logs, sheets, weights")
    parser.add_argument("--autoencoder-minutes", type=float, default=15)
    parser.add_argument("--decoder-minutes", type=float, default=15)
    parser.add_argument("--denoiser-minutes", type=float, default=60)
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    networks = initial_networks()
    for stage in options.stages:
        minutes = getattr(options, f"{stage}_minutes", 0)
        RUN[stage](networks, options.folder, 60 * minutes)


def autoencoder_stage(networks: torch.nn.ModuleDict, folder: Path, seconds: float) -> None:
    """Encoder and decoder together; leaves folder/latents.pt, whose encoder is final: the denoiser builds on it."""
    if (folder / "latents.pt").exists():
        return
    network, pool = networks["autoencoder"], Pool(draw, POOL)
    pool.renew(96)
    average = train_autoencoder(network, pool, folder, seconds, lambda now: reconstructions(network, now, folder))
    network.load_state_dict(average.weights)
    latents = torch.cat([encode_wrapped(network, as_input(drawing)) for drawing in pool.drawings[:200]])
    normalise_latents(network, latents, LATENT_SCALE)
    with written_whole(folder / "latents.pt") as unfinished:
        torch.save(network.state_dict(), unfinished)


def decoder_stage(networks: torch.nn.ModuleDict, folder: Path, seconds: float) -> None:
    """The decoder alone, on the latents as they are."""
    network, pool = networks["autoencoder"], Pool(draw, POOL, first_seed=HELD_OUT // 2)
    network.load_state_dict(torch.load(folder / "latents.pt", weights_only=True))
    pool.renew(96)
    train_autoencoder(network, pool, folder, seconds, lambda now: reconstructions(network, now, folder), True)


def denoiser_stage(networks: torch.nn.ModuleDict, folder: Path, seconds: float) -> None:
    """UNet and text encoder on the latents of the frozen encoder."""
    network = networks["autoencoder"]
    network.load_state_dict(torch.load(folder / "latents.pt", weights_only=True))
    denoiser = denoiser_of(networks)
    pool = Pool(draw, POOL)
    train_denoiser(denoiser, network, pool, folder, seconds, lambda now: samples(networks, now, folder))


def pack_stage(networks: torch.nn.ModuleDict, folder: Path, seconds: float) -> None:
    """The averaged weights of all stages so far as one file, folder/demo_model.safetensors."""
    files = {stage: folder / f"{stage}.pt" for stage in ("autoencoder", "decoder", "denoiser")}
    states = {stage: torch.load(file, weights_only=True) for stage, file in files.items() if file.exists()}
    vae = torch.load(folder / "latents.pt", weights_only=True)
    networks["autoencoder"].load_state_dict(states["decoder"]["average"] if "decoder" in states else vae)
    denoiser_of(networks).networks.load_state_dict(states["denoiser"]["average"])
    records = [render_material(KINDS[seed % len(KINDS)], seed, MIN_SIZE, maps=()).record for seed in range(1200)]
    captions = {caption for record in records for caption in captions_of(record)}
    tokens = ARCHITECTURE.tokens(["", *sorted(captions)]).unique()
    history = {f"{stage}_steps": str(state["step"]) for stage, state in states.items()}
    save_weights(folder / "demo_model.safetensors", checkpoint_state(networks), tokens, METADATA | history)


@torch.no_grad()
def evaluate_stage(networks: torch.nn.ModuleDict, folder: Path, seconds: float) -> None:
    """folder/evaluation.json and .png: the packed model on held-out renders and captions."""
    load_state(networks, load_weights(folder / "demo_model.safetensors"))
    network, denoiser = networks["autoencoder"], denoiser_of(networks)
    drawings = [draw(HELD_OUT + index) for index in range(KNOWN + UNKNOWN)]
    classes = torch.arange(len(drawings)) % len(KINDS)
    images = torch.cat([as_input(drawing) for drawing in drawings])
    results = torch.cat([through_autoencoder(network, image[None]) for image in images])
    judge = NearestClass.fitted(texture_statistics(results[:KNOWN]), classes[:KNOWN])
    told = judge.classify(texture_statistics(results[KNOWN:]))
    prompts = [drawing.captions[1] for drawing in drawings[KNOWN : KNOWN + GENERATED]]
    latents = [denoiser.paint([prompt], SIZE // 8, seed) for seed, prompt in enumerate(prompts)]
    generated = [decode_wrapped(network, latent) for latent in latents]
    generated_told = judge.classify(texture_statistics(torch.cat(generated)))
    figures = {
        "psnr": _by_material(psnr(results, images), classes),
        "renders_told_apart": _by_material((told == classes[KNOWN:]).float(), classes[KNOWN:]),
        "generated_told_apart": _by_material((generated_told == classes[:GENERATED]).float(), classes[:GENERATED]),
    }
    write_json(folder / "evaluation.json", figures)
    rows = [generated[row : row + len(KINDS)] for row in range(0, GENERATED, len(KINDS))]
    write_sheet(folder / "evaluation.png", rows)


def _by_material(values: torch.Tensor, classes: torch.Tensor) -> dict[str, float]:
    means = {name: values[classes == number].mean().item() for number, name in enumerate(KINDS)}
    return {"all": values.mean().item(), **means}


RUN = {
    "autoencoder": autoencoder_stage,
    "decoder": decoder_stage,
    "denoiser": denoiser_stage,
    "pack": pack_stage,
    "evaluate": evaluate_stage,
}


def initial_networks() -> torch.nn.ModuleDict:
    """The demo model's networks with seeded weights; every residual branch starts at zero, which trains faster."""
    networks = ARCHITECTURE.networks()
    load_state(networks, initial_state())
    for module in networks.modules():
        if type(module).__name__ == "ResnetBlock":
            torch.nn.init.zeros_(module.conv2.weight)
        if type(module).__name__ in ("AttnBlock", "SpatialTransformer"):
            torch.nn.init.zeros_(module.proj_out.weight)
        if type(module).__name__ == "ResBlock":
            torch.nn.init.zeros_(module.out_layers[-1].weight)
    torch.nn.init.zeros_(networks["unet"].out[-1].weight)
    return networks


def load_state(networks: torch.nn.ModuleDict, state: Mapping[str, torch.Tensor]) -> None:
    """A checkpoint's weights into `ARCHITECTURE.networks()`."""
    for part, weights in network_states(state).items():
        networks[part].load_state_dict(weights)


def denoiser_of(networks: torch.nn.ModuleDict) -> Denoiser:
    """The trainer's view of the UNet, which from now on wraps, and of the text encoder."""
    wrap_in_place(networks["unet"], Axes(x=True, y=True), "The demo model")
    schedule = NoiseSchedule.from_sigmas(ARCHITECTURE.sigmas(), "eps")
    return Denoiser(networks["unet"], networks["text_encoder"], ARCHITECTURE.tokens, LATENT_SCALE, schedule)


def draw(seed: int) -> Drawing:
    """The basecolor of the seed's material, with captions from full to short."""
    tile = render_material(KINDS[seed % len(KINDS)], seed, SIZE, maps=("basecolor",))
    return Drawing((tile.maps["basecolor"] * 255).round().byte(), captions_of(tile.record))


def captions_of(record: MaterialRecord) -> tuple[str, ...]:
    """Captions of a basecolor from full to short, so that both long and short prompts work."""
    variants = ((6, True), (4, True), (3, False), (0, True), (0, False))
    return tuple(caption_record(record, "basecolor", details, colors) for details, colors in variants)


def as_input(drawing: Drawing) -> torch.Tensor:
    """(1, 3, H, W) in -1..1."""
    return drawing.image[None].float() / 127.5 - 1


def through_autoencoder(network: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Tiles (B, 3, H, W) in -1..1 as the autoencoder gives them back: nothing sharper can be painted."""
    return decode_wrapped(network, encode_wrapped(network, images))


def reconstructions(network: torch.nn.Module, average: Average, folder: Path) -> None:
    """folder/autoencoder.png: held-out renders above what the averaged autoencoder makes of them."""
    averaged = copy.deepcopy(network)
    averaged.load_state_dict(average.weights)
    images = [as_input(draw(HELD_OUT + index)) for index in range(6)]
    results = [through_autoencoder(averaged, image) for image in images]
    write_sheet(folder / "autoencoder.png", [images, results])


def samples(networks: torch.nn.ModuleDict, average: Average, folder: Path) -> None:
    """folder/denoiser.png: a held-out caption of each material, above it the render it belongs to."""
    averaged = copy.deepcopy(networks)
    denoiser = denoiser_of(averaged)
    denoiser.networks.load_state_dict(average.weights)
    drawings = [draw(HELD_OUT + index) for index in range(6)]
    latents = denoiser.paint([drawing.captions[1] for drawing in drawings], SIZE // 8)
    short = denoiser.paint([drawing.captions[-1] for drawing in drawings], SIZE // 8, seed=1)
    rows = [[decode_wrapped(averaged["autoencoder"], latent[None]) for latent in row] for row in (latents, short)]
    write_sheet(folder / "denoiser.png", [[as_input(drawing) for drawing in drawings], *rows])


def write_sheet(path: Path, rows: list[list[torch.Tensor]]) -> None:
    """Rows of images (1, 3, H, W) in -1..1 as one PNG."""
    write_png(path, torch.cat([torch.cat(row, 3) for row in rows], 2)[0] / 2 + 0.5)
