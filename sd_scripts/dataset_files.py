"""The dataset as sd-scripts reads it: upright 8-bit PNGs with captions, and a configuration."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..common.caption_files import OVERWRITE, write_caption
from ..common.errors import InputError, UnreadableImage
from ..common.files import written_whole
from ..common.image_writing import write_png
from ..common.images import composite
from ..common.texture_dataset import Sample, TextureDataset

CONFIG_NAME = "dataset.json"  # its toml package misreads some names
CAPTIONS = ".txt"
_METADATA = "captions.json"


@dataclass(frozen=True)
class Writing:
    """How to write. with_alpha keeps transparency, as the mask of the loss; metadata_file collects the captions in
    one JSON file instead of text files."""

    with_alpha: bool = False
    metadata_file: bool = False


def write_dataset(
    folder: Path,
    dataset: TextureDataset,
    writing: Writing,
    checked: Callable[[int, int], None],
    conditioning: TextureDataset | None = None,
    held: frozenset[int] | None = None,
) -> list[str]:
    """Write `dataset` below `folder` with its `dataset.json`, and return a line for each image that had to be left out.

    conditioning holds an image of the same material for each of the dataset, for a ControlNet. Images that are there
    already are kept, so an interrupted writing goes on. held are the places of samples that are only measured, None to
    leave that to sd-scripts. Raises `InputError` where no image is left.
    """
    hints = _hints(dataset, conditioning) if conditioning else {}
    groups: dict[tuple[int, bool, bool], list[Sample]] = {}
    for place, sample in enumerate(dataset.samples):
        measured = held is not None and place in held
        groups.setdefault((sample.repeats, sample.regularisation, measured), []).append(sample)
    rejected: list[str] = []
    subsets: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
    done = 0
    for (repeats, regularisation, measured), samples in sorted(groups.items()):
        name = f"{'regularisation' if regularisation else 'validation' if measured else 'train'}_{repeats}"
        written = []
        for number, sample in enumerate(samples):
            file = folder / name / f"{number:05} {sample.file.stem}.png"
            reason = _write_pair(sample, file, dataset.background, writing, hints.get(id(sample)))
            written += [] if reason else [(file, sample.caption)]
            rejected += [f"{sample.file.name}: {reason}"] if reason else []
            done += 1
            checked(done, len(dataset))
        if written:
            subsets[measured].append(_subset(folder / name, written, repeats, regularisation, writing, bool(hints)))
    if not any(not subset.get("is_reg") for subset in subsets[False]):
        raise InputError("No image of the dataset is left to train on.\n" + "\n".join(rejected[:20]))
    with written_whole(folder / CONFIG_NAME) as unfinished:
        datasets = [{"validation_split": 1.0 * measured, "subsets": part} for measured, part in subsets.items() if part]
        if held is None:
            datasets = [{"subsets": subsets[False]}]
        unfinished.write_text(json.dumps({"datasets": datasets}, indent=1), encoding="ascii")
    return rejected


def _write_pair(
    sample: Sample, file: Path, background: tuple[float, float, float], writing: Writing, hint: Sample | None
) -> str | None:
    """Write an image, and its hint for a ControlNet under the same name; returns what is wrong with them."""
    try:
        if not file.is_file():
            if hint:
                write_png(_hint_folder(file.parent) / file.name, hint.read_opaque(background))
            write_png(file, _pixels(sample, background, writing.with_alpha))
    except UnreadableImage as error:
        return error.reason
    return None


def _pixels(sample: Sample, background: tuple[float, float, float], with_alpha: bool) -> torch.Tensor:
    image = sample.read()
    if not with_alpha:
        return composite(image, background, in_place=True)
    if image.shape[0] == 4:
        composite(image, background, in_place=True)
        return image
    return torch.cat([composite(image, background), torch.ones_like(image[:1])])


def _subset(
    folder: Path,
    written: Sequence[tuple[Path, str]],
    repeats: int,
    regularisation: bool,
    writing: Writing,
    has_hints: bool,
) -> dict[str, Any]:
    subset: dict[str, Any] = {"image_dir": str(folder), "num_repeats": repeats}
    if writing.with_alpha:
        subset["alpha_mask"] = True
    if writing.metadata_file:
        captions = {file.name: {"caption": _one_line(caption)} for file, caption in written}
        path = folder / _METADATA
        with written_whole(path) as unfinished:
            unfinished.write_text(json.dumps(captions, ensure_ascii=False, indent=1), encoding="utf-8")
        return subset | {"metadata_file": str(path)}
    for file, caption in written:
        write_caption(file.with_suffix(CAPTIONS), _one_line(caption), OVERWRITE, [folder])
    subset["caption_extension"] = CAPTIONS
    if has_hints:
        return subset | {"conditioning_data_dir": str(_hint_folder(folder))}
    return subset | ({"is_reg": True} if regularisation else {})


def _one_line(caption: str) -> str:
    return " ".join(caption.split())  # sd-scripts reads a caption's first line only


def _hint_folder(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}_conditioning")


def _hints(dataset: TextureDataset, conditioning: TextureDataset) -> dict[int, Sample]:
    by_material = {sample.material or sample.file.stem: sample for sample in conditioning.samples}
    missing = [one for one in dataset.samples if (one.material or one.file.stem) not in by_material]
    if missing:
        raise InputError(
            f"conditioning has no image of the material {missing[0].material or missing[0].file.stem!r} "
            f"({len(missing)} are missing). Load both datasets from the same renders, with another map for each."
        )
    return {id(one): by_material[one.material or one.file.stem] for one in dataset.samples}
