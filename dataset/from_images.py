"""Images of a graph as the files of a dataset."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from ..common.caption_files import OVERWRITE, keep_backup, write_caption
from ..common.errors import InputError
from ..common.image_writing import write_png
from ..common.locks import lock_beside, locked
from ..common.map_kinds import COLOR_MAPS
from ..common.texture_dataset import Sample
from .written_files import list_written_files, read_written_files, remove_written_files, source_key


def write_images(
    folder: Path,
    name: str,
    images: Sequence[torch.Tensor],
    captions: Sequence[str],
    map_kind: str,
    tileable: bool,
    checked: Callable[[int, int], None],
) -> tuple[list[Sample], list[Path]]:
    """Write images (C, H, W) in 0..1 as `name_00001_basecolor.png`, ... with their captions beside them.

    Colours take 8 bits a channel, data maps 16. captions holds one for each image, one for all, or none. Images that an
    earlier run wrote under the same name, and this one does not, are removed; returns the samples and these. Raises
    `InputError` for another number of captions.
    """
    if len(captions) not in (0, 1, len(images)):
        raise InputError(
            f"There are {len(captions)} captions for {len(images)} images. Give one line for each image, one for all, "
            "or none."
        )
    words = list(captions) * (len(images) if len(captions) == 1 else 1) or [""] * len(images)
    with locked(lock_beside(folder), lambda: checked(0, 1)):
        samples = []
        for number, (image, caption) in enumerate(zip(images, words, strict=True), 1):
            samples.append(_write(folder, f"{name}_{number:05}", image, caption, map_kind, tileable))
            checked(number, len(images))
        source = source_key(Path(name), map_kind)
        earlier = {path for path, one in read_written_files(folder).items() if one.source == source}
        list_written_files(folder, {sample.file: source for sample in samples})
        return samples, remove_written_files(folder, sorted(earlier - {sample.file for sample in samples}))[0]


def _write(folder: Path, material: str, image: torch.Tensor, caption: str, map_kind: str, tileable: bool) -> Sample:
    """An earlier run's caption goes where this one has none: it described another picture."""
    file = folder / f"{material}_{map_kind}.png"
    write_png(file, image, 8 if map_kind in COLOR_MAPS else 16)
    text = file.with_suffix(".txt")
    if caption or text.is_file():
        write_caption(text, caption, OVERWRITE, [folder], keep_backup)
    return Sample(file, map_kind, (image.shape[2], image.shape[1]), caption, material, tileable=tileable)
