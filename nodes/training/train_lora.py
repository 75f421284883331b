"""The in-graph trainer."""

from typing import Any

from comfy_api.latest import io

from ...common.texture_dataset import TextureDataset
from ...host.in_graph import train_lora
from ...host.training import with_lora
from ...training.config import ACCELERATIONS, CACHES, NetworkConfig, ObjectiveConfig, OptimizerConfig, SavingConfig
from ...training.plot import plot_losses
from ..sockets import TextureDatasetSocket
from .run_inputs import (
    checked_inputs,
    configured,
    name_input,
    named_inputs,
    node_id,
    option_inputs,
    rank_inputs,
    rate_inputs,
    size_inputs,
)


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
                name_input("output/loras"),
                *size_inputs("512 for SD1, 768 for SD2 v-prediction, 1024 for SDXL, 256 for the demo model"),
                *rank_inputs(),
                *rate_inputs(1e-4, "Start weights, order, noise and shifts. The same seed trains the same LoRA."),
                *option_inputs("The LoRA is float32."),
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
        return checked_inputs(named_inputs(locals()))

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
        config = configured(named_inputs(locals()))
        trained = train_lora(model, vae, clip, dataset, name, config, node_id(cls))
        trained_model, trained_clip = with_lora(model, clip, trained.state)
        return io.NodeOutput(
            trained_model,
            trained_clip,
            trained.state,
            str(trained.files.lora),
            plot_losses(trained.losses, name, trained.validation, trained.fixed),
            "\n".join(str(file) for file in trained.files.checkpoints),
        )
