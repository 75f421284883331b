"""What training a flow transformer on tori is worth: seams of pictures sampled WITHOUT Seamless Model.

A small Flux of the host's class is taught waves of any length first, which do not close on themselves; then LoRAs are
trained on waves that do, equal but for `wrap` (positions rounded to whole turns) and `roll`. All are sampled alike, by
Euler's method with ordinary positions, and once with the positions of Seamless Model. Q is the wrap line against the
strongest line inside (1.05 and less is seamless), shown as the mean over both axes and all pictures, and the share of
pictures that are seamless along both. "learnt" is the model without a LoRA, "the set" what is to be learnt.
Arguments: steps of the model (default 1200), of a LoRA (300), pictures (32).
"""

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import conftest  # noqa: E402, F401 - puts the pack and the host on the path

CASES = {"off": ("off", False), "roll": ("off", True), "wrap": ("on", False), "wrap and roll": ("on", True)}
SIDE, WAVES, BATCH, SIZE = 16, 3, 16, {"hidden_size": 64, "depth": 2, "depth_single_blocks": 2}
SEAMLESS = 1.05


def waves(count: int, closed: bool, draw: Any) -> Any:
    """Sums of a few waves (count, 1, SIDE, SIDE), of whole turns over the picture where they are closed."""
    import torch

    place = torch.arange(SIDE) / SIDE
    pictures = torch.zeros(count, SIDE, SIDE)
    for _ in range(WAVES):
        turns = 1 + 2 * torch.rand(count, 2, generator=draw)
        turns = turns.round() if closed else turns
        turns *= torch.where(torch.rand(count, 2, generator=draw) < 0.5, -1.0, 1.0)
        phase = torch.rand(count, generator=draw)
        angle = turns[:, 0, None, None] * place[:, None] + turns[:, 1, None, None] * place + phase[:, None, None]
        pictures += (2 * math.pi * angle).sin()
    return (pictures / math.sqrt(WAVES / 2)).unsqueeze(1)


def channels() -> Any:
    """What brings a picture of one channel to sixteen, and by its transpose back."""
    import torch

    mix = torch.randn(16, 1, generator=torch.Generator().manual_seed(3))
    return mix / mix.norm()


def latents(count: int, closed: bool, seed: int) -> Any:
    import torch

    return torch.einsum("bchw,kc->bkhw", waves(count, closed, torch.Generator().manual_seed(seed)), 4 * channels())


def pictures_of(latent: Any) -> Any:
    import torch

    return torch.einsum("bkhw,kc->bchw", latent, channels() / 4)


def learnt(steps: int) -> Any:
    """A MODEL that paints waves."""
    import torch
    from small_flows import small_flow

    model = small_flow("FluxSchnell", spread=0.7, **SIZE)
    with parts_of(model, "off") as (trained, network, denoise):
        network.requires_grad_(True)
        optimizer = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=0.0)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, steps)
        draw = torch.Generator().manual_seed(0)
        with trained.training():
            for step in range(steps):
                clean = latents(BATCH, False, 1000 + step)
                noise = torch.randn(clean.shape, generator=draw)
                sigmas = torch.randn(BATCH, generator=draw).sigmoid()
                noisy = clean + sigmas.view(-1, 1, 1, 1) * (noise - clean)
                loss = (denoise(noisy, sigmas, words(BATCH)) - (noise - clean)).square().mean()
                loss.backward()
                optimizer.step()
                optimizer.zero_grad()
                schedule.step()
                if step % 200 == 199:
                    print(f"model, step {step + 1}: loss {loss.item():.3f}", flush=True)
        network.requires_grad_(False)
    return model


def words(rows: int) -> Any:
    import torch
    from tilewright.training.text_rows import TextRows

    return TextRows(tuple({"context": torch.ones(1, 4, 24), "y": torch.ones(1, 16)} for _ in range(rows)))


