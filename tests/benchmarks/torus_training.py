"""What training on tori is worth: seams of pictures sampled WITHOUT the seamless nodes, and the loss on unseen renders.

LoRAs on the same procedural renders with the demo model, equal but for `wrap` (the UNet's convolutions) and `roll`
(random shifts of the latents). All are judged alike: the host's sampler on the plain model, and the loss on renders
that none has seen, shifted at random, with the plain UNet and with the wrapped one. Q is the wrap line against the
strongest line inside (1.05 and less is seamless), R2 the step across it against the steps inside. The demo VAE
draws a line of its own along the border when it does not wrap, which would hide what the LoRAs do; so Q and R2 are of
pictures decoded with a wrapped VAE, and "Q, plain" of those decoded without.
Every seed has renders, noise and pictures of its own; shown are the means and standard deviations over the seeds.
Arguments: steps (default 300), renders (24), pictures per LoRA (8), learning rate (5e-4), seeds (1).
"""

import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import conftest  # noqa: E402, F401 - puts the pack and the host on the path

CASES = {"off": ("off", False), "roll": ("off", True), "wrap": ("on", False), "wrap and roll": ("on", True)}
CAPTION = "bricks"
SIDE, UNSEEN = 256, 6
COLUMNS = ("Q", "R2", "Q, plain", "loss, plain", "loss, wrapped")


def captioned_renders(count: int, seed: int) -> Any:
    """A dataset of procedural bricks, each captioned alike: what differs between the LoRAs is not the words."""
    from tilewright.nodes.dataset.render_procedural import RenderProcedural

    rendered = RenderProcedural.execute("bricks", count, SIDE, 7 + 1000 * seed, f"torus_training_{seed}").result[0]
    return rendered.with_captions(lambda sample: CAPTION)


def trained(checkpoint: tuple, dataset: Any, wrap: str, roll: bool, steps: int, rate: float, seed: int) -> dict:
    """The weights of one case's LoRA."""
    from tilewright.host.in_graph.order import Order
    from tilewright.host.in_graph.run import train_lora
    from tilewright.nodes.training.run_inputs import run_config
    from tilewright.training.config import NetworkConfig, ObjectiveConfig, SavingConfig

    model, clip, vae = checkpoint
    options = {
        "network": NetworkConfig(conv_rank=8),
        "objective": ObjectiveConfig(wrap=wrap, roll=roll),
        "saving": SavingConfig(resume=False),
    }
    widgets = {"rank": 16, "alpha": 16.0, "learning_rate": rate, "steps": steps, "batch_size": 4, "seed": seed}
    config = run_config({**widgets, "resolution": SIDE}, **options)
    return train_lora(Order(model, vae, clip, dataset, "torus", config)).state


