"""The in-graph trainer."""

from typing import Any

from comfy_api.latest import io

from ...common.texture_dataset import TextureDataset
from ...host.protocols import Clip, Model, Vae
from ...training.config import NetworkConfig, ObjectiveConfig, OptimizerConfig, SavingConfig, TrainingConfig
from ...training.run_files import checkpoints_of
from ..sockets import TextureDatasetSocket
from ..validation import refusing
from .run_inputs import (
    TRAINED,
    check_run_name,
    name_input,
    node_id,
    option_inputs,
    rank_inputs,
    rate_inputs,
    remember_trained,
    run_config,
    size_inputs,
)
from .widgets import widget


class TrainLora(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightTrainLora",
            display_name="Train Texture LoRA",
            category="Tilewright/training",
            description="Teaches the model the look of a texture dataset: trains a LoRA, saves it to output/loras, and "
            "hands the model on with the LoRA applied. For Stable Diffusion 1, 2 and SDXL, and for the flow models "
            "Z-Image, Flux.1, Flux.2, Chroma, Qwen-Image, SD3.5, Anima, Krea 2 and Lumina 2. The model that comes in "
            "is not changed. Cancelling keeps what was trained so far.",
            search_aliases=[
                "lora",
                "kohya",
                "fine-tune",
                "finetune",
                "train",
                "dreambooth",
                "lora training",
                "train texture",
                "style lora",
                "material lora",
                "flux lora",
                "z-image lora",
            ],
            is_output_node=True,
            hidden=[io.Hidden.unique_id],
            inputs=[
                io.Model.Input(
                    "model", tooltip="The checkpoint to train on: Stable Diffusion 1, 2, XL, or a flow model."
                ),
                io.Vae.Input("vae", tooltip="The checkpoint's VAE. It encodes each image once, before training."),
                io.Clip.Input("clip", tooltip="The checkpoint's text encoder. It encodes each caption once."),
                TextureDatasetSocket.Input("dataset", tooltip="The images to learn, with their captions."),
                name_input("output/loras"),
                *size_inputs(
                    "512 for SD1, 768 for SD2 v-prediction, 1024 for SDXL and flow models, 256 for the demo model"
                ),
                *rank_inputs(),
                *rate_inputs(1e-4, "The same seed trains the same LoRA.", "The demo model wants 0.0005."),
                *option_inputs("The LoRA is float32."),
                widget(TrainingConfig, "cache"),
                widget(TrainingConfig, "acceleration"),
                TextureDatasetSocket.Input(
                    "validation",
                    optional=True,
                    tooltip="Images that are measured instead of trained on, such as Split Dataset's, in place of "
                    "validation_share of LoRA Saving.",
                ),
                io.Int.Input(
                    "checkpoint",
                    default=0,
                    min=0,
                    max=1_000_000,
                    optional=True,
                    advanced=True,
                    tooltip='Hand on the LoRA that was kept after this step, 0 for the last. "Use this checkpoint" in '
                    "the panel writes it; LoRA Saving says which are kept.",
                ),
                io.Int.Input(
                    "processes",
                    default=1,
                    min=1,
                    max=64,
                    optional=True,
                    advanced=True,
                    tooltip="Train in so many processes beside ComfyUI, each on a GPU of its own and on its share of "
                    "batch_size, which must be a multiple. The LoRA is the same, up to rounding.",
                ),
                widget(TrainingConfig, "memory"),
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
    @refusing
    def validate_inputs(cls, name: str | None = None) -> None:
        check_run_name(name)

    @classmethod
    def fingerprint_inputs(cls, name: str | None = None, **_: object) -> int:
        return TRAINED.changes(name or "")

    @classmethod
    def execute(
        cls,
        model: Model,
        vae: Vae,
        clip: Clip,
        dataset: TextureDataset,
        name: str,
        network: NetworkConfig | None = None,
        optimizer: OptimizerConfig | None = None,
        objective: ObjectiveConfig | None = None,
        saving: SavingConfig | None = None,
        validation: TextureDataset | None = None,
        checkpoint: int = 0,
        processes: int = 1,
        **settings: Any,
    ) -> io.NodeOutput:
        from ...host.in_graph.order import Order
        from ...host.in_graph.run import train_lora
        from ...host.training import with_lora
        from ...training.plot import plot_losses

        config = run_config(settings, network, optimizer, objective, saving)
        order = Order(model, vae, clip, dataset, name, config, validation, node_id(cls), checkpoint, processes)
        trained = train_lora(order)
        remember_trained(name, trained.lora, trained.files.folder)
        trained_model, trained_clip = with_lora(model, clip, trained.state, trained.metadata)
        return io.NodeOutput(
            trained_model,
            trained_clip,
            trained.state,
            str(trained.lora),
            plot_losses(trained.losses, name, trained.validation, trained.fixed),
            "\n".join(str(file) for file in checkpoints_of(trained.files.lora).values()),
            ui={"tilewright_run": [trained.files.folder.name]},
        )
