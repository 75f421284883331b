"""`python run.py train-demo-model`: trains the model behind TilewrightDemoModel on Tilewright's own materials.

The adapter between the trainer in `training/demo`, which knows no ComfyUI, and the networks, renders and captions.
"""

import argparse
import copy
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from ..common.axes import Axes
from ..common.files import written_whole
from ..common.wrapped_convolutions import wrap_in_place
from ..dataset.procedural.render import MIN_SIZE, render_material
from ..host.architecture import SD1Architecture
from ..host.demo_model import (
    ARCHITECTURE,
    ARCHITECTURES,
    checkpoint_state,
    initial_state,
    load_weights,
    network_states,
    save_weights,
)
from ..training.demo import autoencoder as autoencoders
from ..training.demo import denoiser as denoisers
from ..training.demo.autoencoder import align_latents, encode_wrapped, normalise_latents, train_autoencoder
from ..training.demo.denoiser import Denoiser, train_denoiser
from ..training.demo.growth import grown
from ..training.demo.pool import Pool
from ..training.demo.run import Average, Clock
from ..training.noise import NoiseSchedule
from .demo_model_course import COURSES, HELD_OUT, Course, as_input, captions_of
from .demo_model_report import paintings, reconstructions, report

POOL = 1200  # images of 256 px: 236 MB
LATENT_SCALE = 0.18215  # SD1's
SPOKEN = 200  # renders of each material whose captions say which words the file must hold
STARTED_LEARNING = 0.5  # of the usual learning rate, where a training starts from trained weights
STAGES = ("autoencoder", "decoder", "denoiser", "pack", "evaluate")
METADATA = {
    "title": "Tilewright demo model",
    "license": "MIT",
    "provenance": "Trained from random weights on Tilewright's own procedural materials; no other images or models.",
}


@dataclass(frozen=True)
class Run:
    """One call of the command: minutes of processor time for each stage, and when it must end by the wall's clock."""

    course: Course
    folder: Path
    minutes: Mapping[str, float]
    end: float
    weights: Path | None = None
    start_from: Path | None = None

    @property
    def boldness(self) -> float:
        """Of the learning rate; what is trained already is not to be undone by large steps."""
        return STARTED_LEARNING if self.start_from else 1.0

    @property
    def architecture(self) -> SD1Architecture:
        return ARCHITECTURES[self.course.architecture]

    def clock(self, stage: str) -> Clock:
        return Clock(60 * self.minutes[stage], self.end - time.monotonic())


def main(arguments: list[str] | None = None) -> None:
    """Run the stages asked for, in order, each from where the folder's states say it was. The decoder may learn on in
    another process while the denoiser does."""
    options = _parser().parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    minutes = {stage: getattr(options, f"{stage}_minutes") for stage in ("autoencoder", "decoder", "denoiser")}
    end = time.monotonic() + 60 * options.time_limit
    run = Run(COURSES[options.course], options.folder, minutes, end, options.weights, options.start_from)
    networks = initial_networks(run.architecture)
    if run.start_from:
        grow_networks(networks, load_weights(run.start_from))
    for stage in options.stages:
        RUN[stage](networks, run)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="run.py train-demo-model", description=__doc__.splitlines()[0])
    parser.add_argument("stages", nargs="*", default=STAGES, help=f"of {', '.join(STAGES)}; all if none is named")
    parser.add_argument("--course", choices=list(COURSES), default="everyday", help="which materials and maps")
    parser.add_argument("--folder", type=Path, default=Path("output/demo_model"), help="states, logs, sheets, weights")
    parser.add_argument("--autoencoder-minutes", type=float, default=150, help="of processor time, for one thread")
    parser.add_argument("--decoder-minutes", type=float, default=90, help="the same")
    parser.add_argument("--denoiser-minutes", type=float, default=360, help="the same")
    parser.add_argument(
        "--time-limit",
        type=float,
        default=float("inf"),
        metavar="MINUTES",
        help="by the clock on the wall; states are kept, and the same command goes on from them",
    )
    parser.add_argument(
        "--start-from", type=Path, metavar="FILE", help="a packed model, perhaps a smaller one, to go on from"
    )
    parser.add_argument("--weights", type=Path, help="evaluate this file instead of the folder's")
    return parser


