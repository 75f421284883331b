"""The trainer's nodes."""

from typing import Any

from comfy_api.latest import io

from ...training.config import (
    ACCELERATIONS,
    CACHES,
    PRECISIONS,
    NetworkConfig,
    ObjectiveConfig,
    OptimizerConfig,
    SavingConfig,
)
from ...training.plot import plot_losses
from ..common.errors import InputError
from ..common.files import check_name
from ..common.sockets import TextureDatasetSocket
from ..common.texture_dataset import TextureDataset
from ..host.training import with_lora
from .adapter import train_lora, training_config
from .demo_model import load_demo_model
from .kohya_nodes import NODES as KOHYA_NODES
from .network_nodes import LoraNetwork, NetworkSocket
from .objective_nodes import LoraObjective, ObjectiveSocket
from .optimizer_nodes import LoraOptimizer, OptimizerSocket
from .saving_nodes import LoraSaving, SavingSocket


class DemoModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightDemoModel",
            display_name="Demo Model",
            category="Tilewright/training",
            description="A small text-to-texture model that ships with the pack: no download, and fast without a GPU. "
            "It behaves like a Stable Diffusion 1 checkpoint for 256 px images.",
            search_aliases=["checkpoint", "small model", "test model", "tiny sd"],
            inputs=[],
            outputs=[
                io.Model.Output("model", tooltip="The denoiser, for a sampler or the trainer."),
                io.Clip.Output("clip", tooltip="The text encoder, for CLIP Text Encode or the trainer."),
                io.Vae.Output("vae", tooltip="The autoencoder: 4 channels, 8 pixels a latent."),
            ],
        )

    @classmethod
    def execute(cls) -> io.NodeOutput:
        return io.NodeOutput(*load_demo_model())


