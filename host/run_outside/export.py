"""A run as Train LoRA would train it, written into a folder instead."""

from pathlib import Path

import comfy.model_management
import torch

from ...common.files import free_name
from ...training.data import split_validation
from ...training.exported_run import RUN_NAME, ExportedRun
from .. import folders
from .. import training as host_training
from ..in_graph.checks import check_connected, check_sets, check_vae
from ..in_graph.latents import cached_examples
from ..in_graph.order import Order
from ..in_graph.trained import trained_model, with_training_adapter
from .model_source import source_of
from .writing import asked_texts, check_exportable, write_run


def export_run(order: Order) -> Path:
    """Encode the images and captions of `order`, and write the run into a new folder in output/training_runs.

    Raises `InputError` for what cannot be trained, or not outside the graph.
    """
    config = order.config
    check_connected(order.model, order.vae, order.clip)
    trained = trained_model(order.model)
    trained.check(config)
    name = folders.check_run_name(order.name)
    check_sets(order.dataset, config)
    check_exportable(config)
    source = source_of(order.model)
    adapted = trained_model(with_training_adapter(order.model, order.clip, config))
    check_vae(order.model, order.vae)
    trained.check_clip(order.clip)
    datasets = [dataset for dataset in (order.dataset, order.validation) if dataset is not None]
    encoded = [cached_examples(order.model, order.vae, dataset, config)[0] for dataset in datasets]
    examples, held_out = split_validation(encoded[0], config.saving.validation_share, config.seed)
    held_out += [example for part in encoded[1:] for example in part]
    with torch.inference_mode(False):
        texts, _ = adapted.texts(order.clip, [*examples, *held_out], config, torch.device("cpu"))
    encoded_texts = asked_texts(texts, [*examples, *held_out], config)
    comfy.model_management.unload_all_models()
    clip_skip = -(host_training.last_layer(order.clip, config.objective.clip_skip) or -1)
    wraps = trained.wraps(config, encoded[0])
    folder = _new_folder(name)
    write_run(ExportedRun(name, config, source, wraps, clip_skip, examples, held_out, encoded_texts), folder)
    return folder


def _new_folder(name: str) -> Path:
    runs = folders.output_folder("training_runs")
    return runs / free_name(name, lambda stem: (runs / stem / RUN_NAME).exists())
