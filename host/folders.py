"""The folders and files that ComfyUI lets a workflow use.

Public and used freely elsewhere: comfy_api.latest, folder_paths, comfy.model_management, comfy.utils and the
methods of ModelPatcher.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import folder_paths
from comfy.cli_args import args

from ..common.errors import InputError
from ..common.files import check_new_name
from ..common.paths import resolve_inside

DATASETS = "datasets"  # the folder below output that renders and saved datasets go to

# Keys that users may add to extra_model_paths.yaml: folders to read from, and such as may be written to as well.
DATASET_FOLDERS = "tilewright_datasets"
WRITABLE_FOLDERS = "tilewright_writable_folders"
WORD_LISTS = "tilewright_words"  # another, for word lists; also the name of a folder in ComfyUI's input
PRIVATE_HOSTS = "tilewright_private_hosts"  # and for text files of private addresses that downloads may use


def output_folder(*parts: str) -> Path:
    """A folder below ComfyUI's output directory."""
    return Path(folder_paths.get_output_directory(), *parts)


def dataset_folder(name: str) -> Path:
    """The folder in output/datasets of a dataset that is to be written. Raises `InputError` for a name that is none."""
    root = output_folder(DATASETS)
    return root / check_new_name(name, "The folder", root)


def check_run_name(name: str) -> str:
    """The name of a training, which may be an earlier one's to go on with. Raises `InputError` for none."""
    return check_new_name(name, "name", *map(output_folder, ("training", "training_runs", "loras")))


def readable_folders() -> list[Path]:
    """The folders that a workflow may read images from: input, output, temp and the user's dataset folders."""
    own = [folder_paths.get_input_directory(), folder_paths.get_output_directory(), folder_paths.get_temp_directory()]
    return [Path(folder) for folder in [*own, *_listed_under(DATASET_FOLDERS), *_listed_under(WRITABLE_FOLDERS)]]


def writable_folders() -> list[Path]:
    """The folders that a workflow may write to: output, and those that the user has opened for it."""
    return [Path(folder) for folder in [folder_paths.get_output_directory(), *_listed_under(WRITABLE_FOLDERS)]]


def named_folders() -> dict[str, Path]:
    """The readable folders by names that hold on every machine: input, output, temp, then the user's own by theirs."""
    names = ["input", "output", "temp"]
    found: dict[str, Path] = {}
    for number, folder in enumerate(readable_folders()):
        own = names[number] if number < len(names) else folder.name
        found[own if own not in found else f"{own} ({number})"] = folder
    return found


def keys_of_files(files: Sequence[Path]) -> list[str]:
    """Names of files to the editor and in kept edits: "input/walls/brick.png". A file elsewhere has no address."""
    roots = [(name, root) for name, folder in named_folders().items() for root in (folder, folder.resolve())]
    starts = [(name, os.path.normcase(f"{str(root).rstrip(os.sep)}{os.sep}")) for name, root in roots]

    def key(file: Path) -> str:
        path, compared = file.as_posix(), os.path.normcase(file)
        found = (f"{name}/{path[len(start) :]}" for name, start in starts if compared.startswith(start))
        return next(found, f"elsewhere/{file.name}")

    return [key(file) for file in files]


def file_of_key(key: str) -> Path:
    """The file that a key names, inside its folder also after links are followed. Raises `InputError`."""
    name, _, inside = key.partition("/")
    folder = named_folders().get(name)
    if folder is None:
        raise InputError(f"{key} lies in none of the folders that this ComfyUI may read.")
    return resolve_inside(inside, [folder], "The image")


def _listed_under(key: str) -> list[str]:
    return folder_paths.folder_names_and_paths.get(key, ([], set()))[0]


def word_list_folders() -> list[Path]:
    """The folders of the user's word lists: input/tilewright_words, and those of extra_model_paths.yaml."""
    extra = folder_paths.folder_names_and_paths.get(WORD_LISTS, ([], set()))[0]
    return [Path(folder_paths.get_input_directory(), WORD_LISTS), *(Path(folder) for folder in extra)]


def private_host_files() -> list[Path]:
    """The files, named in extra_model_paths.yaml, that list the private addresses downloads may use."""
    return [Path(file) for file in folder_paths.folder_names_and_paths.get(PRIVATE_HOSTS, ([], set()))[0]]


def model_file(kind: str, name: str, what: str) -> Path:
    """The file of that `name` in the model folders for `kind`; `what` names the input in the message otherwise."""
    path = folder_paths.get_full_path(kind, name)
    if path is None:
        folders = "\n".join(f"  {folder}" for folder in folder_paths.get_folder_paths(kind))
        raise InputError(f"{what} is {name!r}, but there is no such file. Looked in:\n{folders}")
    return Path(path).absolute()  # not resolved: a link into a cache has a name without a suffix


def keeps_metadata() -> bool:
    """Whether files may hold the workflow that made them: not where ComfyUI was started with --disable-metadata."""
    return not args.disable_metadata


def map_file(file: str) -> Path:
    """The file of a path, which may end in the folder it lies in as the editor writes it: `x.png [output]`."""
    return _annotated(file, readable_folders())


def input_file(file: str) -> Path:
    """As `map_file`, for ComfyUI's own loaders: a path without a folder lies in input."""
    return _annotated(file, [Path(folder_paths.get_input_directory())])


def _annotated(file: str, folders: list[Path]) -> Path:
    name, folder = folder_paths.annotated_filepath(file.strip())
    return resolve_inside(name, folders if folder is None else [Path(folder)], "The file")
