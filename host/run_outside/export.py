"""A run as Train LoRA would train it, written into a folder instead."""

import shutil
from pathlib import Path
from typing import Any

import comfy.model_management
import torch

from ...common.errors import InputError
from ...common.files import check_name, free_name
from ...training.config import TrainingConfig
from ...training.data import split_validation
from ...training.exported_run import RUN_NAME, ExportedRun, Row
from ...training.text_rows import Told
from .. import folders
from .. import training as host_training
from ..in_graph.checks import check_connected, check_vae
from ..in_graph.latents import cached_examples
from ..in_graph.order import Order
from ..in_graph.run import trained_model, with_training_adapter
from ..in_graph.text_conditioning import captions_asked_for
from .model_source import source_of

COPIED = ("start_from", "training_adapter")  # LoRAs that a run begins with


def export_run(order: Order) -> Path:
    """Encode the images and captions of `order`, and write the run into a new folder in output/training_runs.

    Raises `InputError` for what cannot be trained, or not outside the graph.
    """
    config = order.config
    check_connected(order.model, order.vae, order.clip)
    trained = trained_model(order.model)
    trained.check(config)
    check_name(order.name, "name")
    _check_exportable(config)
    source = source_of(order.model)
    adapted = trained_model(with_training_adapter(order.model, order.clip, config))
    check_vae(order.model, order.vae)
    trained.check_clip(order.clip)
    datasets = [dataset for dataset in (order.dataset, order.validation) if dataset is not None]
    encoded = [cached_examples(order.model, order.vae, dataset, config)[0] for dataset in datasets]
    examples, held_out = split_validation(encoded[0], config.saving.validation_share, config.seed)
    held_out += [example for part in encoded[1:] for example in part]
    rows = sorted(captions_asked_for([*examples, *held_out], config))
    with torch.inference_mode(False):
        texts, _ = adapted.texts(order.clip, [*examples, *held_out], config, torch.device("cpu"))
        told: dict[Row, Told] = {row: texts([row[0]], [row[1]]) for row in rows}
    comfy.model_management.unload_all_models()
    run = ExportedRun(
        order.name.strip(),
        config,
        source,
        trained.wraps(config, encoded[0]),
        -(host_training.last_layer(order.clip, config.objective.clip_skip) or -1),
        examples,
        held_out,
        told,
    )
    folder = _new_folder(order.name.strip())
    _copy_loras(config, folder)
    run.write(folder)
    return folder


def _check_exportable(config: TrainingConfig) -> None:
    objective: Any = config.objective
    if config.network.text_encoder:
        raise InputError("text_encoder of LoRA Network is on, but an exported run has no text encoder. Switch it off.")
    if objective.shuffle_caption:
        raise InputError(
            "shuffle_caption of LoRA Objective makes captions that are not known yet, and an exported run has no text "
            "encoder for them. Switch it off."
        )
    if config.saving.sample_every:
        raise InputError(
            "sample_every of LoRA Saving asks for pictures, but an exported run has no VAE to show them. Set it to 0; "
            "the checkpoints can be compared with LoRA Grid."
        )


def _new_folder(name: str) -> Path:
    runs = folders.output_folder("training_runs")
    return runs / free_name(name, lambda stem: (runs / stem / RUN_NAME).exists())


def _copy_loras(config: TrainingConfig, folder: Path) -> None:
    for setting in COPIED:
        if name := getattr(config.network, setting):
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folders.model_file("loras", name, setting), folder / f"{setting}.safetensors")
