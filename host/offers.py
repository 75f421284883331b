"""What there is to choose from on this machine for inputs that are free text to the API: folders, models, runs."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import folder_paths

from ..common.images import IMAGE_SUFFIXES
from ..common.paths import resolve_inside
from ..dataset.substance.archive import read_archive
from ..dataset.substance.description import COMPONENTS, SubstanceGraph
from ..dataset.substance.plan import choose_graph
from ..dataset.substance.tool import allowed_tools
from .captioners import captioner_folders, is_tagger, is_transformers_model
from .folders import output_folder, readable_folders
from .scripts import sbsrender_folders

MOST = 500  # names that are offered
DEPTH = 5  # folders below a root that are looked into
VISITED = 4000  # folders in all
LISTS = {".csv", ".json", ".jsonl", ".txt"}


def image_folders() -> list[str]:
    """Folders with images, as Load Dataset names them: relative to the root that they lie in."""
    return _below(lambda names: any(Path(name).suffix.lower() in IMAGE_SUFFIXES for name in names), files=False)


def archives() -> list[str]:
    """Substance archives (.sbsar)."""
    return _below(lambda names: any(name.lower().endswith(".sbsar") for name in names), files=True, ends={".sbsar"})


def image_lists() -> list[str]:
    """Files that may hold a list of images."""
    return _below(lambda names: any(Path(name).suffix.lower() in LISTS for name in names), files=True, ends=LISTS)


def captioners() -> list[str]:
    """Folders of models of transformers below models/captioners."""
    return _models(is_transformers_model)


def taggers() -> list[str]:
    """Folders of taggers below models/captioners."""
    return _models(is_tagger)


def runs_and_loras() -> list[str]:
    """Names of training runs, which stand for all their checkpoints, and LoRA files."""
    folder = output_folder("training")
    runs = sorted(one.name for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else []
    return [*runs, *folder_paths.get_filename_list("loras")]


def renderers() -> list[str]:
    """Every sbsrender that may be run."""
    return [str(tool) for tool in allowed_tools(sbsrender_folders())]


def graphs(archive: str) -> list[str]:
    """The graphs of an archive. Raises `InputError` for one that may not be read or is none."""
    return [graph.label or graph.name for graph in _graphs(archive)]


def outputs(archive: str, graph: str) -> list[str]:
    """The outputs of a graph: its maps by their kind, others by their identifier."""
    return list(dict.fromkeys(one.map or one.identifier for one in choose_graph(_graphs(archive), graph).outputs))


def parameters(archive: str, graph: str) -> list[str]:
    """The inputs of a graph that can be varied, and their groups."""
    inputs = [
        one for one in choose_graph(_graphs(archive), graph).inputs if not one.is_system and one.type in COMPONENTS
    ]
    groups = [one.group for one in inputs if one.group]
    return list(dict.fromkeys([*groups, *(one.identifier for one in inputs)]))


def _graphs(archive: str) -> list[SubstanceGraph]:
    return read_archive(resolve_inside(archive, readable_folders(), "The archive"))


def _models(is_model: Callable[[Path], bool]) -> list[str]:
    roots = [root for root in captioner_folders() if root.is_dir()]
    found = {
        one.relative_to(root).as_posix() for root in roots for one in root.iterdir() if one.is_dir() and is_model(one)
    }
    return sorted(found)


def _below(wanted: Callable[[Sequence[str]], bool], files: bool, ends: set[str] | None = None) -> list[str]:
    """Folders whose files are `wanted`, or those of their files with such `ends`, relative to their root.

    Each root is named once, in the order in which names are looked up: what an earlier root hides is left out.
    """
    temp = Path(folder_paths.get_temp_directory())
    found: dict[str, None] = {}
    for root in readable_folders():
        if root == temp:  # emptied at every start
            continue
        for folder, names in _walk(root):
            if not wanted(names):
                continue
            place = folder.relative_to(root)
            chosen = [place / name for name in names if Path(name).suffix.lower() in (ends or ())] if files else [place]
            found.update((one.as_posix(), None) for one in chosen if one != Path())
            if len(found) >= MOST:
                return sorted(found)[:MOST]
    return sorted(found)


def _walk(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Folders below `root` with the names of their files; links and hidden ones are not followed."""
    visited = 0
    for folder, below, names in os.walk(root):
        place = Path(folder)
        deep = len(place.relative_to(root).parts) >= DEPTH
        below[:] = (
            []
            if deep
            else sorted(name for name in below if not name.startswith(".") and not (place / name).is_symlink())
        )
        yield place, sorted(name for name in names if not name.startswith("."))
        visited += 1
        if visited >= VISITED:
            return
