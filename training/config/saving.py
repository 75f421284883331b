"""What a run writes and shows: the settings of LoRA Saving."""

from dataclasses import dataclass

from ..settings import ConfigError, check_settings, setting

FILE_PRECISIONS = ("float32", "float16", "bfloat16")


@dataclass(frozen=True)
class SavingConfig:
    """What a run writes to disk, and what it shows while it runs."""

    every_steps: int = setting(
        0,
        "Steps between LoRAs that are kept, 0 for none; 100 to 250 are usual. Try them "
        "all: the last is rarely the best.",
        within=(0, 1_000_000),
        label="save_every_n_steps",
    )
    every_epochs: int = setting(
        0,
        "The same in passes over the set, 0 for none.",
        within=(0, 100_000),
        label="save_every_n_epochs",
        kohya="save_every_n_epochs",
        advanced=True,
    )
    keep_last: int = setting(
        0, "How many of those stay on disk, 0 for all.", within=(0, 10_000), label="keep last files", advanced=True
    )
    precision: str = setting(
        "float32",
        "Of the file. float16 halves it, and no picture changes visibly.",
        choices=FILE_PRECISIONS,
        label="save_precision",
        advanced=True,
    )
    sample_every: int = setting(
        0,
        "Steps between sample pictures, always from the same noise, shown in the node and kept beside the state. 0 for "
        "none.",
        within=(0, 1_000_000),
        label="sample_every_n_steps",
        kohya="sample_every_n_steps",
    )
    prompts: str = setting(
        "",
        "What to sample, one prompt a line, with the trigger word.",
        multiline=True,
        label="sample_prompts",
        needs="sample_every",
    )
    validation_share: float = setting(
        0.0,
        "Share of the materials, each with all its views, that is measured instead of trained on (sd-scripts: "
        "of the images); take 0.1 from 20 materials on. When its loss rises, stop.",
        within=(0.0, 0.5),
        step=0.01,
        kohya="validation_split",
        label="validation_split",
    )
    validation_every: int = setting(
        50,
        "Steps between two such measurements.",
        within=(1, 1_000_000),
        needs="validation_share",
        kohya="validate_every_n_steps",
        kohya_default=None,
        label="validate_every_n_steps",
    )
    state_every: int = setting(
        250,
        "Steps between states to resume from after a crash. A cancelled run always writes one.",
        within=(1, 1_000_000),
        label="save_state_every_n_steps",
        advanced=True,
    )
    resume: bool = setting(
        True,
        "Go on from the state of the same settings, images and models, if there is one. Off trains anew, under a new "
        "name.",
    )
    trigger_words: str = setting(
        "",
        "For the file's metadata: the words that call it.",
        kohya="metadata_trigger_phrase",
        metadata="modelspec.trigger_phrase",
        label="trigger words",
        advanced=True,
    )
    comment: str = setting(
        "",
        "For the file's metadata.",
        multiline=True,
        kohya="training_comment",
        recorded=True,
        label="training_comment",
        advanced=True,
    )
    measure_every: int = setting(
        0,
        "Steps between measurements of a few training images with noise that stays the same: the curve that shows "
        "whether it learns. 0 chooses: at most twenty in a run, in at most a twentieth of its time.",
        within=(0, 1_000_000),
        optional=True,
        label="measure_every_n_steps",
        advanced=True,
    )

    def __post_init__(self) -> None:
        check_settings(self)
        if self.sample_every and not self.sample_prompts():
            raise ConfigError(
                "sample_every_n_steps asks for sample images, but sample_prompts is empty. Write one prompt a line."
            )

    def keeps(self, step: int, steps: int, epoch: int) -> bool:
        """Whether the LoRA after `step` is kept, in a run of so many `steps` with `epoch` steps in each epoch."""
        by_steps = self.every_steps and step % self.every_steps == 0
        by_epochs = self.every_epochs and step % (self.every_epochs * epoch) == 0
        return bool(by_steps or by_epochs) and step < steps

    def sample_prompts(self) -> list[str]:
        """The lines of `prompts` that are not blank."""
        return [line.strip() for line in self.prompts.splitlines() if line.strip()]
