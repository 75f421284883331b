"""What a run writes, in the graph and outside it: measurements, checkpoints, its LoRA and its state."""

from dataclasses import dataclass

from ...training.checkpoint import DTYPES, save_tensors
from ...training.loop import Trainer
from ...training.metadata import BaseModel, lora_metadata
from ...training.run_files import RunFiles, told_if_disk_fails
from ...training.state import RunIdentity, save_state
from ..run_record import RunRecord


@dataclass(frozen=True)
class RunOutput:
    """Writes what `trainer` has learnt to `files`, and to the log of `record` that it did.

    All of it raises `InputError` where the disk is full or may not be written to.
    """

    name: str
    base: BaseModel
    trainer: Trainer
    files: RunFiles
    record: RunRecord
    identity: RunIdentity

    def measure(self, step: int) -> None:
        """Measure what is due after `step`."""
        measurements = self.trainer.measurements
        measurements.take(step)
        self.record.measured(step, measurements.fixed, measurements.validation)

    def is_due(self, step: int) -> bool:
        """Whether the settings ask for a checkpoint after `step`."""
        trainer = self.trainer
        return trainer.config.saving.keeps(step, trainer.steps, trainer.steps_per_epoch)

    def save_checkpoint(self, step: int) -> None:
        """Write the LoRA as it is after `step` beside its last one."""
        saving = self.trainer.config.saving
        tensors = self.trainer.kohya_state(DTYPES[saving.precision])
        with told_if_disk_fails(self.files.lora.parent):
            self.files.save_checkpoint(step, tensors, self.metadata(), saving.keep_last)
        self.record.log.event("saved", step, file=self.files.checkpoint(step).name)

    def save_lora(self) -> None:
        """Write the LoRA as it is."""
        tensors = self.trainer.kohya_state(DTYPES[self.trainer.config.saving.precision])
        with told_if_disk_fails(self.files.lora):
            save_tensors(self.files.lora, tensors, self.metadata())

    def save_state(self) -> None:
        """Write all that the run needs to go on from here. Raises `Diverged` where a step was not finite."""
        self.trainer.settle()
        self.record.log.losses(self.trainer.losses)
        self.record.log.flush()  # a log that ends before the state would lack steps for good
        with told_if_disk_fails(self.files.state):
            save_state(self.files.state, self.trainer, self.identity, self.files.lora.name)

    def metadata(self) -> dict[str, str]:
        """The metadata of a LoRA that is written now."""
        return lora_metadata(self.name, self.base, self.trainer.config, self.trainer)
