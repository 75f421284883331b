"""One process of a training outside the graph: `python -m launch.run_module --with-comfyui host.run_outside.train`.

torch.distributed.run starts as many of them as are asked for, and tells each its rank. The first one writes.
"""

import argparse
import json
import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ...common.errors import InputError
from ...common.files import written_whole
from ...training.checkpoint import save_tensors
from ...training.exported_run import PROGRESS_NAME, ExportedRun, StoredTexts, read_run
from ...training.loop import Diverged, Trainer
from ...training.lora import LoraNetwork
from ...training.metadata import lora_metadata
from ...training.parallel import Share
from ...training.run_files import STATE_NAME, RunFiles
from ...training.state import RunIdentity, latest_state, load_state, models_digest, run_fingerprint, save_state

TELL_EVERY = 2.0  # seconds between two lines of progress
SAVE_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def main(arguments: list[str]) -> int:
    """Train the run of a folder, in as many processes as the environment says; returns its exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        with _joined() as (share, device):
            run = OutsideRun(options.folder, options.model, share, device)
            return run.train()
    except InputError as error:
        if not int(os.environ.get("RANK", 0)):
            logging.error("Train: %s", error)
            _tell(options.folder, {"state": "failed", "reason": str(error)})
        return 1


@contextmanager
def _joined() -> Iterator[tuple[Share, torch.device]]:
    """This process as one of its group, and the device that it trains on."""
    rank, size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    gpu = torch.cuda.is_available()
    if gpu:  # before ComfyUI asks which device to use
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)) % torch.cuda.device_count())
    if size > 1:
        torch.distributed.init_process_group("nccl" if gpu else "gloo")
    import comfy.model_management

    try:
        yield Share(rank, size), comfy.model_management.get_torch_device()
    finally:
        if size > 1:
            torch.distributed.destroy_process_group()


class OutsideRun:
    """The run of a folder on one process's share of it. Ends after the step in which any process is told to."""

    def __init__(self, folder: Path, model_file: str, share: Share, device: torch.device) -> None:
        from ..in_graph.model import training_dtype
        from ..in_graph.run import trained_model
        from ..training import with_lora
        from .model_source import load_model

        self.folder, self.share, self.run = folder, share, read_run(folder)
        config = self.run.config
        model = load_model(self.run.model, model_file)
        adapter = folder / "training_adapter.safetensors"
        if adapter.exists():
            model = with_lora(model, None, _tensors(adapter))[0]  # type: ignore[arg-type]
        self.model = trained_model(model)
        dtype = training_dtype(config, device)
        precision = str(dtype).removeprefix("torch.")
        self.base = replace(self.model.base, precision=precision, clip_skip=self.run.clip_skip)
        frozen = self.model.network(config, device, dtype, self.run.wraps)
        network = LoraNetwork(self.model.layers(frozen, config), config.network, config.seed)
        if (start := folder / "start_from.safetensors").exists():
            network.load_kohya_state(_tensors(start))
        self.trainer = Trainer(
            network,
            self.model.denoiser(frozen, config, self.run.wraps),
            StoredTexts(self.run.texts, device),
            self.run.examples,
            self.model.schedule(config),
            config,
            device,
            self.run.held_out,
            dtype == torch.float16,
            share,
        )
        self.identity = _identity(self.run, frozen)
        self.files = RunFiles(folder / f"{self.run.name}.safetensors", folder)
        self.stopping = False
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)

    def _stop(self, *_signal: Any) -> None:
        self.stopping = True

    def train(self) -> int:
        """Train to the end, or until it is told to stop; the first process writes what there is. Returns 0."""
        if latest_state([self.folder / STATE_NAME], self.identity, self.trainer.steps):
            load_state(self.files.state, self.trainer)
        self.trainer.network.attach()
        reason = ""
        try:
            with self.model.training():
                self._go()
        except Diverged as error:
            reason = f"The loss became NaN or infinite at step {error.step}. Lower the learning rate."
        self._save()
        done = self.trainer.step >= self.trainer.steps
        self._told("failed" if reason else "finished" if done else "stopped", reason)
        return 1 if reason else 0

    def _go(self) -> None:
        saving, trainer, last = self.run.config.saving, self.trainer, time.monotonic()
        if not trainer.measurements.fixed:
            self._measure(0)
        for step in trainer.run():
            self._measure(step)
            if saving.every_steps and step % saving.every_steps == 0 and step < trainer.steps and not self.share.rank:
                tensors = trainer.kohya_state(SAVE_DTYPES[saving.precision])
                self.files.save_checkpoint(step, tensors, self._metadata(), saving.keep_last)
            if step % saving.state_every == 0:
                self._save()
            if time.monotonic() - last > TELL_EVERY:
                last = time.monotonic()
                self._told("training")
            if self.share.any_wants(self.stopping, trainer.device):
                return

    def _measure(self, step: int) -> None:
        if not self.share.rank:
            self.trainer.measurements.take(step)

    def _save(self) -> None:
        self.trainer.settle()
        if not self.share.rank and self.trainer.step:
            tensors = self.trainer.kohya_state(SAVE_DTYPES[self.run.config.saving.precision])
            save_tensors(self.files.lora, tensors, self._metadata())
            save_state(self.files.state, self.trainer, self.identity, self.files.lora.name)

    def _metadata(self) -> dict[str, str]:
        return lora_metadata(self.run.name, self.base, self.run.config, self.trainer)

    def _told(self, state: str, reason: str = "") -> None:
        if self.share.rank:
            return
        self.trainer.settle()
        trainer = self.trainer
        loss = trainer.losses[-1] if trainer.losses else None
        facts = {"state": state, "step": trainer.step, "steps": trainer.steps, "loss": loss, "reason": reason}
        _tell(self.folder, {**facts, "processes": self.share.size, "lora": self.files.lora.name})
        shown = "" if loss is None else f", loss {loss:.4f}"
        logging.info("Train: step %s/%s%s, %s. %s", trainer.step, trainer.steps, shown, state, reason)


def _identity(run: ExportedRun, frozen: torch.nn.Module) -> RunIdentity:
    models = models_digest(dict(frozen.named_parameters()), (run.model.loader, run.model.digest, run.wraps))
    return RunIdentity(run_fingerprint(run.config, run.examples, frozen), models)


def _tensors(file: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(file)


def _tell(folder: Path, facts: dict[str, Any]) -> None:
    with written_whole(folder / PROGRESS_NAME) as unfinished:
        unfinished.write_text(json.dumps(facts), encoding="utf-8")
