"""Captioning models out of ComfyUI's model folders, under ComfyUI's memory management. Nothing is downloaded."""

from pathlib import Path
from typing import Any

import comfy.model_management
import comfy.model_patcher
import folder_paths
import torch

from ..common.errors import InputError
from ..common.paths import is_inside

CAPTIONERS = "captioners"  # the folder below ComfyUI's models, and a key for extra_model_paths.yaml


def captioner_folders() -> list[Path]:
    extra = folder_paths.folder_names_and_paths.get(CAPTIONERS, ([], set()))[0]
    return [Path(folder_paths.models_dir, CAPTIONERS), *map(Path, extra)]


def load_captioner(name: str, model_class: str, processor_class: str, source: str) -> tuple[Any, Any]:
    """Model and processor of transformers' classes, the model on the device ComfyUI chose for it.

    name is a folder below models/captioners. source is the repository to get it from, for the message that a missing
    model gets. Raises `InputError` for one that is missing or is no such model.
    """
    import transformers

    folder = _model_folder(name, source)
    try:
        processor = getattr(transformers, processor_class).from_pretrained(folder, local_files_only=True)
        model = getattr(transformers, model_class).from_pretrained(folder, local_files_only=True)
    except Exception as error:  # transformers raises nearly anything for files that do not fit
        raise InputError(
            f"The model in {folder} cannot be loaded as {model_class}: {error}. "
            f"Fill the folder with the files of {source}."
        ) from error
    device = comfy.model_management.get_torch_device()
    offload = comfy.model_management.unet_offload_device()
    held = torch.nn.ModuleDict({"captioner": model.eval()})  # the patcher sets a `device` that transformers' own refuse
    patcher = comfy.model_patcher.ModelPatcher(held, load_device=device, offload_device=offload)
    comfy.model_management.load_models_gpu([patcher], force_full_load=True)
    return model, processor


def _model_folder(name: str, source: str) -> Path:
    folders = captioner_folders()
    for root in folders:
        folder = root / name.strip()
        if name.strip() and is_inside(folder, root) and (folder / "config.json").is_file():
            return folder
    listed = "\n".join(f"  {root / (name.strip() or '<name>')}" for root in folders)
    raise InputError(
        f"There is no captioning model {name!r}. Put the files of {source} "
        f"(config.json, model.safetensors and those of the processor and tokenizer) into:\n{listed}"
    )
