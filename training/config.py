"""What a training run is told: the contract between the nodes and the trainer.

Every field is checked when the configuration is made, so the trainer itself trusts what it reads.
"""

import ast
from dataclasses import dataclass, field
from typing import Any

from .checks import ConfigError, at_least_zero, one_of, positive, whole, within

KINDS = ("LoRA", "DoRA", "LoHa", "LoKr")
BLOCKS = ("all", "attention", "cross-attention", "up", "middle and up")
OPTIMIZERS = ("AdamW", "AdamW 8-bit", "Adafactor", "Lion", "Prodigy", "D-Adaptation")
SELF_TUNING = ("Prodigy", "D-Adaptation")  # these find their own rate
SCHEDULERS = ("constant", "constant with warmup", "linear", "cosine", "cosine with restarts", "polynomial")
LOSSES = ("mse", "huber", "l1")
TOKEN_LENGTHS = (75, 150, 225)
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
FILE_PRECISIONS = ("float32", "float16", "bfloat16")
SWITCH = ("auto", "on", "off")
CACHES = ("memory", "disk")
ACCELERATIONS = ("off", "compile", "CUDA graph")


@dataclass(frozen=True)
class NetworkConfig:
    """What is trained.

    rank: width of the bottleneck, 1..1024. More holds more detail and memorises small sets sooner.
    alpha: the LoRA is scaled by alpha / rank; equal to rank it is scaled by 1.
    kind: how a layer's change is written: LoRA as a product of two narrow matrices; DoRA as LoRA with the length of
        each row learnt apart; LoHa as an elementwise product of two LoRAs; LoKr as a Kronecker product.
    conv_rank: rank on the 3x3 convolutions as well, 0 for none. Scaled by alpha / rank like the others.
    dropout: share of the bottleneck's values that each step leaves out, 0..0.9.
    blocks: which part of the UNet is trained.
    text_encoder: train the text encoder(s) as well.
    start_from: name of a LoRA file to go on from, "" for none.
    """

    rank: int = 16
    alpha: float = 16.0
    kind: str = "LoRA"
    conv_rank: int = 0
    dropout: float = 0.0
    blocks: str = "all"
    text_encoder: bool = False
    start_from: str = ""

    def __post_init__(self) -> None:
        whole("rank", self.rank, 1, 1024)
        positive("alpha", self.alpha)
        one_of("kind", self.kind, KINDS)
        whole("conv_rank", self.conv_rank, 0, 1024)
        within("dropout", self.dropout, 0, 0.9)
        one_of("blocks", self.blocks, BLOCKS)


@dataclass(frozen=True)
class OptimizerConfig:
    """How the weights move.

    kind: the update rule. AdamW is always there; the others need their library.
    learning_rate: step length. Prodigy and D-Adaptation find their own and want 1.
    text_encoder_rate: learning rate of the text encoder(s), 0 for half of learning_rate. Optimizers that find their
        own rate find one for everything.
    scheduler: course of the learning rate over the run.
    warmup: steps over which the rate rises from 0; below 1, that share of the run.
    cycles: restarts of "cosine with restarts".
    power: exponent of "polynomial".
    weight_decay: share of a weight, times the learning rate, that each step takes away.
    betas: decay of the running mean and variance, per step.
    arguments: more arguments for the optimizer, as "name=value" separated by commas.
    clip_norm: gradients longer than this are shortened to it, 0 for never.
    accumulation: batches whose gradients are averaged into one step.
    ema: decay per step of a running mean of the weights, which is what is saved; 0 saves the weights themselves.
    """

    kind: str = "AdamW"
    learning_rate: float = 1e-4
    text_encoder_rate: float = 0.0
    scheduler: str = "constant"
    warmup: float = 0.0
    cycles: int = 1
    power: float = 1.0
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.999)
    arguments: str = ""
    clip_norm: float = 1.0
    accumulation: int = 1
    ema: float = 0.0

    def __post_init__(self) -> None:
        one_of("optimizer", self.kind, OPTIMIZERS)
        positive("learning_rate", self.learning_rate)
        at_least_zero("text_encoder_rate", self.text_encoder_rate)
        one_of("scheduler", self.scheduler, SCHEDULERS)
        at_least_zero("warmup", self.warmup)
        whole("cycles", self.cycles, 1, 1000)
        positive("power", self.power)
        at_least_zero("weight_decay", self.weight_decay)
        at_least_zero("clip_norm", self.clip_norm)
        whole("accumulation", self.accumulation, 1, 1024)
        within("ema", self.ema, 0, 0.99999)
        self.extra_arguments()
        if self.kind in SELF_TUNING and self.text_encoder_rate:
            raise ConfigError(
                f"text_encoder_rate is {self.text_encoder_rate}, but {self.kind} finds one rate for everything. Set it "
                "to 0, or choose another optimizer."
            )

    @property
    def text_rate(self) -> float:
        """Learning rate of the text encoder(s)."""
        if self.kind in SELF_TUNING:
            return self.learning_rate
        return self.text_encoder_rate or self.learning_rate / 2

    def extra_arguments(self) -> dict[str, Any]:
        """`arguments` as a dictionary; values are Python literals or plain words."""
        parsed = {}
        for part in _split_outside_brackets(self.arguments):
            name, equals, value = (piece.strip() for piece in part.partition("="))
            if not equals or not name.isidentifier():
                raise ConfigError(f"arguments has {part!r}. Write name=value, separated by commas, as in eps=1e-6.")
            parsed[name] = _literal(value)
        return parsed


