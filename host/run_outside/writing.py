"""A run's folder, whether an artist asked for it or a graph that trains in several processes."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ...common.errors import InputError
from ...training.config import TrainingConfig
from ...training.data import Example
from ...training.exported_run import ExportedRun, Row
from ...training.loop import TextEncoder
from ...training.text_rows import TextConditioning
from .. import folders
from ..in_graph.text_conditioning import captions_asked_for

COPIED = ("start_from", "training_adapter")  # LoRAs that a run begins with


def check_exportable(config: TrainingConfig) -> None:
    """Raise `InputError` for what a run needs the text encoder or the VAE for while it trains."""
    objective: Any = config.objective
    if config.network.text_encoder:
        raise InputError(
            "text_encoder of LoRA Network is on, but a run outside the graph has no text encoder. Switch it off."
        )
    if objective.shuffle_caption:
        raise InputError(
            "shuffle_caption of LoRA Objective makes captions that are not known yet, and a run outside the graph has "
            "no text encoder for them. Switch it off."
        )
    if config.saving.sample_every:
        raise InputError(
            "sample_every of LoRA Saving asks for pictures, but a run outside the graph has no VAE to show them. Set "
            "it to 0; the checkpoints can be compared with LoRA Grid."
        )


def asked_texts(texts: TextEncoder, examples: Sequence[Example], config: TrainingConfig) -> dict[Row, TextConditioning]:
    """Every caption that a run on `examples` asks for, encoded."""
    with torch.inference_mode(False):
        return {row: texts([row[0]], [row[1]]) for row in sorted(captions_asked_for(examples, config))}


def write_run(run: ExportedRun, folder: Path) -> None:
    """Write `run` into `folder`, with copies of the LoRAs that it begins with."""
    for setting in COPIED:
        if name := getattr(run.config.network, setting):
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folders.model_file("loras", name, setting), folder / f"{setting}.safetensors")
        else:
            (folder / f"{setting}.safetensors").unlink(missing_ok=True)  # of an earlier run in this folder
    run.write(folder)
