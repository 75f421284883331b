"""The run of a folder, as one process trains its share of it."""

import logging
import os
import signal
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ...common.errors import InputError
from ...training.checkpoint import load_tensors
from ...training.exported_run import ExportedRun, StoredTexts, read_run, write_progress
from ...training.memory.eight_bits import products_of
from ...training.memory.plan import MemoryPlan, agreed_plan
from ...training.parallel import Share
from ...training.run_controls import SAVE, STOP, RunControls
from ...training.run_files import RunFiles, checkpoints_of
from ...training.state import RunIdentity, latest_state, load_state, models_digest, run_fingerprint
from ..in_graph.identity import whole_weights
from ..in_graph.memory import Training, largest_batch, maps_together, memory_choice
from ..in_graph.model import training_dtype
from ..in_graph.output import RunOutput
from ..in_graph.setup import Setup
from ..in_graph.trained import trained_model
from ..in_graph.trained_flow import TrainedFlow
from ..in_graph.trained_unet import TrainedUnet
from ..run_record import RunRecord
from ..training import with_lora
from .model_source import load_model

TELL_EVERY = 0.5  # seconds between two lines of progress


class OutsideRun:
    """The run of a folder on one process's share of it. Ends after the step in which any process is told to."""

    def __init__(self, folder: Path, model_file: str, share: Share, device: torch.device) -> None:
        self.folder, self.share, self.run = folder, share, read_run(folder)
        run = self.run
        model = _loaded(run, folder, model_file)
        self.setup = Setup(model, run.config, device, training_dtype(run.config, device), run.wraps)
        texts = StoredTexts(run.texts, device)
        plan = self._memory(texts)
        frozen = self.setup.network(plan)
        start = _beginning(folder, "start_from")
        self.trainer = self.setup.trainer(frozen, texts, run.examples, run.held_out, start=start, share=share)
        identity, files = self._identity(frozen, plan), _files(run, folder)
        self.record = RunRecord(folder, files.lora.name, None)
        base = self.setup.base(run.clip_skip)
        self.output = RunOutput(run.name, base, self.trainer, files, self.record, identity)
        self.stopping = False
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)

    def _memory(self, texts: StoredTexts) -> MemoryPlan:
        """How this process gets by with its device's memory: all as the one with least, or their gradients would
        differ."""
        run, setup = self.run, self.setup
        maps = maps_together(run.examples, run.config)
        rows = run.config.batch_size // self.share.size * maps
        latents, conditioning, _ = largest_batch(run.examples, texts, run.texts, rows)
        training = Training(setup, latents, conditioning, maps)
        plan, note = memory_choice(training, self.share.size)
        agreed = agreed_plan(self.share.gathered((plan, products_of(setup.device))))
        if not self.share.rank:
            logging.info("Train: %s", note)
            if agreed != plan:
                logging.info("Train: another process's device has less, so all of them: %s.", training.words(agreed))
        return agreed

    def _identity(self, frozen: torch.nn.Module, plan: MemoryPlan) -> RunIdentity:
        run = self.run
        if run.destination is not None:
            return RunIdentity(run.destination.fingerprint, run.destination.models, self.setup.sharing)
        weights, by_path = whole_weights(self.setup, frozen, plan)
        models = models_digest(by_path, (run.model.loader, run.model.digest, run.wraps))
        return RunIdentity(run_fingerprint(run.config, run.examples, weights), models, self.setup.sharing)

    def _stop(self, *_signal: Any) -> None:
        self.stopping = True

    def train(self) -> int:
        """Train to the end, or until it is told to stop; the first process writes what there is. Returns 0."""
        trainer = self.trainer
        state, identity = self.output.files.state, self.output.identity
        if latest_state([state], identity, trainer.steps):
            load_state(state, trainer)
        elif latest_state([state], replace(identity, sharing=""), trainer.steps):
            raise InputError(
                f"{state} is of an earlier version, in which the maps of a set saw each other otherwise. Export the "
                "run anew, or delete that file to begin it anew."
            )
        trainer.network.attach()
        begin = trainer.step, trainer.steps
        facts = {"trainer": "run.py train", "can": [STOP, SAVE], "epoch": trainer.steps_per_epoch}
        course = nullcontext() if self.share.rank else self.record.course(*begin, **facts)
        try:
            with self.setup.model.training(), course as controls:
                self._go(controls)
        finally:
            self._save()
        self._tell("finished" if trainer.step >= trainer.steps else "stopped")
        return 0

    def _go(self, controls: RunControls | None) -> None:
        saving, trainer, last = self.run.config.saving, self.trainer, 0.0
        if not trainer.measurements.fixed:
            self._measure(0)
        for step in trainer.run():
            self._measure(step)
            asked = controls.asked() if controls else frozenset()
            if controls:
                self.record.step(step, trainer.optimizer.param_groups[0]["lr"], trainer.losses)
                if self.output.is_due(step) or (SAVE in asked and step < trainer.steps):
                    self.output.save_checkpoint(step)
            if step % saving.state_every == 0:
                self._save()
            if time.monotonic() - last > TELL_EVERY:
                last = time.monotonic()
                self._tell("training")
            if self.share.any_wants(self.stopping or STOP in asked, trainer.device):
                if controls and step < trainer.steps:
                    self.record.stop(step)
                return

    def _measure(self, step: int) -> None:
        if not self.share.rank:
            self.output.measure(step)

    def _save(self) -> None:
        self.trainer.settle()
        if not self.share.rank and self.trainer.step:
            self.output.save_lora()
            self.output.save_state()

    def _tell(self, state: str) -> None:
        """Write down, and print, how far the run is."""
        if self.share.rank:
            return
        self.trainer.settle()
        trainer = self.trainer
        loss = trainer.losses[-1] if trainer.losses else None
        facts = {"state": state, "step": trainer.step, "steps": trainer.steps, "loss": loss, "reason": ""}
        write_progress(self.folder, {**facts, "processes": self.share.size, "lora": self.output.files.lora.name})
        shown = "" if loss is None else f", loss {loss:.4f}"
        logging.info("Train: step %s/%s%s, %s.", trainer.step, trainer.steps, shown, state)


def _loaded(run: ExportedRun, folder: Path, model_file: str) -> TrainedUnet | TrainedFlow:
    first_here = not int(os.environ.get("LOCAL_RANK", 0))
    model = load_model(run.model, model_file, checked=first_here and run.destination is None)
    if (adapter := _beginning(folder, "training_adapter")) is not None:
        model = with_lora(model, None, adapter)[0]  # type: ignore[arg-type]
    return trained_model(model)


def _beginning(folder: Path, name: str) -> Mapping[str, torch.Tensor] | None:
    """The LoRA of this name that the run begins with, if any."""
    file = folder / f"{name}.safetensors"
    return load_tensors(file) if file.exists() else None


def _files(run: ExportedRun, folder: Path) -> RunFiles:
    lora, kept = folder / f"{run.name}.safetensors", folder
    if run.destination is not None:
        lora, kept = Path(run.destination.lora), Path(run.destination.folder)
    return RunFiles(lora, kept, list(checkpoints_of(lora).values()))
