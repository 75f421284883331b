"""One training run, from the host's objects to its files."""

import logging
from collections.abc import Mapping
from contextlib import suppress

import comfy.model_management
import torch

from ...common.errors import InputError
from ...training.checkpoint import load_tensors
from ...training.data import split_validation
from ...training.loop import Diverged
from ...training.optimizers import check_optimizer, check_warmup
from ...training.reference_pictures import write_references
from ...training.run_controls import ACTIONS, SAMPLE, SAVE, STOP, RunControls, stopped_at
from ...training.run_files import (
    RunFiles,
    check_asked_for,
    check_kept,
    check_room,
    check_writable,
    files_of_run,
    told_if_disk_fails,
)
from ...training.state import RunIdentity, load_state
from .. import folders
from .. import training as host_training
from ..node_text import tell_node
from ..run_record import RunRecord
from .checks import check_connected, check_device, check_sets, check_vae, check_validation, told_to_artists
from .identity import known_identity, run_identity
from .in_processes import Course, check_processes, run_for_processes, train_in_processes
from .latents import cached_examples, wrapped_vae
from .live_view import LiveView
from .memory import memory_of_run
from .model import starting_weights, told_if_compiling_fails, training_dtype
from .order import Encoded, Order, TrainedLora
from .output import RunOutput
from .preflight import dataset_notes
from .setup import Setup
from .trained import trained_model, with_training_adapter
from .trained_flow import TrainedFlow
from .trained_unet import TrainedUnet


def train_lora(order: Order) -> TrainedLora:
    """Train a LoRA as `order` says and save it as output/loras/<name>.safetensors.

    A run of the same settings, images and models that was cancelled goes on where it stopped; any other one leaves
    an earlier file of that name alone and is numbered. However a run ends, it first saves what it has. Raises
    `InputError` for models that cannot be trained, for a dataset without images, when the loss becomes NaN or
    infinite, and when memory or disk are too small.
    """
    config, model = order.config, order.model
    check_connected(model, order.vae, order.clip)
    trained = trained_model(with_training_adapter(model, order.clip, config))
    trained.check(config)
    folders.check_run_name(order.name)
    check_sets(order.dataset, config)
    device = comfy.model_management.get_torch_device()
    check_device(config, device)
    check_processes(order)
    if not config.epochs:
        check_warmup(config.optimizer, config.steps)
    check_validation(order)
    check_writable(folders.output_folder("loras"), folders.output_folder("training"))
    with told_to_artists(), told_if_compiling_fails(config):
        with torch.inference_mode(False):
            check_optimizer(config.optimizer, device)
        check_vae(model, order.vae)
        trained.check_clip(order.clip)
        with torch.inference_mode(False):
            # before the images are encoded: what cannot be read is told at once
            start = starting_weights(config, isinstance(trained, TrainedUnet))
        encoded = [
            Encoded(*cached_examples(model, order.vae, dataset, config))
            for dataset in (order.dataset, order.validation)
            if dataset is not None
        ]
        with torch.inference_mode(False):
            return _Run(order, trained, encoded, start, device).train()