@contextmanager
def parts_of(model: Any, wrap: str, roll: bool = False, steps: int = 1) -> Iterator[tuple[Any, Any, Any]]:
    """The model as it is trained, its network, which shares the model's weights, and its denoiser."""
    import torch
    from tilewright.host.flow.families import flow_family
    from tilewright.host.in_graph.trained_flow import TrainedFlow

    config = config_of(wrap, roll, steps)
    with torch.inference_mode(False):
        trained = TrainedFlow(model, flow_family(model))
        network = trained.network(config, torch.device("cpu"), torch.float32, wrap == "on")
        yield trained, network, trained.denoiser(network, config, wrap == "on")


def config_of(wrap: str, roll: bool, steps: int) -> Any:
    from tilewright.nodes.training.run_inputs import run_config
    from tilewright.training.config import ObjectiveConfig

    whole = {"steps": steps, "batch_size": 8, "resolution": 8 * SIDE, "seed": 0}
    widgets = {"rank": 16, "alpha": 16.0, "learning_rate": 2e-3, **whole}
    return run_config(widgets, objective=ObjectiveConfig(wrap=wrap, roll=roll))


def lora(model: Any, wrap: str, roll: bool, steps: int) -> dict:
    """What is trained on waves that close on themselves, 24 of them."""
    import torch
    from tilewright.training.data import Example
    from tilewright.training.loop import Trainer
    from tilewright.training.lora import LoraNetwork

    config = config_of(wrap, roll, steps)
    examples = [Example(one, "waves", (8 * SIDE, 8 * SIDE), tileable=True) for one in latents(24, True, 7)]
    with parts_of(model, wrap, roll, steps) as (trained, network, denoise):
        made = LoraNetwork(trained.layers(network, config), config.network, 0)
        device, schedule = torch.device("cpu"), trained.schedule(config)
        trainer = Trainer(made, denoise, lambda rows, _: words(len(rows)), examples, schedule, config, device)
        made.attach()
        with trained.training():
            for _ in trainer.run():
                pass
        state = trainer.kohya_state()
        made.detach()
    return state


def painted(model: Any, state: dict | None, wrap: str, count: int) -> Any:
    """Pictures (count, 1, SIDE, SIDE) of the model with a LoRA, from the same noise."""
    import torch
    from tilewright.training.lora import LoraNetwork
    from tilewright.training.sampling import sample

    with parts_of(model, wrap) as (trained, network, denoise), torch.no_grad():
        config = config_of(wrap, False, 1)
        made = LoraNetwork(trained.layers(network, config), config.network, 0)
        if state:
            made.load_kohya_state(state)
            made.attach()
        noise = torch.randn(count, 16, SIDE, SIDE, generator=torch.Generator().manual_seed(11))
        told = words(count)
        return pictures_of(sample(denoise, trained.schedule(config), noise, told, told, 20, 1.0))


def judged(pictures: Any) -> str:
    """By the same ratio as common/seams.py, which leaves out the edges and so measures no picture below 24 pixels."""
    import torch

    ratios = []
    for axis in (-1, -2):
        steps = (pictures - pictures.roll(1, axis)).abs().mean(dim=(1, -1 if axis == -2 else -2))
        ratios.append(steps[:, 0] / steps[:, 1:].max(dim=1).values)
    both = torch.stack(ratios)
    return f"{both.mean().item():>8.2f}{(both.max(dim=0).values <= SEAMLESS).float().mean().item():>8.0%}"


def main() -> None:
    import torch

    model_steps, steps, count = [*map(int, sys.argv[1:]), *(1200, 300, 32)[len(sys.argv) - 1 :]]
    model = learnt(model_steps)
    print(f"{'LoRA':<16}{'plain Q':>8}{'closed':>8}{'seamless Q':>12}{'closed':>8}")
    print(f"{'the set':<16}{judged(waves(count, True, torch.Generator().manual_seed(5)))}")
    print(f"{'learnt':<16}{judged(painted(model, None, 'off', count))}    {judged(painted(model, None, 'on', count))}")
    for name, (wrap, roll) in CASES.items():
        state = lora(model, wrap, roll, steps)
        plain, seamless = (judged(painted(model, state, how, count)) for how in ("off", "on"))
        print(f"{name:<16}{plain}    {seamless}", flush=True)


if __name__ == "__main__":
    main()
