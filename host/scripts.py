"""What of the host's installation a script outside it is given."""

from pathlib import Path

import comfy.sd1_clip
import folder_paths

SCRIPT_FOLDERS = "tilewright_sd_scripts"  # a key users may add to extra_model_paths.yaml to allow more checkouts


def clip_tokenizer_folder() -> Path:
    """The folder of CLIP's vocabulary that comes with ComfyUI."""
    return Path(comfy.sd1_clip.__file__).parent / "sd1_tokenizer"


def script_folders() -> list[Path]:
    """The folders that the user has allowed scripts to be run from."""
    return [Path(folder) for folder in folder_paths.folder_names_and_paths.get(SCRIPT_FOLDERS, ([], set()))[0]]


def installation_folders() -> list[Path]:
    """ComfyUI's folder and the one it stands in."""
    return [Path(folder_paths.base_path), Path(folder_paths.base_path).parent]
