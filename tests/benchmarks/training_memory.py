"""What training takes: predicted beside measured on small models, and predicted for the models that people use.

Nothing is computed for the latter, and no weights are needed: their networks are built on the meta device in their real
sizes. With the argument "write" the tables go into docs/training_memory.md, with "real" only the second one is made.
"""

import re
import sys
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import conftest  # noqa: E402, F401 - puts the pack and the host on the path
import torch  # noqa: E402

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "training_memory.md"
CARDS = (8, 12, 16, 24)
FLUX = {
    "image_model": "flux",
    "in_channels": 16,
    "out_channels": 16,
    "vec_in_dim": 768,
    "context_in_dim": 4096,
    "hidden_size": 3072,
    "mlp_ratio": 4.0,
    "num_heads": 24,
    "depth": 19,
    "depth_single_blocks": 38,
    "axes_dim": [16, 56, 56],
    "theta": 10000,
    "patch_size": 2,
    "qkv_bias": True,
    "guidance_embed": True,
    "txt_ids_dims": [],
}
KLEIN = {
    **FLUX,
    "image_model": "flux2",
    "in_channels": 128,
    "out_channels": 128,
    "vec_in_dim": None,
    "context_in_dim": 7680,
    "mlp_ratio": 3.0,
    "depth": 5,
    "depth_single_blocks": 20,
    "axes_dim": [32, 32, 32, 32],
    "theta": 2000,
    "patch_size": 1,
    "qkv_bias": False,
    "ops_bias": False,
    "guidance_embed": False,
    "global_modulation": True,
    "mlp_silu_act": True,
    "txt_ids_dims": [3],
}
Z_IMAGE = {
    "image_model": "lumina2",
    "patch_size": 2,
    "in_channels": 16,
    "dim": 3840,
    "cap_feat_dim": 2560,
    "n_layers": 30,
    "qk_norm": True,
    "n_heads": 30,
    "n_kv_heads": 30,
    "axes_dims": [32, 48, 48],
    "axes_lens": [1536, 512, 512],
    "rope_theta": 256.0,
    "ffn_dim_multiplier": 8.0 / 3.0,
    "z_image_modulation": True,
    "time_scale": 1000.0,
    "pad_tokens_multiple": 32,
}
QWEN = {"image_model": "qwen_image", "in_channels": 64, "num_layers": 60}
MODELS = {  # host's class, its configuration, pixels a latent cell, and the shapes of a caption's tensors
    "Z-Image": ("ZImage", Z_IMAGE, 8, {"context": (1, 128, 2560)}),
    "Flux.2 klein 4B": ("Flux2", KLEIN, 16, {"context": (1, 512, 7680)}),
    "Flux.1 dev": ("Flux", FLUX, 8, {"context": (1, 512, 4096), "y": (1, 768)}),
    "Qwen-Image": ("QwenImage", QWEN, 8, {"context": (1, 128, 3584)}),
}


