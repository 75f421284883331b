"""What Train LoRA asks of the model: noise, loss, captions, and the torus."""

from comfy_api.latest import io

from ...training.config import LOSSES, SWITCH, ObjectiveConfig
from ..validation import refusing
from .configuration import checked

ObjectiveSocket = io.Custom("TILEWRIGHT_LORA_OBJECTIVE")


class LoraObjective(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightLoraObjective",
            display_name="LoRA Objective",
            category="Tilewright/training",
            description="What Train LoRA asks of the model: which errors count, how noise and captions vary, and that "
            "textures close on themselves.",
            search_aliases=["min snr", "noise offset", "huber", "caption dropout", "shuffle", "clip skip", "torus"],
            inputs=[
                io.Combo.Input(
                    "wrap",
                    options=list(SWITCH),
                    default="auto",
                    tooltip="Train as a torus: the UNet's convolutions wrap round the edges. Auto does so where "
                    "every image tiles.",
                ),
                io.Boolean.Input(
                    "roll",
                    default=True,
                    tooltip="Shift each tileable image by random whole latent pixels at every step: exact "
                    "augmentation at no cost.",
                ),
                io.Combo.Input(
                    "loss",
                    options=list(LOSSES),
                    default="mse",
                    tooltip="mse for nearly everything; huber and l1 forgive outliers in mixed sets.",
                ),
                io.Float.Input(
                    "huber_delta",
                    default=0.1,
                    min=0.001,
                    max=10.0,
                    step=0.01,
                    tooltip="Error at which huber turns from square to straight.",
                ),
                io.Float.Input(
                    "min_snr_gamma",
                    default=0.0,
                    min=0.0,
                    max=100.0,
                    step=0.5,
                    tooltip="Timesteps with more signal to noise than this count less: 5 trains faster and "
                    "calmer. 0 is off.",
                ),
                io.Boolean.Input(
                    "debiased",
                    default=False,
                    tooltip="Weight timesteps by 1/sqrt(SNR) instead: favours large shapes. Not together with "
                    "min_snr_gamma.",
                ),
                io.Float.Input(
                    "noise_offset",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="0.05 to 0.1 for very dark or very bright materials, which plain noise pulls to grey.",
                ),
                io.Int.Input(
                    "multires_noise",
                    default=0,
                    min=0,
                    max=10,
                    tooltip="Octaves of coarser noise, 0 for none. 6 helps large, low-contrast variation.",
                ),
                io.Float.Input(
                    "multires_discount",
                    default=0.3,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    tooltip="How much weaker each coarser octave of noise is.",
                ),
                io.Boolean.Input(
                    "zero_terminal_snr",
                    default=False,
                    tooltip="Train without any signal at the last timestep. Only for v-prediction models; sample "
                    "with it too.",
                ),
                io.Float.Input(
                    "caption_dropout",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Share of samples trained without caption. 0.05 to 0.1 teaches the look without the words.",
                ),
                io.Boolean.Input(
                    "shuffle_caption",
                    default=False,
                    tooltip="Change the order of the comma-separated parts of captions at every step.",
                ),
                io.Int.Input(
                    "keep_tokens",
                    default=1,
                    min=0,
                    max=255,
                    tooltip="First parts of a caption that stay in front when it is shuffled, such as the trigger "
                    "word.",
                ),
                io.Int.Input(
                    "clip_skip",
                    default=1,
                    min=1,
                    max=12,
                    tooltip="Text-encoder layers left out, plus 1. Use what the checkpoint is sampled with.",
                ),
                io.Combo.Input(
                    "max_tokens",
                    options=["75", "150", "225"],
                    default="75",
                    tooltip="Longer captions are cut after this many tokens.",
                ),
                io.Float.Input(
                    "prior_weight",
                    default=1.0,
                    min=0.0,
                    max=10.0,
                    step=0.05,
                    tooltip="Weight of regularisation images, which keep the model's idea of the class.",
                ),
                io.Boolean.Input(
                    "masked",
                    default=False,
                    tooltip="What is transparent in an image does not count: for decals, leaves and cut-outs.",
                ),
                io.Float.Input(
                    "style",
                    default=0.0,
                    min=0.0,
                    max=100.0,
                    step=0.01,
                    tooltip="Weight of a term on the statistics of the latent, wherever in the image they occur: "
                    "the texture, not the place.",
                ),
                io.Float.Input(
                    "text_encoder_until",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    tooltip="Share of the run after which the text encoder rests, where it is trained. 0.3 to 0.5 "
                    "saves old words.",
                ),
            ],
            outputs=[ObjectiveSocket.Output("objective", tooltip="For Train LoRA.")],
        )

    @classmethod
    @refusing
    def validate_inputs(cls, min_snr_gamma: float | None = None, debiased: bool | None = None) -> None:
        checked(ObjectiveConfig, min_snr_gamma=min_snr_gamma, debiased=debiased)

    @classmethod
    def execute(
        cls,
        wrap: str,
        roll: bool,
        loss: str,
        huber_delta: float,
        min_snr_gamma: float,
        debiased: bool,
        noise_offset: float,
        multires_noise: int,
        multires_discount: float,
        zero_terminal_snr: bool,
        caption_dropout: float,
        shuffle_caption: bool,
        keep_tokens: int,
        clip_skip: int,
        max_tokens: str,
        prior_weight: float,
        masked: bool,
        style: float,
        text_encoder_until: float,
    ) -> io.NodeOutput:
        return io.NodeOutput(
            checked(
                ObjectiveConfig,
                wrap=wrap,
                roll=roll,
                loss=loss,
                huber_delta=huber_delta,
                min_snr_gamma=min_snr_gamma,
                debiased=debiased,
                noise_offset=noise_offset,
                multires_noise=multires_noise,
                multires_discount=multires_discount,
                zero_terminal_snr=zero_terminal_snr,
                caption_dropout=caption_dropout,
                shuffle_caption=shuffle_caption,
                keep_tokens=keep_tokens,
                clip_skip=clip_skip,
                max_tokens=int(max_tokens),
                prior_weight=prior_weight,
                masked=masked,
                style=style,
                text_encoder_until=text_encoder_until,
            )
        )
