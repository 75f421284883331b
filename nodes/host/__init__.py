"""The one place that touches what ComfyUI does not promise to keep, and the folders it lets a workflow use.

Public and used freely elsewhere: comfy_api.latest, folder_paths, comfy.model_management, comfy.utils and the
methods of ModelPatcher.
"""

from pathlib import Path

import folder_paths
from comfy.cli_args import args

DATASET_FOLDERS = "tilewright_datasets"  # a key users may add to extra_model_paths.yaml to allow more folders


def output_folder(*parts: str) -> Path:
    """A folder below ComfyUI's output directory."""
    return Path(folder_paths.get_output_directory(), *parts)


def readable_folders() -> list[Path]:
    """The folders that a workflow may read images from: input, output, temp and the user's dataset folders."""
    own = [folder_paths.get_input_directory(), folder_paths.get_output_directory(), folder_paths.get_temp_directory()]
    extra = folder_paths.folder_names_and_paths.get(DATASET_FOLDERS, ([], set()))[0]
    return [Path(folder) for folder in [*own, *extra]]


def keeps_metadata() -> bool:
    """Whether files may hold the workflow that made them: not where ComfyUI was started with --disable-metadata."""
    return not args.disable_metadata