def real(name, pixels):
    """A training of the model in its real size: one image a step, rank 16, AdamW, a bf16 base."""
    import comfy.model_patcher
    import comfy.supported_models
    from tilewright.host.flow.families import flow_family
    from tilewright.host.in_graph.memory import META, Training
    from tilewright.host.in_graph.setup import Setup
    from tilewright.host.in_graph.trained_flow import TrainedFlow
    from tilewright.training.config import TrainingConfig
    from tilewright.training.text_rows import TextRows

    kind, facts, cell, text = MODELS[name]
    config = getattr(comfy.supported_models, kind)(facts)
    config.set_inference_dtype(torch.bfloat16, None)
    cpu = torch.device("cpu")
    model = comfy.model_patcher.ModelPatcher(config.get_model({}, device="meta"), cpu, cpu)
    channels = model.model.latent_format.latent_channels
    latents = torch.empty(1, channels, pixels // cell, pixels // cell, device=META)
    told = TextRows(({part: torch.empty(shape, device=META) for part, shape in text.items()},))
    trained = TrainedFlow(model, flow_family(model))
    return Training(Setup(trained, TrainingConfig(resolution=pixels), cpu, torch.bfloat16, False), latents, told)


def table(name, pixels):
    """Two rows: what each plan takes, and what is chosen for each card."""
    from tilewright.host.in_graph.memory import FRAGMENTS, WORKSPACE
    from tilewright.training.config.budget import GB
    from tilewright.training.memory.plan import BUT_ATTENTION, EVERYTHING, MemoryPlan, chosen_plan, plans

    training = real(name, pixels)
    trained = training.setup.model
    products = (torch.int8, torch.float8_e4m3fn)
    blocks = len(trained.blocks(trained.skeleton(torch.bfloat16)))
    predict = cache(training.footprint)
    whole = sum(value.numel() for value in trained.skeleton(torch.bfloat16).parameters())
    shown = [MemoryPlan(), MemoryPlan(BUT_ATTENTION), MemoryPlan(EVERYTHING)]
    shown += [MemoryPlan(plan.recomputed, True, 0, products) for plan in shown]
    shown += [MemoryPlan(EVERYTHING, True, blocks, products)]
    sizes = [f"{(predict(plan).total * FRAGMENTS + WORKSPACE) / GB:.1f}" for plan in shown]
    choices = []
    for card in CARDS:
        room = (card * GB - WORKSPACE) / FRAGMENTS
        plan, needed = chosen_plan(plans(training.setup.config, products), room, predict, blocks, streams=True)
        choices.append(_short(plan, blocks) if needed.total <= room else "no")
    print(f"{name}, {whole / 1e9:.1f} billion weights, {pixels} px: {sizes} {choices}", flush=True)
    return f"| {name} | {pixels} | {' | '.join(sizes)} |", f"| {name} | {pixels} | {' | '.join(choices)} |"


def _short(plan, blocks):
    from tilewright.training.memory.plan import BUT_ATTENTION, EVERYTHING

    kept = {BUT_ATTENTION: "selective", EVERYTHING: "recomputed"}.get(plan.recomputed, "plain")
    streamed = f", {plan.streamed} of {blocks} streamed" if plan.streamed else ""
    return f"{'8 bits' if plan.eight_bits else 'bf16'}, {kept}{streamed}"


def small():
    """Rows of predicted beside measured."""
    from measured_memory import SIZES, measured, predicted, settings, subject
    from tilewright.training.memory.plan import BUT_ATTENTION, EVERYTHING, MemoryPlan

    ways = {
        "plain": MemoryPlan(),
        "selective": MemoryPlan(BUT_ATTENTION),
        "recomputed": MemoryPlan(EVERYTHING),
        "8 bits": MemoryPlan(eight_bits=True),
        "8 bits, 2 blocks streamed": MemoryPlan(EVERYTHING, True, 2),
    }
    for name in [*SIZES, "demo model"]:
        for way, plan in ways.items():
            given = subject(name, dtype=torch.float32 if plan.streamed else torch.float16)
            said, took = predicted(given, plan, settings()), measured(given, plan, settings())
            row = f"| {name} | {way} | {said / 1e6:.1f} | {took / 1e6:.1f} | {100 * (said / took - 1):+.1f} % |"
            print(row, flush=True)
            yield row


def main():
    first = [] if "real" in sys.argv else list(small())
    second, third = zip(*(table(name, pixels) for name in MODELS for pixels in (512, 1024)), strict=True)
    if "write" in sys.argv:
        page = PAGE.read_text(encoding="utf-8")
        for rows in [rows for rows in (first, second, third) if rows]:
            page = _put(page, rows)
        PAGE.write_text(page, encoding="utf-8")


def _put(page, rows):
    """The page with these rows in place of those of the table with as many columns and the same first cell."""
    begin = re.escape(rows[0].split("|")[1])
    columns = rows[0].count("|")
    lines, found = [], False
    for line in page.splitlines():
        known = line.count("|") == columns and line.startswith("|") and not line.startswith(("|--", "| model"))
        if known and not found:
            lines += rows
        found = found or known
        lines += [] if known else [line]
    assert found, f"the page has no table with {begin}"
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