@dataclass(frozen=True)
class ObjectiveConfig:
    """What is asked of the model.

    wrap: "auto" trains tileable sets as tori (the convolutions wrap), "on" and "off" say so for any set.
    roll: shift each tileable sample by a random whole number of latent pixels at every step. On a torus that is
        exact augmentation, and costs nothing.
    noise_offset: strength of noise that shifts a whole channel; 0.05..0.1 helps very dark and very bright materials.
    multires_noise: octaves of coarser noise added to the fine, 0 for none; multires_discount weakens each further.
    zero_terminal_snr: train with no signal left at the last timestep. Only for v-prediction.
    min_snr_gamma: timesteps with a signal-to-noise ratio above this count less, 0 for off; 5 is usual.
    debiased: weight by 1/sqrt(SNR) instead: favours what is decided early, the large shapes.
    loss: mse; huber and l1 forgive outliers. huber_delta: where huber turns from square to straight.
    caption_dropout: share of samples trained without their caption, so that the model knows the look without words.
    shuffle_caption: order of the comma-separated parts changes at every step; the first keep_tokens parts stay.
    clip_skip: layers left out at the text encoder's end, plus 1; 1 uses all. Generate with the same.
    max_tokens: longer captions are cut; 75, 150 or 225.
    prior_weight: weight of regularisation samples.
    masked: what is transparent in an image does not count in the loss.
    style: weight of a term that compares Gram statistics of the predicted latent with the true one's.
    text_encoder_until: share of the run after which the text encoder rests.
    """

    wrap: str = "auto"
    roll: bool = True
    noise_offset: float = 0.0
    multires_noise: int = 0
    multires_discount: float = 0.3
    zero_terminal_snr: bool = False
    min_snr_gamma: float = 0.0
    debiased: bool = False
    loss: str = "mse"
    huber_delta: float = 0.1
    caption_dropout: float = 0.0
    shuffle_caption: bool = False
    keep_tokens: int = 1
    clip_skip: int = 1
    max_tokens: int = 75
    prior_weight: float = 1.0
    masked: bool = False
    style: float = 0.0
    text_encoder_until: float = 1.0

    def __post_init__(self) -> None:
        one_of("wrap", self.wrap, SWITCH)
        within("noise_offset", self.noise_offset, 0, 1)
        whole("multires_noise", self.multires_noise, 0, 10)
        within("multires_discount", self.multires_discount, 0, 1)
        at_least_zero("min_snr_gamma", self.min_snr_gamma)
        one_of("loss", self.loss, LOSSES)
        positive("huber_delta", self.huber_delta)
        within("caption_dropout", self.caption_dropout, 0, 1)
        whole("keep_tokens", self.keep_tokens, 0, 255)
        whole("clip_skip", self.clip_skip, 1, 12)
        one_of("max_tokens", self.max_tokens, TOKEN_LENGTHS)
        at_least_zero("prior_weight", self.prior_weight)
        at_least_zero("style", self.style)
        within("text_encoder_until", self.text_encoder_until, 0, 1)
        if self.min_snr_gamma and self.debiased:
            raise ConfigError(
                "min_snr_gamma and debiased both weight the timesteps. Use one: set the other to 0 or off."
            )


