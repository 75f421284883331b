"""A training as a folder, for several GPUs or another machine."""

from typing import Any

from comfy_api.latest import io

from ...common.texture_dataset import TextureDataset
from ...host.protocols import Clip, Model, Vae
from ...training.config import NetworkConfig, ObjectiveConfig, OptimizerConfig, SavingConfig, TrainingConfig
from ..sockets import TextureDatasetSocket
from ..validation import refusing
from .run_inputs import (
    check_run_name,
    name_input,
    node_id,
    option_inputs,
    rank_inputs,
    rate_inputs,
    run_config,
    size_inputs,
)
from .widgets import widget


class ExportTrainingRun(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightExportTrainingRun",
            display_name="Export Training Run",
            category="Tilewright/training",
            description="Writes a training into a folder instead of running it: for several GPUs, or another machine. "
            "Images and captions are encoded; the model's file is only named. Train it with: python run.py train "
            "FOLDER --processes N.",
            search_aliases=["multi gpu", "distributed", "torchrun", "data parallel", "remote training", "cluster"],
            is_output_node=True,
            hidden=[io.Hidden.unique_id],
            inputs=[
                io.Model.Input("model", tooltip="The checkpoint to train on, straight from its loader."),
                io.Vae.Input("vae", tooltip="The checkpoint's VAE. It encodes each image now."),
                io.Clip.Input("clip", tooltip="The checkpoint's text encoder. It encodes each caption now."),
                TextureDatasetSocket.Input("dataset", tooltip="The images to learn, with their captions."),
                name_input("output/training_runs", "folder"),
                *size_inputs("512 for SD1, 768 for SD2 v-prediction, 1024 for SDXL and flow models"),
                *rank_inputs(),
                *rate_inputs(1e-4, "The same seed trains the same LoRA, in however many processes."),
                *option_inputs("The LoRA is float32."),
                TextureDatasetSocket.Input(
                    "validation", optional=True, tooltip="Images that are measured instead of trained on."
                ),
                widget(TrainingConfig, "memory"),
            ],
            outputs=[io.String.Output("folder", tooltip="The run's folder, for run.py train.")],
        )

    @classmethod
    @refusing
    def validate_inputs(cls, name: str | None = None) -> None:
        check_run_name(name)

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
        **settings: Any,
    ) -> io.NodeOutput:
        from ...host.in_graph.order import Order
        from ...host.run_outside.export import export_run

        config = run_config(settings, network, optimizer, objective, saving)
        return io.NodeOutput(str(export_run(Order(model, vae, clip, dataset, name, config, validation, node_id(cls)))))
