"""The nodes that train through the user's own sd-scripts."""

from typing import Any

from comfy_api.latest import io

from ...common.texture_dataset import TextureDataset
from ...host.sd_scripts.order import ScriptOrder, Trained
from ...sd_scripts.tasks import (
    CONTROLNET,
    DREAMBOOTH,
    FINE_TUNE,
    LORA,
    TEMPLATES,
    TEXTUAL_INVERSION,
    task_settings,
)
from ..sockets import TextureDatasetSocket
from ..validation import refusing
from .run_inputs import TRAINED, check_run_name, node_id, rank_inputs, remember_trained
from .sd_scripts_inputs import course_inputs, script_inputs, script_order, what_inputs


class TrainLoraKohya(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightTrainLoraKohya",
            display_name="Train LoRA (sd-scripts)",
            category="Tilewright/training",
            description="Trains a LoRA with the same dataset and options through your own checkout of kohya's "
            "sd-scripts, unmodified, in its own process and its own Python. For Stable Diffusion 1, 2 and SDXL, "
            "Flux.1, Chroma, SD3, Lumina 2 and Anima.",
            search_aliases=[
                "kohya",
                "sd-scripts",
                "kohya_ss",
                "train_network",
                "sdxl_train_network",
                "flux_train_network",
                "sd3_train_network",
                "lumina_train_network",
                "anima_train_network",
                "lycoris",
                "lora training",
            ],
            is_output_node=True,
            hidden=[io.Hidden.unique_id],
            inputs=[
                *what_inputs("output/loras"),
                *rank_inputs(),
                *course_inputs(1e-4),
                *script_inputs(),
            ],
            outputs=[
                io.Custom("LORA_MODEL").Output(
                    "lora", tooltip="The LoRA's weights, for Save LoRA and Load LoRA Model."
                ),
                io.String.Output("path", tooltip="The file that was written."),
                io.Image.Output("loss", tooltip="The course of the mean loss, as sd-scripts reports it."),
                io.String.Output("report", tooltip="Which script ran with what, where its log is, what was left out."),
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
    def execute(cls, dataset: TextureDataset, checkpoint: str, name: str, **inputs: Any) -> io.NodeOutput:
        trained = _trained(script_order(LORA, dataset, checkpoint, name, **inputs), node_id(cls))
        remember_trained(name, trained.path, trained.folder)
        panel = {"tilewright_run": [trained.folder.name]}
        return io.NodeOutput(trained.state, str(trained.path), _loss_picture(trained), trained.report, ui=panel)


class TrainModelKohya(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightTrainModelKohya",
            display_name="Train Model (sd-scripts)",
            category="Tilewright/training",
            description="DreamBooth, full fine-tuning, textual inversion and ControlNet training through your own "
            "checkout of kohya's sd-scripts, with the same dataset and options as the LoRA nodes.",
            search_aliases=[
                "dreambooth",
                "fine tune",
                "textual inversion",
                "embedding",
                "controlnet",
                "kohya",
                "train checkpoint",
                "finetune",
                "train controlnet",
                "embedding training",
            ],
            is_output_node=True,
            hidden=[io.Hidden.unique_id],
            inputs=[
                io.DynamicCombo.Input(
                    "training",
                    options=[
                        io.DynamicCombo.Option(DREAMBOOTH, [_no_padding_input()]),
                        io.DynamicCombo.Option(FINE_TUNE, []),
                        io.DynamicCombo.Option(TEXTUAL_INVERSION, _textual_inversion_inputs()),
                        io.DynamicCombo.Option(CONTROLNET, []),
                    ],
                    tooltip="DreamBooth and fine-tune train the whole checkpoint, textual inversion a new word, "
                    "ControlNet a control by another map.",
                ),
                *what_inputs("output/checkpoints, output/diffusion_models, output/embeddings or output/controlnet"),
                *course_inputs(
                    2e-6, "For a whole checkpoint. Textual inversion wants about 0.005, a ControlNet 0.00001."
                ),
                TextureDatasetSocket.Input(
                    "conditioning",
                    optional=True,
                    tooltip="For a ControlNet: the map that shall control, such as the height, of the same materials.",
                ),
                *script_inputs(),
            ],
            outputs=[
                io.String.Output("path", tooltip="The file that was written."),
                io.Image.Output("loss", tooltip="The course of the mean loss, as sd-scripts reports it."),
                io.String.Output("report", tooltip="Which script ran with what, where its log is, what was left out."),
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
        training: dict[str, Any],
        dataset: TextureDataset,
        checkpoint: str,
        name: str,
        conditioning: TextureDataset | None = None,
        **inputs: Any,
    ) -> io.NodeOutput:
        task = training["training"]
        own = task_settings(task, training, conditioning is not None)
        order = script_order(task, dataset, checkpoint, name, own=own, conditioning=conditioning, **inputs)
        trained = _trained(order, node_id(cls))
        remember_trained(name, trained.path, trained.folder)
        panel = {"tilewright_run": [trained.folder.name]}
        return io.NodeOutput(str(trained.path), _loss_picture(trained), trained.report, ui=panel)


def _no_padding_input() -> io.Input:
    return io.Boolean.Input(
        "no_token_padding",
        default=False,
        tooltip="Do not fill captions up to the context's length, as the first DreamBooth did. Only for batch_size 1.",
    )


def _textual_inversion_inputs() -> list[io.Input]:
    return [
        io.String.Input("token", default="twtexture", tooltip="The new word, one that means nothing yet."),
        io.String.Input("init_word", default="texture", tooltip="A known word to start from."),
        io.Int.Input("vectors", default=4, min=1, max=75, tooltip="How many tokens' room the new word has."),
        io.Combo.Input(
            "template",
            options=list(TEMPLATES),
            default="captions",
            tooltip="The captions of the dataset, which must hold the token, or sd-scripts' own sentences about an "
            "object or a style.",
        ),
    ]


def _trained(order: ScriptOrder, node_id: str | None) -> Trained:
    from ...host.sd_scripts.run import train_with_scripts

    return train_with_scripts(order, node_id)


def _loss_picture(trained: Trained) -> Any:
    from ...training.plot import plot_losses

    return plot_losses(trained.losses, trained.path.stem, trained.validation)