def autoencoder_stage(networks: torch.nn.ModuleDict, run: Run) -> None:
    """Encoder and decoder together; leaves folder/latents.pt, whose encoder is final: the denoiser builds on it."""
    final = run.folder / "latents.pt"
    if final.exists():
        return
    network, pool, clock = networks["autoencoder"], Pool(run.course.draw, POOL), run.clock("autoencoder")
    pool.renew(96)
    sheet = run.folder / "autoencoder.png"
    before = copy.deepcopy(network)
    average = train_autoencoder(
        network,
        pool,
        run.folder,
        clock,
        lambda now: reconstructions(network, now, run.course, sheet),
        peak=run.boldness * autoencoders.PEAK_LEARNING_RATE,
    )
    if clock.progress < 1:
        return
    network.load_state_dict(average.weights)
    images = [as_input(drawing) for drawing in pool.drawings[:200]]
    latents = torch.cat([encode_wrapped(network, image) for image in images])
    if run.start_from:  # the denoiser that goes on knows the latents of the autoencoder that came with it
        align_latents(network, latents, torch.cat([encode_wrapped(before, image) for image in images]))
    else:
        normalise_latents(network, latents, LATENT_SCALE)
    with written_whole(final) as unfinished:
        torch.save(network.state_dict(), unfinished)


