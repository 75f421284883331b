"""What training on tori is worth: seams of pictures sampled WITHOUT the seamless nodes, and the held-out loss.

Four LoRAs on the same procedural renders with the demo model, equal but for `wrap` (the UNet's convolutions) and `roll`
(random shifts of the latents). Q is the wrap line against the strongest line inside: 1.05 and less is seamless.
Arguments: steps (default 300), renders (default 24), pictures per LoRA (default 8), side in pixels (default 256).
"""

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import conftest  # noqa: E402, F401 - puts the pack and the host on the path

CASES = {"off": ("off", False), "roll": ("off", True), "wrap": ("on", False), "wrap and roll": ("on", True)}
CAPTION = "bricks"


def captioned_renders(count: int, side: int) -> Any:
    """A dataset of procedural bricks, each captioned alike: what differs between the LoRAs is not the words."""
    from tilewright.nodes.dataset.nodes import RenderProcedural

    rendered = RenderProcedural.execute("bricks", count, side, 7, "torus_training").result[0]
    return rendered.with_captions(lambda sample: CAPTION)


def trained(checkpoint: tuple, dataset: Any, wrap: str, roll: bool, steps: int, side: int) -> Any:
    """The LoRA of one case; its validation losses are measured the same way in all of them."""
    from tilewright.nodes.training.adapter import train_lora, training_config
    from tilewright.training.config import ObjectiveConfig, SavingConfig

    model, clip, vae = checkpoint
    options = {
        "objective": ObjectiveConfig(wrap=wrap, roll=roll),
        "saving": SavingConfig(validation_share=0.2, validation_every=steps, resume=False),
    }
    config = training_config(options, 16, 16.0, 5e-4, steps=steps, batch_size=4, resolution=side, seed=0)
    return train_lora(model, vae, clip, dataset, "torus", config)


def seams(checkpoint: tuple, lora: dict, count: int, side: int) -> tuple[float, float]:
    """Median Q and R2 over both axes of `count` pictures from the host's sampler, with nothing seamless about it."""
    import comfy.sample
    import torch
    from tilewright.nodes.common.layout import to_bchw
    from tilewright.nodes.common.seams import seam_statistics
    from tilewright.nodes.host.training import with_lora

    model, clip, vae = checkpoint
    model, clip = with_lora(model, clip, lora)
    told, untold = (clip.encode_from_tokens_scheduled(clip.tokenize(text)) for text in (CAPTION, ""))
    found = []
    for seed in range(count):
        noise = torch.randn(1, 4, side // 8, side // 8, generator=torch.Generator().manual_seed(seed))
        latent = comfy.sample.sample(
            model, noise, 20, 6.0, "euler", "normal", told, untold, torch.zeros_like(noise), seed=seed
        )
        picture = to_bchw(vae.decode(latent)).float()
        found += [seam_statistics(picture, axis) for axis in ("x", "y")]
    return statistics.median(one.q for one in found), statistics.median(one.r2 for one in found)


def main() -> None:
    import folder_paths
    import torch
    from tilewright.nodes.training.demo_model import load_demo_model

    given = [int(argument) for argument in sys.argv[1:]]
    steps, renders, pictures, side = given + [300, 24, 8, 256][len(given) :]
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        folder_paths.set_output_directory(folder)
        checkpoint = load_demo_model()
        dataset = captioned_renders(renders, side)
        print(f"{'training':<16}{'Q':>8}{'R2':>8}{'held-out loss: before':>24}{'after':>9}")
        for name, (wrap, roll) in CASES.items():
            run = trained(checkpoint, dataset, wrap, roll, steps, side)
            q, r2 = seams(checkpoint, run.state, pictures, side)
            before, after = run.validation[0][1], run.validation[-1][1]
            print(f"{name:<16}{q:>8.3f}{r2:>8.3f}{before:>24.4f}{after:>9.4f}", flush=True)


if __name__ == "__main__":
    main()