class _Run:
    """One training run, from the host's objects to its files."""

    def __init__(
        self,
        order: Order,
        model: TrainedUnet | TrainedFlow,
        encoded: list[Encoded],
        start: Mapping[str, torch.Tensor] | None,
        device: torch.device,
    ) -> None:
        self.order, self.model, self.config = order, model, order.config
        config, examples = order.config, encoded[0].examples
        everything = [example for part in encoded for example in part.examples]
        dtype = training_dtype(config, device)
        if order.processes > 1:  # which train on the devices: here is only what says what they do
            device = torch.device("cpu")
        self.texts, text_layers = model.texts(order.clip, everything, config, device)
        comfy.model_management.unload_all_models()  # nothing but the UNet in training takes memory from here on
        setup = Setup(model, config, device, dtype, model.wraps(config, examples))
        plan, memory_note = memory_of_run(order, setup, examples, self.texts, text_layers)
        frozen = setup.network(plan)
        told_by = known_identity if config.saving.resume else run_identity
        identity = told_by(order, setup, examples, frozen, plan)
        trained, held_out = split_validation(examples, config.saving.validation_share, config.seed)
        held_out += [example for part in encoded[1:] for example in part.examples]
        self.trainer = setup.trainer(frozen, self.texts, trained, held_out, text_layers, start)
        self.notes = dataset_notes(order, self.trainer, self.texts, encoded[0].unreadable)
        self.notes += [memory_note] if memory_note else []
        self.notes += model.notes(config, all(example.tileable for example in examples))
        self.wraps, self.tiling_vae = setup.wraps, wrapped_vae(order.vae) if setup.wraps else order.vae
        self.files = self._own_files(identity)
        self.record = RunRecord(self.files.folder, self.files.lora.name, order.node_id)
        layer = host_training.last_layer(order.clip, config.objective.clip_skip) or -1
        name, base = order.name.strip(), setup.base(-layer)
        self.output = RunOutput(name, base, self.trainer, self.files, self.record, identity)

    def _own_files(self, identity: RunIdentity) -> RunFiles:
        loras, runs = folders.output_folder("loras"), folders.output_folder("training")
        resumed = identity if self.config.saving.resume else None
        files = files_of_run(loras, runs, self.order.name.strip(), resumed, self.trainer.steps)
        size = sum(parameter.numel() for parameter in self.trainer.parameters)
        try:
            check_room(files, 4 * size * 4)  # a file, and a state with two moments
        except InputError:
            files.release()
            raise
        return files

    def train(self) -> TrainedLora:
        try:
            return self._outcome()
        finally:
            self.files.release()

    def _outcome(self) -> TrainedLora:
        trainer, files = self.trainer, self.files
        given = (self.model, self.config, self.order.node_id, self.notes, self.record)
        self.view = LiveView(trainer, files, self.tiling_vae, *given)
        begin = self._begin()
        self._announce(begin)
        if self.order.checkpoint:
            kept = self._checkpoints()[-self.config.saving.keep_last :]
            check_kept(files, self.order.checkpoint, [*kept, trainer.step, trainer.steps])
        state = self._save_all() if self._is_done() else self._train()
        lora, measured = files.lora, trainer.measurements
        if self.order.checkpoint not in (0, trainer.step):
            check_kept(files, self.order.checkpoint)
            lora = files.checkpoint(self.order.checkpoint)
            state = load_tensors(lora)
        return TrainedLora(
            state, lora, files, trainer.losses, measured.validation, measured.fixed, self.output.metadata()
        )

    def _begin(self) -> str:
        """Where there is a state, go to its step. Returns how the run begins, in a sentence."""
        if not self.files.state.exists():
            return f"A new run.{self._numbered()}"
        trainer, lora = self.trainer, self.files.lora.name
        load_state(self.files.state, trainer)
        if trainer.step == trainer.steps:
            check_asked_for(self.files, self._checkpoints(), self.config.saving)
            return (
                f"Finished run found, nothing trained: {lora} has all {trainer.steps} steps. To train anew, switch "
                "resume of LoRA Saving off or change the seed."
            )
        if self._is_done():
            return (
                f"Stopped run found, nothing trained: {lora} was kept after step {trainer.step}. To let it go on, "
                "press Go on in the panel, or delete stopped.json in its folder."
            )
        return f"Goes on from step {trainer.step} of {lora}."

    def _numbered(self) -> str:
        name, stem = self.order.name.strip(), self.files.lora.stem
        return "" if stem == name else f" It is called {stem}: files of another run called {name} stay as they are."

    def _is_done(self) -> bool:
        step = self.trainer.step
        return step == self.trainer.steps or (step > 0 and stopped_at(self.files.folder) == step)

    def _announce(self, begin: str) -> None:
        """Tell the node and the log what is trained on and how the run begins."""
        self.notes.append(begin)
        tell_node(self.order.node_id, "\n".join(self.notes))
        logging.info("Train Texture LoRA, %s: %s", self.files.lora.stem, " ".join(self.notes))

    def _train(self) -> dict[str, torch.Tensor]:
        trainer = self.trainer
        with told_if_disk_fails(self.files.folder):
            references = write_references(self.files.folder, self.order.dataset.samples)
        facts = {
            "trainer": "Train Texture LoRA",
            "can": ACTIONS if self.order.processes == 1 else [STOP, SAVE],
            "epoch": trainer.steps_per_epoch,
            "prompts": self.view.prompts(),
            "references": references,
            "notes": self.notes,
        }
        disk = told_if_disk_fails(self.files.folder)
        with disk, self.record.course(trainer.step, trainer.steps, **facts) as controls:
            if self.order.processes > 1:
                return self._train_in_processes(controls)
            trainer.network.attach()
            try:
                with self.model.training():
                    self._go(controls)
            finally:
                trainer.network.detach()
                state = self._save_all()
        return state

    def _train_in_processes(self, controls: RunControls) -> dict[str, torch.Tensor]:
        trainer, files = self.trainer, self.files
        run = run_for_processes(self.order, self.output, self.texts, self.wraps)
        try:
            train_in_processes(run, self.order.processes, files, Course(trainer, self.view, self.record, controls))
        finally:
            trainer.step = 0  # what they made and did not save is lost
            if files.state.exists():
                load_state(files.state, trainer)
            self.record.hint(trainer.step)  # the log of a very long run has not the last steps
            state = self._save_all()
        if trainer.step < trainer.steps:
            self.record.stop(trainer.step)
        return state

    def _go(self, controls: RunControls) -> None:
        trainer, output = self.trainer, self.output
        if not trainer.measurements.fixed:
            output.measure(0)
        for step in trainer.run():
            comfy.model_management.throw_exception_if_processing_interrupted()
            output.measure(step)
            asked = controls.asked()
            if output.is_due(step) or (SAVE in asked and step < trainer.steps):
                output.save_checkpoint(step)
            if step % self.config.saving.state_every == 0:
                output.save_state()
            self.view.after_step(step, SAMPLE in asked)
            if STOP in asked and step < trainer.steps:
                self.record.stop(step)
                return

    def _checkpoints(self) -> list[int]:
        return [step for step in range(1, self.trainer.steps) if self.output.is_due(step)]

    def _save_all(self) -> dict[str, torch.Tensor]:
        with suppress(Diverged):  # then the steps after the last sound one are taken back
            self.trainer.settle()
        if not self.trainer.step:
            return {}
        self.output.save_lora()
        self.output.save_state()
        return self.trainer.kohya_state()
