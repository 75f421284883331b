"""The small model that ships with the pack."""

from comfy_api.latest import io

from ...host.demo_model import load_demo_model


class DemoModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightDemoModel",
            display_name="Demo Model",
            category="Tilewright/training",
            description="A small text-to-texture model that ships with the pack: no download, and fast without a GPU. "
            "It behaves like a Stable Diffusion 1 checkpoint for 256 px images.",
            search_aliases=["checkpoint", "small model", "test model", "tiny sd", "tilewright model"],
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
