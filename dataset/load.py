"""Folders of images to datasets: every file is either a sample or named with the reason why not."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from ..common.caption_files import AUTOMATIC
from ..common.dataset_counts import counted
from ..common.errors import InputError, NotFiniteImage, UnreadableImage
from ..common.files import shown_name
from ..common.images import image_size
from ..common.map_files import CLIPPED, REPAIRED, Note, Reading, read_map_with_notes
from ..common.map_kinds import COLOR_MAPS, MAP_KINDS
from ..common.paths import is_inside
from ..common.texture_dataset import Findings, Rejected, Sample, TextureDataset, rejected_by_reason
from ..material.load_map import looks_like_normals
from .caption_lookup import MOST_REPEATS, NO_IMAGE, CaptionFiles, kohya_folder, odd_kohya_folder
from .image_files import ImageFile, find_images
from .parallel import THREADS, in_parallel
from .written_files import LIST_NAME, caption_digest, read_written_captions

ANY = "any"
MOST_REASONS = 5  # told where no image is left at all
THINNED = 8  # every so manieth row and column tells whether a picture holds normals
NO_REPEATS = (
    f"a folder whose number is not one of repeats (1 to {MOST_REPEATS}): its images count once, its name is no caption"
)
BARE_NUMBER = "a folder named by a number alone: its images count once; call it 10_ or 10_words for ten repeats"
SEVERAL_LINES = "a caption of several lines, read as one text; other trainers take one line of it at a time"
UNNAMED_NORMALS = "it looks like a normal map, and is taken for a basecolor: end its name with _normal if it is one"


@dataclass(frozen=True)
class Loading:
    """How to read a folder. map is one of MAP_KINDS or "any", captions one of CAPTION_SOURCES, repeats a factor.

    tileable is what holds for images without a record. roots are the folders that links may lead to, encoding is that
    of caption files without a mark, reading how the values of the files are taken.
    """

    map: str
    roots: Sequence[Path]
    captions: str
    repeats: int = 1
    tileable: bool = False
    regularisation: bool = False
    reading: Reading = Reading()
    encoding: str = AUTOMATIC

    def for_regularisation(self) -> "Loading":
        return replace(self, regularisation=True)


@dataclass(frozen=True)
class Loaded:
    """samples in natural order, the files that were left out, what is to tell of those that were not, and findings."""

    samples: list[Sample] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[tuple[Path, Note]] = field(default_factory=list)
    findings: Findings = Findings()

    def __add__(self, other: "Loaded") -> "Loaded":
        return Loaded(
            self.samples + other.samples,
            self.rejected + other.rejected,
            self.notes + other.notes,
            self.findings + other.findings,
        )


@dataclass(frozen=True)
class _Decoded:
    """size is (width, height). error says why the file cannot be used, None where it can."""

    size: tuple[int, int] = (0, 0)
    notes: Sequence[Note] = ()
    error: UnreadableImage | None = None


MOST_REMEMBERED = 200_000
_REMEMBERED: dict[tuple[object, ...] | None, _Decoded] = {}


def load_folder(folder: Path, loading: Loading, checked: Callable[[int, int], None]) -> Loaded:
    """Load a folder with its sub-folders.

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
    decoded = _decode_all(wanted, loading.reading, checked)
    readable = [(image, one) for image, one in zip(wanted, decoded, strict=True) if one.error is None]
    errors = [(image.path, one.error) for image, one in zip(wanted, decoded, strict=True) if one.error]
    unreadable = [Rejected(path, error.reason) for path, error in errors]
    if not readable:
        reasons = "\n".join(rejected_by_reason(unreadable, folder))
        raise InputError(f"None of the {len(wanted)} images in {folder} can be read.\n{reasons}")
    captions = CaptionFiles(
        loading.captions,
        lambda path: not path.is_symlink() or any(is_inside(path, root) for root in loading.roots),
        loading.encoding,
    )
    by_hand = _captions_by_hand([image.path for image, _ in readable], loading.roots)
    samples = [_sample(image, one, folder, loading, captions) for image, one in readable]
    samples = [replace(one, hand_edited=by_hand.get(one.file) == caption_digest(one.caption)) for one in samples]
    unmatched = captions.unmatched((image.path, _material_file(image)) for image in found)
    findings = Findings(
        unreadable=tuple(path for path, _ in errors),
        not_finite=tuple(path for path, error in errors if isinstance(error, NotFiniteImage)),
        unmatched_captions=tuple(unmatched),
        unreadable_captions=tuple(dict.fromkeys(one.file for one in captions.rejected)),
    )
    left_out = [*unreadable, *captions.rejected, *(Rejected(file, NO_IMAGE) for file in unmatched)]
    odd = dict.fromkeys(filter(None, (odd_kohya_folder(image.path, folder) for image, _ in readable)))
    notes = [(image.path, note) for image, one in readable for note in one.notes]
    notes += [(place, Note(NO_REPEATS if "_" in place.name else BARE_NUMBER)) for place in odd]
    notes += [(file, Note(SEVERAL_LINES)) for file in sorted(captions.joined)]
    return Loaded(samples, [*left_out, *rejected, *other_maps], notes, findings)


def decode_images(dataset: TextureDataset, count: int) -> list[torch.Tensor]:
    """The first `count` images as (1, H, W, 3), transparency laid over the dataset's background."""
    with ThreadPoolExecutor(THREADS) as pool:
        images = pool.map(lambda sample: sample.read_opaque(dataset.background), dataset.samples[:count])
        return [image.movedim(0, -1).unsqueeze(0).contiguous() for image in images]


