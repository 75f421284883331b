"""Folders of images to datasets: every file is either a sample or named with the reason why not."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ..common.errors import InputError
from ..common.images import UnreadableImage, composite, read_image
from ..common.map_kinds import MAP_KINDS
from ..common.paths import is_inside
from ..common.texture_dataset import Sample, TextureDataset
from .caption_lookup import CaptionFiles, kohya_folder
from .image_files import ImageFile, find_images
from .parallel import THREADS, in_parallel
from .rejected_files import Rejected, listed

ANY = "any"


@dataclass(frozen=True)
class Loading:
    """How to read a folder. map is one of MAP_KINDS or "any", captions one of CAPTION_SOURCES, repeats a factor.

    tileable is what holds for images without a record. roots are the folders that links may lead to.
    """

    map: str
    roots: Sequence[Path]
    captions: str
    repeats: int = 1
    tileable: bool = False
    regularisation: bool = False

    def for_regularisation(self) -> "Loading":
        return replace(self, regularisation=True)


def load_folder(
    folder: Path, loading: Loading, checked: Callable[[int, int], None]
) -> tuple[list[Sample], list[Rejected]]:
    """The samples of a folder in natural order, and what was left out.

    Every image is decoded once, in parallel, so that a damaged one is known now and not in the middle of a
    training. `checked(done, total)` is called after each and may raise to stop. Raises `InputError` where no
    image of the wanted map is left.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is a file. Choose the folder that it lies in.")
    found, rejected = find_images(folder, loading.roots)
    wanted, other_maps = _of_map(found, loading.map)
    if not wanted:
        raise InputError(_nothing_found(folder, loading.map, found, rejected))
    sizes = in_parallel(lambda image: _decoded_size(image.path), wanted, checked)
    readable = [(image, size) for image, size in zip(wanted, sizes, strict=True) if not isinstance(size, str)]
    unreadable = [
        Rejected(image.path, size) for image, size in zip(wanted, sizes, strict=True) if isinstance(size, str)
    ]
    if not readable:
        reasons = "\n".join(listed(unreadable, folder))
        raise InputError(f"None of the {len(wanted)} images in {folder} can be read.\n{reasons}")
    captions = CaptionFiles(loading.captions, lambda path: any(is_inside(path, root) for root in loading.roots))
    samples = [_sample(image, size, folder, loading, captions) for image, size in readable]
    return samples, [*unreadable, *captions.rejected, *rejected, *other_maps]


def decode_images(dataset: TextureDataset, count: int) -> list[torch.Tensor]:
    """The first `count` images as (1, H, W, 3), transparency laid over the dataset's background."""
    with ThreadPoolExecutor(THREADS) as pool:
        images = pool.map(
            lambda sample: composite(read_image(sample.file), dataset.background), dataset.samples[:count]
        )
        return [image.movedim(0, -1).unsqueeze(0).contiguous() for image in images]


def _of_map(found: Sequence[ImageFile], map_kind: str) -> tuple[list[ImageFile], list[Rejected]]:
    """A name that says nothing is a colour picture: that is what most people's folders hold."""
    kinds = MAP_KINDS if map_kind == ANY else [map_kind]
    twins = {image.named.material for image in found if image.named.convention == "OpenGL"}
    wanted, rejected = [], []
    for image in found:
        if (image.named.kind or "basecolor") not in kinds:
            rejected.append(Rejected(image.path, f"{image.named.kind or 'basecolor'} map, not asked for"))
        elif image.named.convention == "DirectX" and image.named.material in twins:
            rejected.append(Rejected(image.path, "DirectX normal map of a material whose OpenGL one is used"))
        else:
            wanted.append(image)
    return wanted, rejected


def _decoded_size(path: Path) -> tuple[int, int] | str:
    try:
        height, width = read_image(path).shape[1:]
    except UnreadableImage as error:
        return error.reason
    return width, height


def _sample(image: ImageFile, size: tuple[int, int], folder: Path, loading: Loading, captions: CaptionFiles) -> Sample:
    repeats, words = kohya_folder(image.path, folder)
    caption = captions.caption(image.path, Path(image.named.material).name, folder)
    return Sample(
        file=image.path,
        map=image.named.kind or "basecolor",
        size=size,
        caption=words if caption is None else caption,
        material=image.named.material,
        repeats=repeats * loading.repeats,
        tileable=image.record.tileable if image.record else loading.tileable,
        regularisation=loading.regularisation,
        record=image.record,
        convention=image.named.convention,
    )


def _nothing_found(folder: Path, map_kind: str, found: Sequence[ImageFile], rejected: Sequence[Rejected]) -> str:
    if found:
        kinds = Counter(image.named.kind or "basecolor" for image in found)
        held = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        return (
            f"{folder} has no {map_kind} map. By manifest and file names it holds: {held}. "
            f"Choose one of these maps, or end the names of the {map_kind} maps with _{map_kind}."
        )
    files = [one.file.name for one in rejected] or [file.name for file in sorted(folder.rglob("*")) if file.is_file()]
    if not files:
        return f"{folder} is empty. Put images into it, or choose another folder."
    return (
        f"{folder} has no image that Tilewright reads, only {len(files)} other files ({', '.join(files[:5])}…). "
        "It reads PNG, JPEG, WebP, AVIF, BMP, TGA, TIFF, EXR and GIF."
    )
