"""The pictures of a grid on every family of flow models, seamless and by windows too: as KSampler paints them."""

from types import SimpleNamespace

import pytest
import torch
from small_flows import NAMES, random, small_flow
from tilewright.evaluation.grid import Sampling
from tilewright.host.demo_model import load_demo_model
from tilewright.host.painting import Painter, encode_texts
from tilewright.nodes.seamless import SeamlessModel
from tilewright.nodes.upscale import TiledDiffusion

import nodes

pytestmark = pytest.mark.slow
SAMPLING = Sampling(2, 3.0, "euler", "simple", 128, 64)


def as_picture(samples):
    """(B, H, W, 3): three channels of latents, which may have a dimension for time."""
    return samples.reshape(len(samples), -1, *samples.shape[-2:])[:, :3].movedim(1, -1)


SHOWN = SimpleNamespace(decode=as_picture)
ROWS = [(0, 1), (1, 1), (0, 2)]


def conditioning(name, seed, words=5):
    options = {"pooled_output": random(1, 16, seed=seed + 1)} if name in ("Flux", "FluxSchnell", "SD3") else {}
    return [[random(1, words, 24, seed=seed), options]]


def seamless(model):
    return SeamlessModel.execute(model, "both").args[0]


def windows(model):
    return TiledDiffusion.execute(model, 64, 32, "Mixture of Diffusers", "both", 2).args[0]


def painted(model, texts, rows=ROWS, batch_size=0):
    pictures = {}
    painter = Painter(SHOWN, SAMPLING, batch_size, lambda *_: None)
    for numbers, batch in painter.paint(model, texts[:-1], texts[-1], rows):
        pictures.update(zip(numbers, batch, strict=True))
    return [pictures[number] for number in range(len(rows))]


@torch.inference_mode()
def by_the_host(model, positive, negative, seed):
    latent = nodes.EmptyLatentImage().generate(SAMPLING.width, SAMPLING.height)[0]
    samples = nodes.common_ksampler(
        model, seed, SAMPLING.steps, SAMPLING.cfg, SAMPLING.sampler_name, SAMPLING.scheduler, positive, negative, latent
    )[0]
    return as_picture(samples["samples"])[0]


def compare(model, texts):
    """Bit for bit one by one, and but for the last bits all at once."""
    single, batched = painted(model, texts, batch_size=1), painted(model, texts)
    for (prompt, seed), alone, beside in zip(ROWS, single, batched, strict=True):
        assert torch.equal(alone, by_the_host(model, texts[prompt], texts[-1], seed))
        assert (alone - beside).abs().max() <= 1e-3 * alone.abs().max()


@pytest.mark.parametrize("name", NAMES)
def test_a_flow_model_paints_what_ksampler_paints(name):
    compare(small_flow(name), [conditioning(name, seed) for seed in (1, 3, 5)])


@pytest.mark.parametrize("changed", [seamless, windows])
@pytest.mark.parametrize("name", ["Flux", "ZImage"])
def test_a_flow_model_that_is_seamless_or_tiled_does_too(name, changed):
    compare(changed(small_flow(name)), [conditioning(name, seed) for seed in (1, 3, 5)])


@pytest.mark.parametrize("changed", [seamless, windows])
def test_so_does_the_demo_model(changed):
    model, clip, _ = load_demo_model()
    with torch.inference_mode():
        texts = encode_texts(clip, ["brick wall", "woven reed", ""])
    compare(changed(model), texts)


def test_prompts_of_other_lengths_have_batches_of_their_own():
    texts = [conditioning("ZImage", 1), conditioning("ZImage", 3, words=9), conditioning("ZImage", 5)]
    compare(small_flow("ZImage"), texts)
