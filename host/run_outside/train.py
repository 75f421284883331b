"""One process of a training outside the graph: `run_module.py --with-comfyui host.run_outside.train RUN_FOLDER`.

torch.distributed.run starts as many of them as are asked for, and tells each its rank. The first one writes.
"""

import argparse
import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch

from ...common.errors import InputError
from ...training.checkpoint import DTYPES, load_tensors, save_tensors
from ...training.exported_run import StoredTexts, note_failure, read_progress, read_run, write_progress
from ...training.loop import Trainer
from ...training.lora import LoraNetwork
from ...training.memory.eight_bits import products_of
from ...training.memory.plan import MemoryPlan, agreed_plan
from ...training.metadata import lora_metadata
from ...training.parallel import Share
from ...training.run_controls import SAVE, STOP, RunControls
from ...training.run_files import RunFiles, checkpoints_of
from ...training.state import RunIdentity, latest_state, load_state, models_digest, run_fingerprint, save_state

TELL_EVERY = 0.5  # seconds between two lines of progress
PATIENCE = timedelta(hours=6)  # of processes that wait for the first one, while it measures or saves


def main(arguments: list[str]) -> int:
    """Train the run of a folder, in as many processes as the environment says; returns its exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        with _joined() as (share, device), _told():
            return OutsideRun(options.folder, options.model, share, device).train()
    except InputError as error:  # which each process has that meets it; the first one's stays
        if not read_progress(options.folder).get("reason"):
            logging.error("Train: %s", error)
            note_failure(options.folder, str(error))
        return 1


@contextmanager
def _joined() -> Iterator[tuple[Share, torch.device]]:
    """This process as one of its group, and the device that it trains on."""
    rank, size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    gpu = torch.cuda.is_available()
    if gpu:  # before ComfyUI asks which device to use
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)) % torch.cuda.device_count())
    if size > 1:
        nccl = gpu and torch.distributed.is_nccl_available()  # Windows has none
        torch.distributed.init_process_group("nccl" if nccl else "gloo", timeout=PATIENCE)
    import comfy.model_management

    try:
        yield Share(rank, size), comfy.model_management.get_torch_device()
    finally:
        if size > 1:
            torch.distributed.destroy_process_group()


@contextmanager
def _told() -> Iterator[None]:
    from ..in_graph.checks import told_to_artists  # once ComfyUI may ask for its device

    with told_to_artists():
        yield


class OutsideRun:
    """The run of a folder on one process's share of it. Ends after the step in which any process is told to."""

    def __init__(self, folder: Path, model_file: str, share: Share, device: torch.device) -> None:
        from ..in_graph.model import training_dtype
        from ..in_graph.trained import trained_model
        from ..run_record import RunRecord
        from ..training import with_lora
        from .model_source import load_model

        self.folder, self.share, self.run = folder, share, read_run(folder)
        config, destination = self.run.config, self.run.destination
        first_here = not int(os.environ.get("LOCAL_RANK", 0))
        model = load_model(self.run.model, model_file, checked=first_here and destination is None)
        adapter = folder / "training_adapter.safetensors"
        if adapter.exists():
            model = with_lora(model, None, load_tensors(adapter))[0]  # type: ignore[arg-type]
        self.model = trained_model(model)
        dtype = training_dtype(config, device)
        precision = str(dtype).removeprefix("torch.")
        self.base = replace(self.model.base, precision=precision, clip_skip=self.run.clip_skip)
        texts = StoredTexts(self.run.texts, device)
        plan = self._memory(texts, dtype)
        frozen = self.model.network(config, device, dtype, self.run.wraps, plan)
        network = LoraNetwork(self.model.layers(frozen, config), config.network, config.seed).to(device)
        if (start := folder / "start_from.safetensors").exists():
            network.load_kohya_state(load_tensors(start))
        self.trainer = Trainer(
            network,
            self.model.denoiser(frozen, config, self.run.wraps),
            texts,
            self.run.examples,
            self.model.schedule(config),
            config,
            device,
            self.run.held_out,
            dtype == torch.float16,
            share,
        )
        if destination is None:
            self.identity = self._identity(frozen, plan, dtype)
            lora, kept = folder / f"{self.run.name}.safetensors", folder
        else:
            self.identity = RunIdentity(destination.fingerprint, destination.models)
            lora, kept = Path(destination.lora), Path(destination.folder)
        self.files = RunFiles(lora, kept, list(checkpoints_of(lora).values()))
        self.record = RunRecord(folder, self.files.lora.name, None)
        self.stopping = False
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)

    def _memory(self, texts: StoredTexts, dtype: torch.dtype) -> MemoryPlan:
        """How this process gets by with its device's memory: all as the one with least, or their gradients would
        differ."""
        from ..in_graph.memory import Training, largest_batch, maps_together, memory_choice

        run, maps = self.run, maps_together(self.run.examples, self.run.config)
        rows = run.config.batch_size // self.share.size * maps
        latents, told, _ = largest_batch(run.examples, texts, run.texts, rows)
        training = Training(self.model, run.config, texts.device, dtype, run.wraps, latents, told, maps)
        plan, note = memory_choice(training, self.share.size)
        agreed = agreed_plan(self.share.gathered((plan, products_of(texts.device))))
        if not self.share.rank:
            logging.info("Train: %s", note)
            if agreed != plan:
                logging.info("Train: another process's device has less, so all of them: %s.", agreed.words())
        return agreed

    def _identity(self, frozen: torch.nn.Module, plan: MemoryPlan, dtype: torch.dtype) -> RunIdentity:
        from ..in_graph.identity import whole_weights

        run = self.run
        weights, by_path = whole_weights(self.model, frozen, plan, dtype)
        models = models_digest(by_path, (run.model.loader, run.model.digest, run.wraps))
        return RunIdentity(run_fingerprint(run.config, run.examples, weights), models)

    def _stop(self, *_signal: Any) -> None:
        self.stopping = True

    def train(self) -> int:
        """Train to the end, or until it is told to stop; the first process writes what there is. Returns 0."""
        trainer = self.trainer
        if latest_state([self.files.state], self.identity, trainer.steps):
            load_state(self.files.state, trainer)
        trainer.network.attach()
        begin = trainer.step, trainer.steps
        facts = {"trainer": "run.py train", "can": [STOP, SAVE], "epoch": trainer.steps_per_epoch}
        course = nullcontext() if self.share.rank else self.record.course(*begin, **facts)
        try:
            with self.model.training(), course as controls:
                self._go(controls)
        finally:
            self._save()
        self._told("finished" if trainer.step >= trainer.steps else "stopped")
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
                self._keep(step, SAVE in asked)
            if step % saving.state_every == 0:
                self._save()
            if time.monotonic() - last > TELL_EVERY:
                last = time.monotonic()
                self._told("training")
            if self.share.any_wants(self.stopping or STOP in asked, trainer.device):
                if controls and step < trainer.steps:
                    self.record.stop(step)
                return

    def _measure(self, step: int) -> None:
        if not self.share.rank:
            measured = self.trainer.measurements
            measured.take(step)
            self.record.measured(step, measured.fixed, measured.validation)

    def _keep(self, step: int, asked: bool) -> None:
        """Keep the LoRA of `step` where that is due, or asked for."""
        saving, trainer = self.run.config.saving, self.trainer
        if saving.keeps(step, trainer.steps, trainer.steps_per_epoch) or (asked and step < trainer.steps):
            tensors = trainer.kohya_state(DTYPES[saving.precision])
            self.files.save_checkpoint(step, tensors, self._metadata(), saving.keep_last)
            self.record.log.event("saved", step, file=self.files.checkpoint(step).name)

    def _save(self) -> None:
        self.trainer.settle()
        if not self.share.rank and self.trainer.step:
            self.record.log.losses(self.trainer.losses)
            self.record.log.flush()
            tensors = self.trainer.kohya_state(DTYPES[self.run.config.saving.precision])
            save_tensors(self.files.lora, tensors, self._metadata())
            save_state(self.files.state, self.trainer, self.identity, self.files.lora.name)

    def _metadata(self) -> dict[str, str]:
        return lora_metadata(self.run.name, self.base, self.run.config, self.trainer)

    def _told(self, state: str) -> None:
        if self.share.rank:
            return
        self.trainer.settle()
        trainer = self.trainer
        loss = trainer.losses[-1] if trainer.losses else None
        facts = {"state": state, "step": trainer.step, "steps": trainer.steps, "loss": loss, "reason": ""}
        write_progress(self.folder, {**facts, "processes": self.share.size, "lora": self.files.lora.name})
        shown = "" if loss is None else f", loss {loss:.4f}"
        logging.info("Train: step %s/%s%s, %s.", trainer.step, trainer.steps, shown, state)
