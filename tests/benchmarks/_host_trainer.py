"""The host's own trainer, for benchmarks that measure Train LoRA beside it."""

from typing import Any

WIDGETS = {
    "grad_accumulation_steps": 1,
    "learning_rate": 1e-4,
    "optimizer": "AdamW",
    "loss_function": "MSE",
    "seed": 0,
    "lora_dtype": "fp32",
    "quantized_backward": False,
    "algorithm": "LoRA",
    "gradient_checkpointing": False,
    "checkpoint_depth": 1,
    "offloading": False,
    "existing_lora": "[None]",
    "bucket_mode": False,
}


def train_with_host(model: Any, latents: list[dict], texts: list, **widgets: Any) -> None:
    """Run TrainLoraNode, told batch_size, steps, rank, training_dtype ("fp32", "bf16") and bypass_mode."""
    from comfy_extras.nodes_train import TrainLoraNode

    TrainLoraNode.execute([model], latents, texts, **{name: [value] for name, value in (WIDGETS | widgets).items()})
