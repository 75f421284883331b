"""Where a MODEL came from, and the same one from there again."""

from dataclasses import replace
from pathlib import Path

import comfy.sd
import folder_paths
import torch

from ...common.errors import InputError
from ...training.exported_run import ModelFile
from ...training.tensor_cache import file_digest
from ..demo_model import load_demo_model
from ..protocols import Model

_LOADERS = {
    "load_checkpoint_guess_config": "checkpoint",
    "load_diffusion_model": "diffusion_model",
}


def source_of(model: Model) -> ModelFile:
    """The file that a MODEL was loaded from, as it is. Raises `InputError` for one that no file gives back."""
    source = loaded_from(model)
    return replace(source, digest=file_digest(Path(source.file))) if source.file else source


def loaded_from(model: Model) -> ModelFile:
    """The same without the file's digest, which takes a minute for a large one."""
    if model.patches:
        raise InputError(
            "The model has a LoRA or other patches on its weights, which a run outside the graph could not load again. "
            "Connect the model straight from its loader; a LoRA to go on from is start_from of LoRA Network."
        )
    loaded = getattr(model, "cached_patcher_init", None)
    if loaded is None:
        if (
            type(model.model.model_config).__name__ == "SD15"
            and model.model.model_config.unet_config["context_dim"] < 768
        ):
            return ModelFile("demo")
        raise InputError(
            "The model was made by a node that does not say from which file. Load it with Load Checkpoint or Load "
            "Diffusion Model, without nodes in between that merge or change weights."
        )
    loader = _LOADERS.get(loaded[0].__name__)
    file = loaded[1][0]
    if loader is None or not isinstance(file, str):
        raise InputError(
            f"The model was loaded by {loaded[0].__name__}, which a run outside the graph does not know. Load it with "
            "Load Checkpoint or Load Diffusion Model."
        )
    options = loaded[1][1] if loader == "diffusion_model" and len(loaded[1]) > 1 else {}
    dtype = str(options["dtype"]).removeprefix("torch.") if options.get("dtype") else ""
    return ModelFile(loader, file, dtype=dtype)


def load_model(source: ModelFile, instead: str = "", checked: bool = True) -> Model:
    """The MODEL of a source, from the file `instead` where that is given. Raises `InputError` for another file.

    Without `checked` the file is taken for the one that it was: another process on this machine has just read it.
    """
    if source.loader == "demo":
        return load_demo_model()[0]
    file = Path(instead or source.file)
    if not file.is_file():
        raise InputError(f"The model's file {file} is not there. Say where it is with --model FILE.")
    if checked and file_digest(file) != source.digest:
        raise InputError(
            f"{file} is not the file that the run was exported with: its bytes differ. Say where that one is with "
            "--model FILE, or export the run again."
        )
    if source.loader == "diffusion_model":
        return comfy.sd.load_diffusion_model(str(file), {"dtype": _dtype(source)} if source.dtype else {})
    embeddings = folder_paths.get_folder_paths("embeddings")
    return comfy.sd.load_checkpoint_guess_config(str(file), False, False, embedding_directory=embeddings)[0]


def _dtype(source: ModelFile) -> torch.dtype:
    found = getattr(torch, source.dtype, None)
    if not isinstance(found, torch.dtype):
        raise InputError(f"run.json says that the model's weights are {source.dtype!r}, which is no precision.")
    return found
