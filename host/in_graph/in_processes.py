"""A run that several processes train beside the graph: they get it as a folder, and their course is shown as if it were
trained here."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import comfy.model_management

from ...training.exported_run import Destination, ExportedRun
from ...training.loop import TextEncoder, Trainer
from ...training.parallel import Share, check_gpus
from ...training.run_controls import RunControls, ask
from ...training.run_files import RunFiles
from ...training.run_log import LogPart
from ..run_outside.model_source import loaded_from, source_of
from ..run_outside.processes import TrainingProcesses
from ..run_outside.writing import asked_texts, check_exportable, write_run
from ..run_record import RunRecord
from .live_view import LiveView
from .order import Order
from .output import RunOutput

FOLDER = "processes"  # in the run's own folder, while they train


def check_processes(order: Order) -> None:
    """Raise `InputError` for a run that cannot be trained in as many processes as it is ordered in."""
    if order.processes == 1:
        return
    check_exportable(order.config)
    loaded_from(order.model)
    Share(0, order.processes).check(order.config.batch_size)
    if comfy.model_management.get_torch_device().type == "cuda":  # not so where ComfyUI was started with --cpu
        check_gpus(order.processes)


def run_for_processes(order: Order, output: RunOutput, texts: TextEncoder, wraps: bool) -> ExportedRun:
    """The run of `output` as it is handed to processes, which write the files that it would write itself."""
    trainer, files, identity = output.trainer, output.files, output.identity
    trained, held_out = trainer.batches.examples, trainer.measurements.held_out
    encoded_texts = asked_texts(texts, [*trained, *held_out], order.config)
    lora, folder = (str(path.resolve()) for path in (files.lora, files.folder))
    writes = Destination(lora, folder, identity.fingerprint, identity.models)
    source, clip_skip = source_of(order.model), output.base.clip_skip
    return ExportedRun(output.name, order.config, source, wraps, clip_skip, trained, held_out, encoded_texts, writes)


@dataclass(frozen=True)
class Course:
    """What processes do, shown as if `trainer` did it, and what is asked of them in the run's panel."""

    trainer: Trainer
    view: LiveView
    record: RunRecord
    controls: RunControls

    def show(self, part: LogPart) -> None:
        """Take over what their log has new: steps, measurements, LoRAs that were kept."""
        for event in part.events:
            if event["event"] == "measured":
                self._measured(event["step"], event.get("fixed"), event.get("validation"))
            elif event["event"] == "saved":
                self.record.log.event("saved", event["step"], file=event["file"])
        for step, loss, rate in zip(*(part.steps[name] for name in ("step", "loss", "lr")), strict=True):
            self._stepped(int(step or 0), float("nan") if loss is None else loss, rate or 0.0)

    def _stepped(self, step: int, loss: float, rate: float) -> None:
        trainer = self.trainer
        trainer.losses += [loss] * (step - trainer.step)  # a line of a very long run stands for several steps
        trainer.step = step
        trainer.optimizer.param_groups[0]["lr"] = rate
        self.view.after_step(step)

    def _measured(self, step: int, fixed: float | None, validation: float | None) -> None:
        measured = self.trainer.measurements
        measured.fixed += [] if fixed is None else [(step, fixed)]
        measured.validation += [] if validation is None else [(step, validation)]
        self.record.measured(step, measured.fixed, measured.validation)


def train_in_processes(run: ExportedRun, processes: int, files: RunFiles, course: Course) -> None:
    """Train `run` in so many processes, to its end or until it is stopped.

    A cancelled graph waits until they have saved their state. Raises `InputError` with the reason where they fail.
    """
    folder = files.folder / FOLDER
    _tidy(folder)  # a run that failed has left its own, to be looked at
    write_run(run, folder)
    comfy.model_management.soft_empty_cache()
    with TrainingProcesses(folder, processes) as started:
        try:
            for part in started.course():
                course.show(part)
                for action in course.controls.asked():
                    ask(folder, action)
                comfy.model_management.throw_exception_if_processing_interrupted()
        except comfy.model_management.InterruptProcessingException:
            started.stop()
            course.show(started.news())
            _tidy(folder)
            raise
    _tidy(folder)


def _tidy(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
