"""One run through sd-scripts, from the host's dataset and checkpoint to a file in its model folders."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import comfy.model_management

from ...common.errors import InputError
from ...common.files import written_whole
from ...sd_scripts.checkout import allowed_checkouts, find_checkout, find_python
from ...sd_scripts.dataset_files import CONFIG_NAME, Writing, write_dataset
from ...sd_scripts.error_hints import Attempt, cause_of
from ...sd_scripts.extra_arguments import Argument, check_arguments, script_arguments, split_arguments
from ...sd_scripts.held_back import held_back, held_back_notes
from ...sd_scripts.output import ScriptOutput
from ...sd_scripts.process import (
    ScriptProcess,
    configured_precision,
    launched_command,
    script_command,
    script_environment,
)
from ...sd_scripts.resume import next_leg, run_length, serves
from ...sd_scripts.run_folder import run_folder
from ...sd_scripts.settings import KohyaOptions, known_settings, sample_prompts, script_settings
from ...sd_scripts.tasks import captions_without_token
from ...sd_scripts.tokenizer_files import write_hub_cache, write_tokenizers
from ...training.reference_pictures import write_references
from ...training.run_controls import STOP, RunControls, stopped_at
from ...training.run_files import told_if_disk_fails
from .. import folders
from ..in_graph.model import training_dtype
from ..node_text import tell_node
from ..progress import progress_callback
from ..run_record import RunRecord
from ..scripts import clip_tokenizer_folder, installation_folders, script_folders
from .files import file_stamp, loaded_weights, lora_to_start_from
from .fingerprint import script_fingerprint
from .live import KohyaView
from .model_files import model_files
from .order import ScriptOrder, Trained

POLL_SECONDS = 0.2


def train_with_scripts(order: ScriptOrder, node_id: str | None) -> Trained:
    """Train as `order` says, in a process of its own, and save to the host's model folder.

    However it ends, the process group is gone and what was saved last is in place. A run of the same settings,
    images and checkpoint goes on from its last state. Raises `InputError` with the cause where it does not finish.
    """
    folders.check_run_name(order.name)
    run = _Run(order, node_id)
    try:
        if run.is_finished():
            return run.result(ScriptOutput(), [])
        rejected = run.write_files()
        comfy.model_management.unload_all_models()
        comfy.model_management.soft_empty_cache()
        return run.result(run.train(rejected), rejected)
    finally:
        run.files.release()


class _Run:
    def __init__(self, order: ScriptOrder, node_id: str | None) -> None:
        self.order, self.config = order, order.config
        self.models = model_files(order)
        self.job = self.models.job
        self.tokenizers = self.models.tokenizers()
        self._check_regularisation()
        self.start = lora_to_start_from(self.job, self.config)
        self.notes = [*self.models.notes, *captions_without_token(order.own, order.dataset)]
        allowed = allowed_checkouts(installation_folders(), script_folders())
        self.checkout = find_checkout(order.sd_scripts, allowed)
        self.interpreter = find_python(order.python, self.checkout, allowed)
        self.script = self.checkout / self.job.script
        if not self.script.is_file():
            raise InputError(f"{self.checkout} has no {self.job.script}. Update the checkout with git pull.")
        self.options = self._options()
        tell_node(node_id, f"asking {self.job.script} what it takes")
        known = script_arguments(self.interpreter, self.script, os.environ)
        self.settings = self._settings(known)
        share = self.config.saving.validation_share if "validation_split" in self.settings else 0
        self.held = held_back(order.dataset, share, self.config.seed)
        self.notes += held_back_notes(order.dataset, self.held)
        if any(one.tileable for one in order.dataset.samples):
            self.notes.append(
                "sd-scripts trains tileable textures as flat images; Train Texture LoRA joins their edges"
            )
        self.added = check_arguments(split_arguments(order.arguments), known, self.job.script)
        start = [str(self.start), *file_stamp(self.start)] if self.start else None
        self.files = run_folder(
            folders.output_folder("training"),
            folders.output_folder(self.job.folder),
            order.name.strip(),
            f".{self.settings['save_model_as']}",
            self._fingerprint(),
            lambda run: run.facts.get("start", start) == start and serves(run, self.config, self.job),
        )
        self.files.facts["start"] = start  # beside the fingerprint: earlier versions' runs, which lack it, go on
        self.stops = False
        self.leg, self.leg_settings = next_leg(self.files, self.config, self.job)
        self.record = RunRecord(self.files.folder, self.files.target.name, node_id)
        self.view = KohyaView(self.files, self.leg, node_id, self.record)

    def _check_regularisation(self) -> None:
        if not self.job.knows_regularisation and any(one.regularisation for one in self.order.dataset.samples):
            raise InputError(
                f"The dataset has regularisation images, which {self.order.task} would learn like the others. Leave "
                "them out, or choose DreamBooth."
            )

    def _options(self) -> KohyaOptions:
        options = self.order.options
        vae = None if self.job.flow else self.models.arguments.get("vae")
        precision = self.config.precision
        if precision == "auto" and self.order.accelerate:
            precision = configured_precision(os.environ) or "auto"
        if precision == "auto":
            dtype = training_dtype(self.config, comfy.model_management.get_torch_device())
            precision = str(dtype).removeprefix("torch.")
        return replace(options, precision=precision, vae=vae)

    def _fingerprint(self) -> str:
        others = list(self.models.arguments.values()) if self.job.flow else []
        return script_fingerprint(self.order, self.job, self.options, self.models.model, self.added, self.held, others)

    def _settings(self, known: Mapping[str, Argument]) -> dict[str, Any]:
        buckets = self.order.dataset.buckets
        settings = script_settings(self.job, self.config, self.options, buckets) | dict(self.order.own)
        settings["pretrained_model_name_or_path"] = str(self.models.model)
        settings |= {name: str(file) for name, file in self.models.arguments.items()}
        if self.start:
            settings["network_weights"] = str(self.start)
        return known_settings(settings, frozenset(known), self.job.script)

    def is_finished(self) -> bool:
        """Whether a run of the same length did all this before, or was stopped to stay so, and its file is there."""
        done = self.files.facts.get("finished") == run_length(self.config) or stopped_at(self.files.folder) is not None
        return done and self.files.target.is_file()

    def write_files(self) -> list[str]:
        """All that the script reads; returns what is to be said of each image that was left out."""
        files = self.files
        self.view.say("writing the dataset")
        import tomli_w

        with told_if_disk_fails(files.folder):
            files.remember(script=self.job.script, file=files.target.name)
            files.begin_leg()
            writing = Writing(self.config.objective.masked, self.job.reads_metadata_file)
            rejected = write_dataset(
                files.dataset, self.order.dataset, writing, progress_callback(), self.order.conditioning, self.held
            )
            self._write_tokenizers()
            _write(files.folder / "prompts.txt", sample_prompts(self.config))
            settings = self.settings | self._paths() | self.leg_settings
            given = {name: value for name, value in settings.items() if value is not None}
            _write(files.folder / "run.toml", tomli_w.dumps(given))
        return [f"left out: {line}" for line in rejected]

    def _write_tokenizers(self) -> None:
        if self.job.flow:
            write_hub_cache(self._tokenizers, self.tokenizers)
        else:
            write_tokenizers(clip_tokenizer_folder(), self._tokenizers)

    @property
    def _tokenizers(self) -> Path:
        return self.files.folder / "tokenizers"

    def _paths(self) -> dict[str, str]:
        files, saving = self.files, self.config.saving
        samples = {"sample_prompts": str(files.folder / "prompts.txt")} if saving.sample_every else {}
        logs = {"logging_dir": str(files.folder / "logs")} if self.options.tensorboard else {}
        own = {"output_dir": str(files.scripts), "output_name": files.target.stem}
        return {**own, "tokenizer_cache_dir": str(self._tokenizers), **samples, **logs}

    def _command(self) -> list[str]:
        files = self.files
        run, dataset = files.folder / "run.toml", files.dataset / CONFIG_NAME
        arguments = ["--config_file", str(run), "--dataset_config", str(dataset), *self.added]
        if self.order.accelerate:
            return launched_command(self.interpreter, self.script, arguments, self.options.threads)
        return script_command(self.interpreter, self.script, arguments)

    def train(self, rejected: list[str]) -> ScriptOutput:
        """Run the script to its end, or to where it is stopped, and take over what it writes; `rejected` as above."""
        reading = ScriptOutput()
        with told_if_disk_fails(self.files.folder):
            references = write_references(self.files.folder, self.order.dataset.samples)
        prompts = self.config.saving.sample_prompts()
        facts = {"trainer": self.job.script, "can": [STOP], "prompts": prompts, "references": references}
        self.view.say(f"starting {self.job.script}")
        course = self.record.course(self.leg.start, 0, notes=[*self.notes, *rejected], **facts)
        with told_if_disk_fails(self.files.folder), course as controls:
            self._run_script(reading, controls)
        if not self.record.is_stopped:
            self.files.remember(finished=run_length(self.config))
        return reading

    def _run_script(self, reading: ScriptOutput, controls: RunControls) -> None:
        ended = stopped = False
        cache = self._tokenizers if self.tokenizers else None
        environment = script_environment(os.environ, self.interpreter, self.options.threads, hub_cache=cache)
        try:
            with ScriptProcess(self._command(), self.checkout, environment, self.files.log) as process:
                for lines in process.lines(POLL_SECONDS):
                    self._follow(reading, lines)
                    stopped = self._is_to_stop(controls)
                    if stopped:
                        break
                code = 0 if stopped else process.exit_code()
            ended = not stopped and code == 0 and self.files.take_end(self.leg, self.leg.end_of(reading.total))
        finally:
            note = "" if ended else self._keep_last(reading)
        if stopped:
            self.record.stop(self.files.facts["target_step"])
        elif not ended:
            raise InputError(self._what_happened(reading, code) + note)

    def _is_to_stop(self, controls: RunControls) -> bool:
        """Whether a stop was asked for and there is something to keep; until then the script goes on."""
        self.stops |= STOP in controls.asked()
        return self.stops and self.files.has_saved()

    def _follow(self, reading: ScriptOutput, lines: list[str]) -> None:
        for line in lines:
            reading.read(line)
        self._take_over(reading)
        if reading.diverged:
            raise InputError(
                f"The loss became NaN or infinite at step {self.leg.start + reading.step}, so the training was "
                "stopped. Lower the learning rate, or set precision to bfloat16 or float32. For SDXL choose a VAE that "
                "works in float16."
            )
        self.view.show(reading)
        comfy.model_management.throw_exception_if_processing_interrupted()

    def _take_over(self, reading: ScriptOutput) -> None:
        saving, epoch = self.config.saving, reading.steps_per_epoch
        if epoch and "steps_per_epoch" not in self.files.facts:
            self.files.remember(steps_per_epoch=epoch)
        with told_if_disk_fails(self.files.target):
            self.files.take_over(self.leg, epoch, saving.every_steps > 0, saving.every_epochs > 0, saving.keep_last)

    def _keep_last(self, reading: ScriptOutput) -> str:
        self._take_over(reading)
        with told_if_disk_fails(self.files.target):
            step = self.files.fall_back()
        if step is None:
            note = " Nothing had been saved yet: LoRA Saving's state_every says how often that is done."
        else:
            note = f" {self.files.target.name} holds step {step}, the last that was saved."
        self.view.say(f"stopped.{note}")
        return note

    def _what_happened(self, reading: ScriptOutput, code: int) -> str:
        began = f"{self.job.script} did not finish. "
        if code == 0:
            began = f"{self.job.script} ended without writing {self.files.target.name}. "
        return began + cause_of(
            list(reading.last_lines), code, Attempt(self.script, self.interpreter, self._tokenizers)
        )

    def result(self, reading: ScriptOutput, rejected: list[str]) -> Trained:
        """What there is to hand on. Raises `InputError` where the file that was written does not load."""
        state = loaded_weights(self.files.target, self.job)
        return Trained(
            self.files.target,
            self.files.folder,
            state,
            reading.losses,
            reading.validation,
            self._report(reading, rejected),
        )

    def _report(self, reading: ScriptOutput, rejected: list[str]) -> str:
        lines = [
            f"{self.job.script} of {self.checkout}, run by {self.interpreter}",
            f"{self.job.family}, {self.options.precision}; written: {self.files.target}",
            f"log: {self.files.log}",
        ]
        if not reading.total:
            how = "been stopped" if stopped_at(self.files.folder) is not None else "finished"
            lines.append(f"This run had {how} before, so nothing was trained. Change a setting to train anew.")
        elif self.leg.start:
            lines.append(f"went on from step {self.leg.start}")
        lines += [*self.notes, *rejected]
        return "\n".join(lines)


def _write(path: Path, text: str) -> None:
    with written_whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
