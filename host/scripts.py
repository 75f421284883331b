"""ComfyUI paths that external programs need, and which programs the user has allowed."""

from pathlib import Path

import comfy.sd1_clip
import folder_paths

from ..dataset.substance.tool import CONFIG_KEY as SBSRENDER_FOLDERS
from ..sd_scripts.checkout import CONFIG_KEY as SCRIPT_FOLDERS


def clip_tokenizer_folder() -> Path:
    """The folder of CLIP's vocabulary that comes with ComfyUI."""
    return Path(comfy.sd1_clip.__file__).parent / "sd1_tokenizer"


def t5_tokenizer_folder() -> Path:
    """The folder of T5-XXL's vocabulary that comes with ComfyUI."""
    return Path(comfy.sd1_clip.__file__).parent / "text_encoders" / "t5_tokenizer"


def script_folders() -> list[Path]:
    """The folders that the user has allowed scripts to be run from."""
    return [Path(folder) for folder in folder_paths.folder_names_and_paths.get(SCRIPT_FOLDERS, ([], set()))[0]]


def sbsrender_folders() -> list[Path]:
    """The folders that the user has allowed sbsrender to be run from."""
    return [Path(folder) for folder in folder_paths.folder_names_and_paths.get(SBSRENDER_FOLDERS, ([], set()))[0]]


def installation_folders() -> list[Path]:
    """ComfyUI's base folder, that of its program where it is another, and those they stand in."""
    places = [Path(folder_paths.base_path), Path(folder_paths.__file__).parent]
    return list(dict.fromkeys(folder for place in places for folder in (place, place.parent)))