class TrainLora(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightTrainLora",
            display_name="Train LoRA",
            category="Tilewright/training",
            description="Teaches the model the look of a texture dataset: trains a LoRA, saves it to output/loras, and "
            "hands the model on with the LoRA applied. For Stable Diffusion 1, 2 and SDXL. The model that comes in is "
            "not changed. Cancelling keeps what was trained so far.",
            search_aliases=["lora", "kohya", "fine-tune", "finetune", "train", "dreambooth"],
            is_output_node=True,
            hidden=[io.Hidden.unique_id],
            inputs=[
                io.Model.Input("model", tooltip="The checkpoint to train on: Stable Diffusion 1, 2 or SDXL."),
                io.Vae.Input("vae", tooltip="The checkpoint's VAE. It encodes each image once, before training."),
                io.Clip.Input("clip", tooltip="The checkpoint's text encoder. It encodes each caption once."),
                TextureDatasetSocket.Input("dataset", tooltip="The images to learn, with their captions."),
                io.String.Input(
                    "name",
                    default="my_material",
                    tooltip="File name of the LoRA in output/loras. An existing file is kept: the new one is numbered.",
                ),
                io.Int.Input(
                    "steps",
                    default=1000,
                    min=1,
                    max=1_000_000,
                    tooltip="How often the weights are updated. 40 to 100 steps per image are usual for small sets.",
                ),
                io.Int.Input(
                    "batch_size",
                    default=1,
                    min=1,
                    max=256,
                    tooltip="Images per step. More gives a calmer course and needs more memory.",
                ),
                io.Int.Input(
                    "resolution",
                    default=512,
                    min=64,
                    max=4096,
                    step=64,
                    tooltip="Side in pixels that images are brought to. Use the checkpoint's own: 512 for SD1, 768 for "
                    "SD2-v, 1024 for SDXL, 256 for the demo model.",
                ),
                io.Int.Input(
                    "rank",
                    default=16,
                    min=1,
                    max=1024,
                    tooltip="Width of the LoRA. 8 to 32 suit materials; more memorises small sets and grows the file.",
                ),
                io.Float.Input(
                    "alpha",
                    default=16.0,
                    min=0.01,
                    max=4096.0,
                    step=0.5,
                    tooltip="The LoRA is scaled by alpha / rank. Equal to rank is neutral, half of it gentler.",
                ),
                io.Float.Input(
                    "learning_rate",
                    default=1e-4,
                    min=1e-8,
                    max=1.0,
                    step=1e-6,
                    round=False,
                    tooltip="How far a step moves the weights. Lower it when the loss jumps, raise it for few steps.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    control_after_generate=io.ControlAfterGenerate.fixed,
                    tooltip="Start weights, order, noise and shifts. The same seed trains the same LoRA.",
                ),
                io.Int.Input(
                    "epochs",
                    default=0,
                    min=0,
                    max=100_000,
                    optional=True,
                    tooltip="Passes over the dataset instead of a number of steps. 0 counts steps.",
                ),
                io.Combo.Input(
                    "precision",
                    options=list(PRECISIONS),
                    default="auto",
                    optional=True,
                    tooltip="Of the frozen model: auto is bfloat16 on a GPU that has it, else float32. The LoRA "
                    "is float32.",
                ),
                io.Boolean.Input(
                    "gradient_checkpointing",
                    default=False,
                    optional=True,
                    tooltip="Compute activations twice instead of keeping them: a third slower, in far less memory.",
                ),
                NetworkSocket.Input("network", optional=True, tooltip="From LoRA Network: kind and layers."),
                OptimizerSocket.Input(
                    "optimizer", optional=True, tooltip="From LoRA Optimizer: optimizer and schedule."
                ),
                ObjectiveSocket.Input(
                    "objective", optional=True, tooltip="From LoRA Objective: noise, loss, captions."
                ),
                SavingSocket.Input(
                    "saving", optional=True, tooltip="From LoRA Saving: checkpoints, samples, resuming."
                ),
                io.Combo.Input(
                    "cache",
                    options=list(CACHES),
                    default="memory",
                    optional=True,
                    advanced=True,
                    tooltip="Where encoded images and captions are kept. On disk, later runs on the same images start "
                    "at once; what no longer matches is never used.",
                ),
                io.Combo.Input(
                    "acceleration",
                    options=list(ACCELERATIONS),
                    default="off",
                    optional=True,
                    advanced=True,
                    tooltip="compile: torch.compile fuses each block, which takes a minute or two first. CUDA graph: "
                    "replays the step as one order, for small batches on an NVIDIA GPU.",
                ),
            ],
            outputs=[
                io.Model.Output("model", tooltip="The model with the LoRA at full strength, for a sampler."),
                io.Clip.Output("clip", tooltip="The text encoder to use with it."),
                io.Custom("LORA_MODEL").Output(
                    "lora", tooltip="The LoRA's weights, for Save LoRA and Load LoRA Model."
                ),
                io.String.Output("path", tooltip="The file that was written."),
                io.Image.Output("loss", tooltip="The course of the loss. It should fall and then level out."),
                io.String.Output("checkpoints", tooltip="The LoRAs that were kept on the way, a file a line."),
            ],
        )

    @classmethod
    def validate_inputs(
        cls,
        name: str | None = None,
        steps: int | None = None,
        batch_size: int | None = None,
        resolution: int | None = None,
        rank: int | None = None,
        alpha: float | None = None,
        learning_rate: float | None = None,
        seed: int | None = None,
        epochs: int | None = None,
    ) -> bool | str:
        try:
            check_name("lora" if name is None else name, "name")
            whole = {"steps": steps, "batch_size": batch_size, "resolution": resolution, "seed": seed, "epochs": epochs}
            training_config({}, rank, alpha, learning_rate, **whole)
        except InputError as error:
            return str(error)
        return True

    @classmethod
    def execute(
        cls,
        model: Any,
        vae: Any,
        clip: Any,
        dataset: TextureDataset,
        name: str,
        steps: int,
        batch_size: int,
        resolution: int,
        rank: int,
        alpha: float,
        learning_rate: float,
        seed: int,
        epochs: int = 0,
        precision: str = "auto",
        gradient_checkpointing: bool = False,
        network: NetworkConfig | None = None,
        optimizer: OptimizerConfig | None = None,
        objective: ObjectiveConfig | None = None,
        saving: SavingConfig | None = None,
        cache: str = "memory",
        acceleration: str = "off",
    ) -> io.NodeOutput:
        config = training_config(
            {"network": network, "optimizer": optimizer, "objective": objective, "saving": saving},
            rank,
            alpha,
            learning_rate,
            steps=steps,
            batch_size=batch_size,
            resolution=resolution,
            seed=seed,
            epochs=epochs,
            precision=precision,
            gradient_checkpointing=gradient_checkpointing,
            cache=cache,
            acceleration=acceleration,
        )
        trained = train_lora(model, vae, clip, dataset, name, config, _node_id(cls))
        trained_model, trained_clip = with_lora(model, clip, trained.state)
        return io.NodeOutput(
            trained_model,
            trained_clip,
            trained.state,
            str(trained.files.lora),
            plot_losses(trained.losses, name, trained.validation, trained.fixed),
            "\n".join(str(file) for file in trained.files.checkpoints),
        )


def _node_id(node: type[io.ComfyNode]) -> str | None:
    return node.hidden.unique_id if node.hidden else None


NODES: list[type[io.ComfyNode]] = [
    DemoModel,
    TrainLora,
    LoraNetwork,
    LoraOptimizer,
    LoraObjective,
    LoraSaving,
    *KOHYA_NODES,
]
