"""Where a MODEL came from, and the same one from there again."""

from pathlib import Path

import comfy.sd
import folder_paths

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
    if model.patches:
        raise InputError(
            "The model has a LoRA or other patches on its weights, which an exported run could not load again. Connect "
            "the model straight from its loader; a LoRA to go on from is start_from of LoRA Network."
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
            f"The model was loaded by {loaded[0].__name__}, which an exported run does not know. Load it with Load "
            "Checkpoint or Load Diffusion Model."
        )
    return ModelFile(loader, file, file_digest(Path(file)))


def load_model(source: ModelFile, instead: str = "") -> Model:
    """The MODEL of a source, from the file `instead` where that is given. Raises `InputError` for another file."""
    if source.loader == "demo":
        return load_demo_model()[0]
    file = Path(instead or source.file)
    if not file.is_file():
        raise InputError(f"The model's file {file} is not there. Say where it is with --model FILE.")
    if file_digest(file) != source.digest:
        raise InputError(
            f"{file} is not the file that the run was exported with: its bytes differ. Say where that one is with "
            "--model FILE, or export the run again."
        )
    if source.loader == "diffusion_model":
        return comfy.sd.load_diffusion_model(str(file))
    embeddings = folder_paths.get_folder_paths("embeddings")
    return comfy.sd.load_checkpoint_guess_config(str(file), False, False, embedding_directory=embeddings)[0]
