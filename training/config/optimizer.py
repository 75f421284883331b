"""How the weights are updated: the settings of LoRA Optimizer."""

import ast
from dataclasses import dataclass
from typing import Any

from ..settings import ConfigError, check_settings, setting

OPTIMIZERS = ("AdamW", "AdamW 8-bit", "Adafactor", "Lion", "Prodigy", "D-Adaptation")
SELF_TUNING = ("Prodigy", "D-Adaptation")  # these find their own rate
SCHEDULERS = ("constant", "constant with warmup", "linear", "cosine", "cosine with restarts", "polynomial")


@dataclass(frozen=True)
class OptimizerConfig:
    """How the weights are updated. betas are the decays of the running mean and variance, per step."""

    kind: str = setting(
        "AdamW",
        "AdamW is always there; Adafactor comes with transformers. AdamW 8-bit (bitsandbytes), Lion (lion-pytorch), "
        "Prodigy (prodigyopt) and D-Adaptation (dadaptation) need their package. Prodigy and D-Adaptation find their "
        "own rate: set learning_rate to 1 for them.",
        choices=OPTIMIZERS,
        widget="optimizer",
    )
    learning_rate: float = setting(
        1e-4,
        "How far a step moves the weights. Lower it when results break up or the loss jumps; raise it for short runs.",
        within=(1e-8, 1.0),
        step=1e-6,
        metadata="ss_learning_rate",
    )
    scheduler: str = setting(
        "constant",
        "Course of the learning rate over the run. Cosine ends calmly; constant with warmup is for high rates.",
        choices=SCHEDULERS,
        metadata="ss_lr_scheduler",
        label="lr_scheduler",
    )
    warmup: float = setting(
        0.0,
        "Steps over which the rate rises from 0; a value below 1 is a share of the run, 0.05 "
        "is usual. Not for constant.",
        within=(0.0, 100000.0),
        step=0.01,
        label="lr_warmup_steps",
        needs="scheduler",
        needs_choice=SCHEDULERS[1:],
    )
    cycles: int = setting(
        1,
        "How many times cosine with restarts falls; 1 is once, without a restart.",
        within=(1, 1000),
        label="lr_scheduler_num_cycles",
        needs="scheduler",
        needs_choice=("cosine with restarts",),
    )
    power: float = setting(
        1.0,
        "Exponent of polynomial; 1 is linear.",
        within=(0.1, 10.0),
        step=0.1,
        label="lr_scheduler_power",
        needs="scheduler",
        needs_choice=("polynomial",),
    )
    text_encoder_rate: float = setting(
        0.0,
        "Learning rate of the text encoder; lower it when prompts stop working. 0 takes half "
        "of learning_rate. Not with Prodigy and D-Adaptation, which find one rate for everything.",
        within=(0.0, 1.0),
        step=1e-6,
        label="text_encoder_lr",
        advanced=True,
    )
    weight_decay: float = setting(
        0.01,
        "Pull of the weights towards 0, against memorising; 0.1 is much.",
        within=(0.0, 10.0),
        step=0.001,
        advanced=True,
    )
    clip_norm: float = setting(
        1.0,
        "Maximum gradient norm. 0 disables clipping.",
        within=(0.0, 1000.0),
        step=0.1,
        label="max_grad_norm",
        kohya="max_grad_norm",
        kohya_default=None,
        recorded=True,
        advanced=True,
    )
    accumulation: int = setting(
        1,
        "Batches per step: as a batch that many times as large, in the memory of one.",
        within=(1, 1024),
        label="gradient_accumulation_steps",
        kohya="gradient_accumulation_steps",
        kohya_default=None,
        recorded=True,
        advanced=True,
    )
    ema: float = setting(
        0.0,
        "Save an exponential moving average of the weights with this decay per step, such as 0.99: smoother results of "
        "short, fast runs. 0 saves the weights.",
        within=(0.0, 0.99999),
        step=0.001,
        label="EMA decay",
        advanced=True,
    )
    arguments: str = setting(
        "",
        "More arguments for the optimizer, as name=value separated by commas: eps=1e-6, d_coef=2.",
        label="optimizer_args",
        advanced=True,
    )
    betas: tuple[float, float] = (0.9, 0.999)

    def __post_init__(self) -> None:
        check_settings(self)
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ConfigError(f"betas are {self.betas}, but must be from 0 to below 1.")
        self.extra_arguments()
        if self.kind in SELF_TUNING and self.text_encoder_rate:
            raise ConfigError(
                f"text_encoder_lr (text_encoder_rate) is {self.text_encoder_rate}, but {self.kind} finds one rate "
                "for everything. Set it to 0, or choose another optimizer."
            )

    @property
    def text_rate(self) -> float:
        """Learning rate of the text encoder(s)."""
        if self.kind in SELF_TUNING:
            return self.learning_rate
        return self.text_encoder_rate or self.learning_rate / 2

    def extra_arguments(self) -> dict[str, Any]:
        """`arguments` as a dictionary; values are Python literals or plain words. Raises `ConfigError`."""
        try:
            call = ast.parse(f"f({self.arguments})", mode="eval").body
        except (SyntaxError, ValueError):
            call = None
        if not isinstance(call, ast.Call) or call.args or not all(one.arg for one in call.keywords):
            raise ConfigError(
                f"optimizer_args (arguments) is {self.arguments!r}. Write name=value, separated by commas, as in "
                "eps=1e-6, d_coef=2."
            )
        if any(one.arg == "lr" for one in call.keywords):
            raise ConfigError("optimizer_args (arguments) has lr. Set learning_rate, which decides it.")
        return {str(one.arg): _literal(one.value) for one in call.keywords}


def _literal(value: ast.expr) -> object:
    try:
        return ast.literal_eval(value)
    except ValueError:
        return ast.unparse(value)  # a plain word
