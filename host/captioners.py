"""Captioning models out of ComfyUI's model folders, under ComfyUI's memory management. Nothing is downloaded."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import comfy.model_management
import comfy.model_patcher
import folder_paths
import numpy as np
import torch

from ..captions.tagging import DEEPDANBOORU_TAGS, WD_TAGS, Predict
from ..common.errors import InputError
from ..common.paths import resolve_inside
from .out_of_memory import is_out_of_memory

CAPTIONERS = "captioners"  # the folder below ComfyUI's models, and a key for extra_model_paths.yaml
_TRANSFORMERS_FILES = "(config.json, model.safetensors and those of the processor and tokenizer)"
_TAGGER_FILES = f"(model.onnx and {WD_TAGS}; for DeepDanbooru its .onnx and {DEEPDANBOORU_TAGS})"
_ROOM_TO_WORK = 3  # GPU memory to have free for a tagger, in sizes of its file


def captioner_folders() -> list[Path]:
    extra = folder_paths.folder_names_and_paths.get(CAPTIONERS, ([], set()))[0]
    return [Path(folder_paths.models_dir, CAPTIONERS), *map(Path, extra)]


def load_captioner(name: str, model_class: str, processor_class: str, source: str) -> tuple[Any, Any]:
    """Model and processor of transformers' classes, the model on the device ComfyUI chose for it.

    name is a folder below models/captioners. source is the repository to get it from, for the message that a missing
    model gets. Raises `InputError` for one that is missing or is not such a model.
    """
    import transformers

    folder = _model_folder(name, is_transformers_model, f"{source} {_TRANSFORMERS_FILES}")
    try:
        processor = getattr(transformers, processor_class).from_pretrained(folder, local_files_only=True)
        model_type = getattr(transformers, model_class)
        model = model_type.from_pretrained(folder, local_files_only=True, use_safetensors=True)  # never pickles
    except Exception as error:  # transformers raises nearly anything for files that do not fit
        if is_out_of_memory(error):
            raise
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


def load_tagger(name: str, source: str) -> tuple[Predict, tuple[int, int], Path]:
    """A tagger in ONNX: what runs it, (height, width) of its input, and its folder, where its list of tags is.

    name and source as for `load_captioner`. Raises `InputError` for one that is missing or is not such a model, and
    without onnxruntime.
    """
    folder = _model_folder(name, is_tagger, f"{source} {_TAGGER_FILES}")
    file = min(folder.glob("*.onnx"), key=lambda one: (one.name != "model.onnx", one.name))
    session = onnx_session(file)
    given = session.get_inputs()[0]
    if [type(side) for side in given.shape[1:3]] != [int, int] or given.shape[3:] != [3]:
        raise InputError(
            f"{file} is not a tagger that this node knows: its input is {given.shape}, expected is a batch of images "
            f"with the colours last, such as [batch, 448, 448, 3]. Fill the folder with the files of {source}."
        )
    batch, height, width, _ = given.shape

    def run(images: np.ndarray) -> np.ndarray:
        step = batch if isinstance(batch, int) else len(images)  # some models take one image at a time only
        pieces = [images[start : start + step] for start in range(0, len(images), step)]
        return np.concatenate([session.run(None, {given.name: piece})[0] for piece in pieces])

    return run, (height, width), folder


def onnx_session(file: Path) -> Any:
    """One onnxruntime session, on the GPU where both ComfyUI and onnxruntime use one."""
    try:
        import onnxruntime
    except ImportError:
        raise InputError(
            "Taggers need the Python package onnxruntime, which is not installed. Install it with ComfyUI's Python: "
            "python -m pip install onnxruntime (or onnxruntime-gpu for an NVIDIA card), then restart ComfyUI."
        ) from None
    device = comfy.model_management.get_torch_device()
    wanted: list[Any] = ["CPUExecutionProvider"]
    if device.type == "cuda" and "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        comfy.model_management.free_memory(_ROOM_TO_WORK * file.stat().st_size, device)
        wanted.insert(0, ("CUDAExecutionProvider", {"device_id": device.index or 0}))
    try:
        return onnxruntime.InferenceSession(str(file), providers=wanted)
    except Exception as error:  # its exceptions have no common class of their own
        if is_out_of_memory(error):
            raise
        raise InputError(f"{file} cannot be loaded by onnxruntime: {error}. Copy the file again.") from error


def is_transformers_model(folder: Path) -> bool:
    return (folder / "config.json").is_file()


def is_tagger(folder: Path) -> bool:
    has_tags = any((folder / tags).is_file() for tags in (WD_TAGS, DEEPDANBOORU_TAGS))
    return has_tags and any(folder.glob("*.onnx"))


def _model_folder(name: str, is_model: Callable[[Path], bool], files: str) -> Path:
    """The folder `name` below one of the captioners' folders. `files` says what to fill it with where it is missing."""
    folders = captioner_folders()
    for root in folders:
        with suppress(InputError):
            folder = resolve_inside(name, [root], "The model")
            if is_model(folder):
                return folder
    listed = "\n".join(f"  {root / (name.strip() or '<name>')}" for root in folders)
    raise InputError(f"There is no captioning model {name!r}. Put the files of {files} into:\n{listed}")