def decoder_stage(networks: torch.nn.ModuleDict, run: Run) -> None:
    """The decoder alone, on the latents as they are."""
    if not _finished_latents(networks, run):
        return
    network, pool = networks["autoencoder"], Pool(run.course.draw, POOL, first_seed=HELD_OUT // 2)
    pool.renew(96)
    sheet = run.folder / "decoder.png"
    train_autoencoder(
        network,
        pool,
        run.folder,
        run.clock("decoder"),
        lambda now: reconstructions(network, now, run.course, sheet),
        decoder_only=True,
        peak=run.boldness * autoencoders.PEAK_LEARNING_RATE,
    )


def denoiser_stage(networks: torch.nn.ModuleDict, run: Run) -> None:
    """UNet and text encoder on the latents of the frozen encoder."""
    if not _finished_latents(networks, run):
        return
    network, denoiser = networks["autoencoder"], denoiser_of(networks)
    pool, clock = Pool(run.course.draw, POOL), run.clock("denoiser")
    train_denoiser(
        denoiser,
        network,
        pool,
        run.folder,
        clock,
        lambda now: samples(networks, now, run),
        patched=0.0 if run.start_from else denoisers.PATCHED,  # what it knows are whole tiles
        peak=run.boldness * denoisers.PEAK_LEARNING_RATE,
    )


def pack_stage(networks: torch.nn.ModuleDict, run: Run) -> None:
    """The averaged weights of all stages so far as one file, folder/demo_model.safetensors."""
    states = _states(run.folder)
    if "denoiser" not in states or not _finished_latents(networks, run):
        return
    if "decoder" in states:
        networks["autoencoder"].load_state_dict(states["decoder"]["average"])
    denoiser_of(networks).networks.load_state_dict(states["denoiser"]["average"])
    save_weights(
        run.folder / "demo_model.safetensors", checkpoint_state(networks), spoken_tokens(run.course),
        METADATA
        | {"architecture": run.course.architecture, "materials": ", ".join(run.course.materials)}
        | {f"{stage}_steps": str(state["step"]) for stage, state in states.items()},
    )  # fmt: skip


def spoken_tokens(course: Course) -> torch.Tensor:
    """The numbers of all tokens that captions of the course are made of."""
    captions = {""}
    for seed in range(SPOKEN * len(course.materials)):
        record = render_material(course.materials[course.material(seed)], seed, MIN_SIZE, maps=()).record
        captions |= {caption for kind in course.shares for caption in captions_of(record, kind)}
    return ARCHITECTURE.tokens(sorted(captions)).unique()


def evaluate_stage(networks: torch.nn.ModuleDict, run: Run) -> None:
    """folder/evaluation.json and .png: the weights on held-out renders and captions; of a training that isn't done yet
    what can be said of its autoencoder."""
    packed, states = run.weights or run.folder / "demo_model.safetensors", _states(run.folder)
    if packed.exists():
        load_networks(networks, load_weights(packed))
        report(networks["autoencoder"], denoiser_of(networks), run.course, run.folder, packed.stem)
    elif "autoencoder" in states:
        networks["autoencoder"].load_state_dict(states["autoencoder"]["average"])
        report(networks["autoencoder"], None, run.course, run.folder)


RUN = {
    "autoencoder": autoencoder_stage,
    "decoder": decoder_stage,
    "denoiser": denoiser_stage,
    "pack": pack_stage,
    "evaluate": evaluate_stage,
}


def initial_networks(architecture: SD1Architecture = ARCHITECTURE) -> torch.nn.ModuleDict:
    """The demo model's networks with seeded weights; every residual branch starts at zero, which trains faster."""
    networks = architecture.networks()
    load_networks(networks, initial_state(architecture=architecture))
    for module in networks.modules():
        if type(module).__name__ == "ResnetBlock":
            torch.nn.init.zeros_(module.conv2.weight)
        if type(module).__name__ in ("AttnBlock", "SpatialTransformer"):
            torch.nn.init.zeros_(module.proj_out.weight)
        if type(module).__name__ == "ResBlock":
            torch.nn.init.zeros_(module.out_layers[-1].weight)
    torch.nn.init.zeros_(networks["unet"].out[-1].weight)
    return networks


def load_networks(networks: torch.nn.ModuleDict, state: Mapping[str, torch.Tensor]) -> None:
    """A checkpoint's weights into an architecture's networks."""
    for part, weights in network_states(state).items():
        networks[part].load_state_dict(weights)


def grow_networks(networks: torch.nn.ModuleDict, state: Mapping[str, torch.Tensor]) -> None:
    """A checkpoint's weights into networks that may be larger and then compute the same."""
    generator = torch.Generator().manual_seed(0)
    for part, weights in network_states(state).items():
        networks[part].load_state_dict(grown(networks[part], weights, generator))


def denoiser_of(networks: torch.nn.ModuleDict) -> Denoiser:
    """The trainer's view of the UNet, which from now on wraps, and of the text encoder."""
    wrap_in_place(networks["unet"], Axes(x=True, y=True), "The demo model")
    schedule = NoiseSchedule.from_sigmas(ARCHITECTURE.sigmas(), "eps")
    return Denoiser(networks["unet"], networks["text_encoder"], ARCHITECTURE.tokens, LATENT_SCALE, schedule)


def samples(networks: torch.nn.ModuleDict, average: Average, run: Run) -> None:
    """folder/denoiser.png: what the averaged denoiser paints."""
    averaged = copy.deepcopy(networks)
    denoiser = denoiser_of(averaged)
    denoiser.networks.load_state_dict(average.weights)
    paintings(denoiser, averaged["autoencoder"], run.course, run.folder / "denoiser.png")


def _finished_latents(networks: torch.nn.ModuleDict, run: Run) -> bool:
    """Load the autoencoder whose latents the later stages build on; without it they wait for another run."""
    final = run.folder / "latents.pt"
    if final.exists():
        networks["autoencoder"].load_state_dict(torch.load(final, weights_only=True))
    return final.exists()


def _states(folder: Path) -> dict[str, dict]:
    files = {stage: folder / f"{stage}.pt" for stage in ("autoencoder", "decoder", "denoiser")}
    return {stage: torch.load(file, weights_only=True) for stage, file in files.items() if file.exists()}