@dataclass(frozen=True)
class SavingConfig:
    """What a run leaves on disk, and what it shows on its way.

    every_steps, every_epochs: write a LoRA of its own that often, 0 for never. keep_last: how many of those stay,
        0 for all.
    precision: of the file.
    sample_every: steps between sample images, 0 for none; prompts has one prompt a line.
    validation_share: part of the images that is not trained on but measured, every validation_every steps.
    state_every: steps between resumable states.
    resume: go on from a state of the same settings, images and model where there is one.
    trigger_words, comment: for the file's metadata.
    measure_every: steps between measurements of a few training images with noise that stays the same; 0 chooses.
    """

    every_steps: int = 0
    every_epochs: int = 0
    keep_last: int = 0
    precision: str = "float32"
    sample_every: int = 0
    prompts: str = ""
    validation_share: float = 0.0
    validation_every: int = 50
    state_every: int = 250
    resume: bool = True
    trigger_words: str = ""
    comment: str = ""
    measure_every: int = 0

    def __post_init__(self) -> None:
        for name in ("every_steps", "every_epochs", "keep_last", "sample_every", "measure_every"):
            whole(name, getattr(self, name), 0, 10_000_000)
        one_of("precision", self.precision, FILE_PRECISIONS)
        within("validation_share", self.validation_share, 0, 0.5)
        whole("validation_every", self.validation_every, 1, 10_000_000)
        whole("state_every", self.state_every, 1, 10_000_000)
        if self.sample_every and not self.sample_prompts():
            raise ConfigError("sample_every asks for sample images, but prompts is empty. Write one prompt a line.")

    def sample_prompts(self) -> list[str]:
        return [line.strip() for line in self.prompts.splitlines() if line.strip()]


@dataclass(frozen=True)
class TrainingConfig:
    """A whole run.

    steps: how often the weights are updated. epochs: passes over the set instead, 0 for counting steps.
    batch_size: samples per step.
    resolution: side in pixels of a square sample, a multiple of 64; others get the same area.
    seed: of the initial weights, the order of the samples, the noise, the timesteps and the rolls. The same seed
        gives the same file on the same machine.
    precision: of the frozen model; LoRA weights are float32. "auto" is bfloat16 on a GPU that has it, else float32.
    gradient_checkpointing: compute activations twice instead of keeping them: a third slower, far less memory.
    cache: where encoded images and captions are kept, in memory for the run or on disk for later ones too.
    acceleration: "compile" has torch.compile fuse each block, which pays after a minute or two; "CUDA graph" records
        the pass over a batch once and replays it, for small batches on fast GPUs.
    """

    steps: int = 500
    batch_size: int = 1
    resolution: int = 512
    seed: int = 0
    epochs: int = 0
    precision: str = "auto"
    gradient_checkpointing: bool = False
    cache: str = "memory"
    acceleration: str = "off"
    network: NetworkConfig = field(default_factory=NetworkConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    saving: SavingConfig = field(default_factory=SavingConfig)

    def __post_init__(self) -> None:
        whole("steps", self.steps, 1, 10_000_000)
        whole("epochs", self.epochs, 0, 1_000_000)
        whole("batch_size", self.batch_size, 1, 1024)
        whole("resolution", self.resolution, 64, 4096)
        if self.resolution % 64:
            nearest = max(64, round(self.resolution / 64) * 64)
            raise ConfigError(f"resolution is {self.resolution}, but must be a multiple of 64, such as {nearest}.")
        whole("seed", self.seed, 0, 2**64 - 1)
        one_of("precision", self.precision, PRECISIONS)
        one_of("cache", self.cache, CACHES)
        one_of("acceleration", self.acceleration, ACCELERATIONS)
        self._check_graph()

    def _check_graph(self) -> None:
        if self.acceleration == "CUDA graph" and (self.network.text_encoder or self.network.dropout):
            changing = "text_encoder" if self.network.text_encoder else "dropout"
            raise ConfigError(
                f"acceleration is 'CUDA graph', which replays the same computation at every step, but {changing} of "
                "LoRA Network changes it. Switch one of them off."
            )


def _split_outside_brackets(text: str) -> list[str]:
    parts, depth = [""], 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part for part in parts if part.strip()]


def _literal(value: str) -> object:
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value