def _of_map(found: Sequence[ImageFile], map_kind: str) -> tuple[list[ImageFile], list[Rejected]]:
    """A name that says nothing is a colour picture: that is what most people's folders hold."""
    kinds = MAP_KINDS if map_kind == ANY else [map_kind]
    twins = {image.named.material for image in found if image.named.convention == "OpenGL"}
    wanted, rejected = [], []
    for image in found:
        if _kind(image) not in kinds:
            kind = "a mask, a preview or another" if _kind(image) == "other" else _kind(image)
            rejected.append(Rejected(image.path, f"{kind} map, not asked for"))
        elif image.named.convention == "DirectX" and image.named.material in twins:
            rejected.append(Rejected(image.path, "DirectX normal map of a material whose OpenGL one is used"))
        else:
            wanted.append(image)
    return wanted, rejected


def _kind(image: ImageFile) -> str:
    return image.named.kind or "basecolor"


def _pixels(image: ImageFile) -> int:
    try:
        width, height = image_size(image.path)
    except UnreadableImage:  # which is reported when it is decoded
        return 0
    return width * height


def _material_file(image: ImageFile) -> str:
    return Path(image.named.material).name


def _decode_all(images: Sequence[ImageFile], reading: Reading, checked: Callable[[int, int], None]) -> list[_Decoded]:
    """Files that are as they were when this process last decoded them are not decoded again."""
    keys = [_file_key(image, reading) for image in images]
    new = [image for image, key in zip(images, keys, strict=True) if key not in _REMEMBERED]
    decoded = in_parallel(lambda image: _decode(image, reading), new, checked, _pixels)
    fresh = {image.path: one for image, one in zip(new, decoded, strict=True)}
    found = [fresh.get(image.path) or _REMEMBERED[key] for image, key in zip(images, keys, strict=True)]
    if len(_REMEMBERED) > MOST_REMEMBERED:
        _REMEMBERED.clear()
    _REMEMBERED.update({key: one for key, one in zip(keys, found, strict=True) if key and one.error is None})
    return found


def _file_key(image: ImageFile, reading: Reading) -> tuple[object, ...] | None:
    """What must be the same for a file to be read as before; None for one that is not there."""
    try:
        state = image.path.stat()
    except OSError:
        return None
    return str(image.path), state.st_size, state.st_mtime_ns, _kind(image) in COLOR_MAPS, reading


def _decode(image: ImageFile, reading: Reading) -> _Decoded:
    try:
        pixels, notes = read_map_with_notes(image.path, _kind(image), reading)
    except UnreadableImage as error:
        return _Decoded(error=error.with_traceback(None))
    height, width = pixels.shape[1:]
    if not image.named.kind and looks_like_normals(pixels[None, :, ::THINNED, ::THINNED]):
        notes.append(Note(UNNAMED_NORMALS))
    return _Decoded((width, height), notes)


def _sample(image: ImageFile, decoded: _Decoded, folder: Path, loading: Loading, captions: CaptionFiles) -> Sample:
    repeats, words = kohya_folder(image.path, folder)
    caption = captions.caption(image.path, _material_file(image), folder)
    found = {note.what for note in decoded.notes}
    return Sample(
        file=image.path,
        map=_kind(image),
        size=decoded.size,
        caption=words if caption is None else caption,
        material=image.named.material,
        repeats=repeats * loading.repeats,
        tileable=image.record.tileable if image.record else loading.tileable,
        regularisation=loading.regularisation,
        record=image.record,
        convention=image.named.convention,
        reading=loading.reading,
        clipped=CLIPPED in found,
        repaired=REPAIRED in found,
    )


def _captions_by_hand(files: Sequence[Path], roots: Sequence[Path]) -> dict[Path, str]:
    """The digests of captions that a person wrote in a graph before Save Dataset wrote them beside these files."""
    places = {above for parent in {file.parent for file in files} for above in (parent, *parent.parents)}
    lists = [place for place in places if (place / LIST_NAME).is_file() and any(is_inside(place, one) for one in roots)]
    found = {file: one for place in lists for file, one in read_written_captions(place).items()}
    return {file: one.digest for file, one in found.items() if one.by_hand}


def _nothing_found(folder: Path, map_kind: str, found: Sequence[ImageFile], rejected: Sequence[Rejected]) -> str:
    if found:
        kinds = Counter(map(_kind, found))
        held = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        return (
            f"{folder} has no {map_kind} map. By manifest and file names it holds: {held}. "
            f"Choose one of these maps, or end the names of the {map_kind} maps with _{map_kind}."
        )
    files = [one.file.name for one in rejected] or [file.name for file in sorted(folder.rglob("*")) if file.is_file()]
    if not files:
        return f"{folder} is empty. Put images into it, or choose another folder."
    named = ", ".join(map(shown_name, files[:5])) + ("…" if len(files) > 5 else "")
    only = f"only {counted(len(files), 'other file')} ({named})"
    return "\n".join(
        [
            f"{folder} has no image that Tilewright reads, {only}. It reads PNG, JPEG, WebP, AVIF, BMP, TGA, TIFF, EXR "
            "and GIF, and HEIC and JPEG XL where their library is installed.",
            *rejected_by_reason(rejected, folder)[:MOST_REASONS],
        ]
    )
