"""The training objective: the settings of LoRA Objective."""

from dataclasses import dataclass

from ..settings import OWN_NAME, check_settings, setting

SWITCH = ("auto", "on", "off")
LOSSES = ("mse", "huber", "l1")
TOKEN_LENGTHS = (75, 150, 225)
TIMESTEP_SAMPLINGS = ("auto", "uniform", "logit-normal", "shifted", "by resolution")
SIGMA_WEIGHTINGS = ("none", "low noise", "cosmap", "bell")
APART, TOGETHER = MAPS = ("apart", "together")


@dataclass(frozen=True)
class ObjectiveConfig:
    """The training objective: the loss and its weighting, noise and caption augmentation, and wrapping."""

    wrap: str = setting(
        "auto",
        "Train as a torus: a UNet's convolutions, or a flow model's rotary positions, wrap round the edges. Auto does "
        "so where every image tiles.",
        choices=SWITCH,
        label="tiling",
    )
    roll: bool = setting(
        True,
        "Shift each tileable image by random whole latent pixels at every step: exact augmentation at no cost.",
        label="random offset",
        advanced=True,
    )
    loss: str = setting(
        "mse",
        "mse for nearly everything; huber and l1 forgive outliers in mixed sets.",
        choices=LOSSES,
        metadata="ss_loss_type",
        label="loss_type",
        advanced=True,
    )
    huber_delta: float = setting(
        0.1,
        "Error above which Huber loss is linear instead of quadratic.",
        within=(0.001, 10.0),
        step=0.01,
        label="huber_c",
        advanced=True,
        needs="loss",
        needs_choice=("huber",),
    )
    min_snr_gamma: float = setting(
        0.0,
        "Timesteps with a higher signal-to-noise ratio count less (Min-SNR): 5 trains faster and calmer. 0 is off.",
        within=(0.0, 100.0),
        step=0.05,  # below 1 it weighs high noise
        kohya=OWN_NAME,
        recorded=True,
    )
    debiased: bool = setting(
        False,
        "Weight timesteps by 1/sqrt(SNR) instead: favours what is decided early, the large shapes. Not with Min-SNR.",
        excludes="min_snr_gamma",
        label="debiased_estimation_loss",
        kohya="debiased_estimation_loss",
        metadata="ss_debiased_estimation",
        advanced=True,
    )
    noise_offset: float = setting(
        0.0,
        "0.05 to 0.1 for very dark or very bright materials, which plain noise pulls to grey. "
        "A model that was itself trained with an offset wants its own: 0.4 for the demo model.",
        within=(0.0, 1.0),
        step=0.01,
        kohya=OWN_NAME,
        recorded=True,
    )
    multires_noise: int = setting(
        0,
        "Octaves of coarser noise, 0 for none. 6 helps large, low-contrast variation.",
        within=(0, 10),
        kohya="multires_noise_iterations",
        recorded=True,
        label="multires_noise_iterations",
        advanced=True,
    )
    multires_discount: float = setting(
        0.3,
        "How strong each coarser octave of noise is, as a share of the one before.",
        within=(0.0, 1.0),
        step=0.05,
        needs="multires_noise",
        kohya="multires_noise_discount",
        kohya_default=None,
        recorded=True,
        label="multires_noise_discount",
        advanced=True,
    )
    zero_terminal_snr: bool = setting(
        False,
        "Train without any signal at the last timestep. Only for v-prediction models; sample with it too.",
        kohya=OWN_NAME,
        recorded=True,
        advanced=True,
    )
    caption_dropout: float = setting(
        0.0,
        "Share of samples trained without caption. 0.05 to 0.1 teaches the look without the words.",
        within=(0.0, 1.0),
        step=0.01,
        kohya="caption_dropout_rate",
        recorded=True,
        label="caption_dropout_rate",
    )
    shuffle_caption: bool = setting(
        False,
        "Change the order of the comma-separated parts of captions at every step.",
        kohya=OWN_NAME,
        recorded=True,
    )
    keep_tokens: int = setting(
        1,
        "First parts of a caption that stay in front when it is shuffled, such as the trigger word.",
        within=(0, 255),
        needs="shuffle_caption",
        kohya=OWN_NAME,
        kohya_default=None,
        recorded=True,
    )
    clip_skip: int = setting(
        1,
        "Text-encoder layers left out at its end, plus 1; 1 uses all. Use what the checkpoint is sampled with.",
        within=(1, 12),
        kohya=OWN_NAME,
        recorded=True,
        advanced=True,
    )
    max_tokens: int = setting(
        75,
        "Longer captions are cut after this many tokens.",
        choices=TOKEN_LENGTHS,
        kohya="max_token_length",
        recorded=True,
        label="max_token_length",
        advanced=True,
    )
    prior_weight: float = setting(
        1.0,
        "Weight of regularisation images, which keep the model's idea of the class.",
        within=(0.0, 10.0),
        step=0.05,
        label="prior_loss_weight",
        kohya="prior_loss_weight",
        recorded=True,
        advanced=True,
    )
    masked: bool = setting(
        False,
        "What is transparent in an image does not count: for decals, leaves and cut-outs.",
        metadata="ss_masked_loss",
        label="alpha_mask",
        advanced=True,
    )
    style: float = setting(
        0.0,
        "Weight of a term that compares the covariances of neighbouring latent pixels, wherever in the image they are: "
        "the texture, not the place. 0.05 to 0.5.",
        within=(0.0, 100.0),
        step=0.01,
        label="texture loss weight",
        advanced=True,
    )
    text_encoder_until: float = setting(
        1.0,
        "Fraction of the steps after which the text encoder is frozen, if it is trained. 0.3 to 0.5 saves old words.",
        within=(0.0, 1.0),
        step=0.05,
        label="stop_text_encoder_training (share)",
        advanced=True,
    )

    timestep_sampling: str = setting(
        "auto",
        "For flow models: how often each noise level is trained on. auto is the family's own. logit-normal favours the "
        "middle; shifted and by resolution favour noisy levels, the layout; uniform has most of the low ones, the "
        "grain.",
        choices=TIMESTEP_SAMPLINGS,
        optional=True,
    )
    shift: float = setting(
        0.0,
        "For flow models: above 1 noise levels are drawn noisier, below 1 cleaner. 1 to 2 suits textures. 0 is none, "
        "or for shifted the family's own.",
        within=(0.0, 100.0),
        step=0.1,
        label="discrete_flow_shift",
        optional=True,
        advanced=True,
    )
    guidance: float = setting(
        -1.0,
        "For models that take a guidance value (Flux dev, Flux.2 dev, Chroma): the one to train with. -1 is the "
        "family's own, 1 for Flux and 0 for Chroma; sample with your usual value.",
        within=(-1.0, 30.0),
        step=0.1,
        label="guidance_scale",
        optional=True,
        advanced=True,
    )
    sigma_weighting: str = setting(
        "none",
        "For flow models: weight of the loss by noise level. low noise counts the fine grain more, cosmap both ends, "
        "bell the middle.",
        choices=SIGMA_WEIGHTINGS,
        label="weighting_scheme",
        optional=True,
        advanced=True,
    )

    maps: str = setting(
        APART,
        "together trains all maps of a material at once, so that one sampling gives a whole material (Material Set "
        "Model). The dataset then comes from Material Set Dataset, and batch_size counts materials.",
        choices=MAPS,
        optional=True,
    )
    sharing_dropout: float = setting(
        0.1,
        "Share of the steps in which maps do not see each other, so that single maps can still be asked for.",
        within=(0.0, 0.9),
        step=0.05,
        needs="maps",
        needs_choice=(TOGETHER,),
        optional=True,
        advanced=True,
    )

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    def is_together(self) -> bool:
        """Whether all maps of a material are trained on at once."""
        return self.maps == TOGETHER
