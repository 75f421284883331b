"""A run as a folder: all that training needs but the model's file, so that it can go on outside the graph.

run.json               the settings, what each image is, the model's file and its digest
encoded.safetensors    latents, masks and encoded captions
start_from.safetensors, training_adapter.safetensors    LoRAs that the run begins with, where there are any
progress.json          where it is: written by the training
log.jsonl              its course, as training.run_log has it
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from ..common.errors import InputError
from ..common.files import write_json, written_whole
from .checkpoint import save_tensors
from .config import NetworkConfig, ObjectiveConfig, OptimizerConfig, SavingConfig, TrainingConfig
from .data import Example
from .text_rows import TextConditioning, conditioning_of

FORMAT = "tilewright-training-run-1"
RUN_NAME, ENCODED_NAME, PROGRESS_NAME = "run.json", "encoded.safetensors", "progress.json"

Row = tuple[str, tuple[int, int]]
"""A caption, and the size in pixels of the image that it belongs to"""


@dataclass(frozen=True)
class ModelFile:
    """How the model is loaded: loader is "checkpoint", "diffusion_model" or "demo", digest that of the file's bytes.

    dtype is what its weights were brought to when it was loaded, such as "float8_e4m3fn"; "" leaves that to the host.
    """

    loader: str
    file: str = ""
    digest: str = ""
    dtype: str = ""


@dataclass(frozen=True)
class Destination:
    """Of a run that a graph waits for: its LoRA's file, the folder of its state, and its `RunIdentity`."""

    lora: str
    folder: str
    fingerprint: str
    models: str


@dataclass(frozen=True)
class ExportedRun:
    """examples are trained on, held_out only measured. texts has every caption that is asked for. wraps: as tori.

    Without a destination all that is trained goes into the run's own folder.
    """

    name: str
    config: TrainingConfig
    model: ModelFile
    wraps: bool
    clip_skip: int
    examples: Sequence[Example]
    held_out: Sequence[Example] = ()
    texts: Mapping[Row, TextConditioning] = field(default_factory=dict)
    destination: Destination | None = None

    def write(self, folder: Path) -> None:
        """Write the run into `folder`, run.json last."""
        folder.mkdir(parents=True, exist_ok=True)
        everything = [*self.examples, *self.held_out]
        tensors = {f"latent.{number}": example.latent for number, example in enumerate(everything)}
        tensors |= {f"mask.{number}": one.mask for number, one in enumerate(everything) if one.mask is not None}
        for number, text in enumerate(self.texts.values()):
            tensors |= {f"caption.{number}.{name}": tensor for name, tensor in text.named().items()}
        save_tensors(folder / ENCODED_NAME, tensors, {"format": FORMAT})
        facts = {
            "format": FORMAT,
            "name": self.name,
            "config": asdict(self.config),
            "model": asdict(self.model),
            "wraps": self.wraps,
            "clip_skip": self.clip_skip,
            "destination": asdict(self.destination) if self.destination else None,
            "trained": len(self.examples),
            "images": [_facts(example) for example in everything],
            "captions": [[caption, list(size)] for caption, size in self.texts],
        }
        with written_whole(folder / RUN_NAME) as unfinished:
            unfinished.write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")


def read_run(folder: Path) -> ExportedRun:
    """The run that `ExportedRun.write` left in `folder`. Raises `InputError` where there is none."""
    from safetensors.torch import load_file

    try:
        facts = json.loads((folder / RUN_NAME).read_text(encoding="utf-8"))
        tensors = load_file(folder / ENCODED_NAME)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{folder} is no folder of an exported run ({error}). Export it with Export Training Run, and give the "
            "folder that it names."
        ) from None
    if facts.get("format") != FORMAT:
        raise InputError(f"{folder} was exported by another version of Tilewright. Export the run again.")
    images = [
        Example(tensors[f"latent.{number}"], mask=tensors.get(f"mask.{number}"), **_example_facts(own))
        for number, own in enumerate(facts["images"])
    ]
    texts = {
        (caption, (size[0], size[1])): conditioning_of(_beginning(tensors, f"caption.{number}."))
        for number, (caption, size) in enumerate(facts["captions"])
    }
    trained = facts["trained"]
    return ExportedRun(
        facts["name"],
        _config(facts["config"]),
        ModelFile(**facts["model"]),
        facts["wraps"],
        facts["clip_skip"],
        images[:trained],
        images[trained:],
        texts,
        Destination(**facts["destination"]) if facts.get("destination") else None,
    )


def read_progress(folder: Path) -> dict[str, Any]:
    """What the training of the run in `folder` last said of its course; {} before it has said anything."""
    try:
        progress: dict[str, Any] = json.loads((folder / PROGRESS_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return progress


def write_progress(folder: Path, progress: Mapping[str, Any]) -> None:
    """Say how the run in `folder` stands, in place of what was said before."""
    write_json(folder / PROGRESS_NAME, dict(progress))


def note_failure(folder: Path, reason: str) -> None:
    """Say that the run in `folder` failed and why; how far it had come stays."""
    write_progress(folder, {**read_progress(folder), "state": "failed", "reason": reason})


@dataclass(frozen=True)
class StoredTexts:
    """The trainer's text encoder: captions that were encoded when the run was exported."""

    texts: Mapping[Row, TextConditioning]
    device: torch.device

    def __call__(self, captions: Sequence[str], sizes: Sequence[tuple[int, int]]) -> TextConditioning:
        rows: list[Any] = [self.texts[row] for row in zip(captions, sizes, strict=True)]
        stacked: TextConditioning = type(rows[0]).stack(rows)
        return stacked.moved(self.device)


def _facts(example: Example) -> dict[str, Any]:
    return asdict(replace(example, latent=torch.empty(0), mask=None)) | {"latent": None, "mask": None}


def _example_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: value for name, value in facts.items() if name not in ("latent", "mask")}
    return {**known, "size": tuple(known["size"])}


def _config(facts: Mapping[str, Any]) -> TrainingConfig:
    parts: dict[str, Any] = {
        "network": NetworkConfig(**facts["network"]),
        "optimizer": OptimizerConfig(**{**facts["optimizer"], "betas": tuple(facts["optimizer"]["betas"])}),
        "objective": ObjectiveConfig(**facts["objective"]),
        "saving": SavingConfig(**facts["saving"]),
    }
    return TrainingConfig(**{**facts, **parts})


def _beginning(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