def seams(checkpoint: tuple, seeds: range) -> tuple[float, float, float]:
    """Median Q and R2 over both axes of the pictures of `seeds`, and Q of those that a plain VAE decodes."""
    import comfy.sample
    import torch
    from tilewright.common.layout import to_bchw
    from tilewright.common.seams import seam_statistics
    from tilewright.host.in_graph.latents import wrapped_vae

    model, clip, vae = checkpoint
    told, untold = (clip.encode_from_tokens_scheduled(clip.tokenize(text)) for text in (CAPTION, ""))
    wrapped, plain = [], []
    for seed in seeds:
        noise = torch.randn(1, 4, SIDE // 8, SIDE // 8, generator=torch.Generator().manual_seed(seed))
        latent = comfy.sample.sample(
            model, noise, 20, 6.0, "euler", "normal", told, untold, noise * 0, seed=seed, disable_pbar=True
        )
        for decoder, found in ((wrapped_vae(vae), wrapped), (vae, plain)):
            picture = to_bchw(decoder.decode(latent)).float()
            found += [seam_statistics(picture, axis) for axis in ("x", "y")]
    median = statistics.median
    return median(one.q for one in wrapped), median(one.r2 for one in wrapped), median(one.q for one in plain)


def unseen_loss(checkpoint: tuple, dataset: Any, wrap: bool) -> float:
    """Mean squared error over unseen renders, each at eight timesteps and eight places of its torus."""
    import torch
    from tilewright.host.in_graph.checks import base_model
    from tilewright.host.in_graph.latents import cached_examples
    from tilewright.host.in_graph.model import noise_schedule, training_unet, unet_denoiser
    from tilewright.host.in_graph.text_conditioning import text_encoder
    from tilewright.training.config import TrainingConfig

    model, clip, vae = checkpoint
    config, cpu = TrainingConfig(resolution=SIDE), torch.device("cpu")
    unet = training_unet(model, config, cpu, torch.float32, wrap)
    examples = cached_examples(model, vae, dataset, config)
    texts, _ = text_encoder(model, clip, examples, config, cpu)
    schedule = noise_schedule(model, base_model(model), config)
    draw, losses = torch.Generator().manual_seed(0), []
    for example in examples:
        shifts = torch.randint(0, SIDE // 8, (8, 2), generator=draw).tolist()
        latents = torch.stack([example.latent.roll(shift, (-2, -1)) for shift in shifts])
        noise = torch.randn(latents.shape, generator=draw)
        timesteps = (torch.arange(8) * 125) + 62
        noisy = schedule.add_noise(latents, noise, timesteps)
        prediction = unet_denoiser(unet)(noisy, timesteps, texts([CAPTION] * 8, [example.size] * 8))
        losses.append((prediction - noise).square().mean())
    return torch.stack(losses).mean().item()


def judged(checkpoint: tuple, unseen: Any, pictures: range) -> tuple[float, ...]:
    """A row of the table."""
    return (*seams(checkpoint, pictures), *(unseen_loss(checkpoint, unseen, wrap) for wrap in (False, True)))


def rows_of_seed(
    checkpoint: tuple, steps: int, renders: int, pictures: int, rate: float, seed: int
) -> Iterator[tuple[str, tuple]]:
    """The name and the figures of the model without a LoRA and of each LoRA."""
    from tilewright.host.training import with_lora

    whole = captioned_renders(renders + UNSEEN, seed)
    seen, unseen = (replace(whole, samples=part) for part in (whole.samples[:-UNSEEN], whole.samples[-UNSEEN:]))
    painted = range(seed * pictures, (seed + 1) * pictures)
    yield "none", judged(checkpoint, unseen, painted)
    model, clip, vae = checkpoint
    for name, (wrap, roll) in CASES.items():
        lora = trained(checkpoint, seen, wrap, roll, steps, rate, seed)
        yield name, judged((*with_lora(model, clip, lora), vae), unseen, painted)


def line(name: str, figures: list[tuple[float, ...]]) -> str:
    """A row of means over the seeds, each with its standard deviation where there are several."""
    columns = []
    for digits, values in zip((3, 3, 3, 4, 4), zip(*figures, strict=True), strict=True):
        spread = f" ±{statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
        columns.append(f"{statistics.mean(values):.{digits}f}{spread}")
    return f"{name:<16}" + "".join(f"{column:>17}" for column in columns)


def main() -> None:
    import folder_paths
    import torch
    from tilewright.host.demo_model import load_demo_model

    given = [float(argument) for argument in sys.argv[1:]]
    steps, renders, pictures, rate, seeds = given + [300, 24, 8, 5e-4, 1][len(given) :]
    found: dict[str, list[tuple[float, ...]]] = {}
    print(f"{'training':<16}" + "".join(f"{title:>17}" for title in COLUMNS))
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        folder_paths.set_output_directory(folder)
        checkpoint = load_demo_model()
        for seed in range(int(seeds)):
            for name, figures in rows_of_seed(checkpoint, int(steps), int(renders), int(pictures), rate, seed):
                found.setdefault(name, []).append(figures)
                print(f"{line(name, [figures])}  seed {seed}", flush=True)
    if seeds > 1:
        print("\n".join(line(name, figures) for name, figures in found.items()))


if __name__ == "__main__":
    main()
