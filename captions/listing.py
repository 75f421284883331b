"""A dataset as the editor's view sees it: names, captions and figures, no pixels and no paths of the machine."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..common.errors import InputError
from ..common.files import written_whole
from ..common.map_files import AUTOMATIC, KEEP, LIGHT_OPTIONS, REFUSE, REPAIR, Reading
from ..common.map_kinds import MAP_KINDS
from ..common.texture_dataset import TextureDataset
from ..common.untrusted_json import read_untrusted_json

LISTING = "dataset.json"
FORMAT, VERSION = "tilewright-listing", 1


@dataclass(frozen=True)
class Listed:
    """One image. key names its file below one of ComfyUI's folders. tokens: of the caption that came in.

    stamp: `file_stamp` of its file when it was listed. badges are such as "seam", "blank" and "duplicate of wall.png".
    """

    key: str
    caption: str
    map: str
    material: str
    size: tuple[int, int]
    tokens: int = 0
    hand_edited: bool = False
    regularisation: bool = False
    badges: tuple[str, ...] = ()
    light: str = AUTOMATIC
    layer: str = ""
    not_finite: str = REFUSE
    stamp: str = ""
    flip_green: bool = False

    @property
    def reading(self) -> Reading:
        """How the file's values become those of the map."""
        return Reading(self.light, self.layer, self.not_finite, self.flip_green)


@dataclass(frozen=True)
class Listing:
    """images in the dataset's order; background is the sRGB colour under transparency, limit the tokens that count."""

    images: tuple[Listed, ...]
    background: tuple[float, float, float] = (0.5, 0.5, 0.5)
    limit: int = 75


def file_stamp(file: Path) -> str:
    """Differs when the file was changed; "" for one that is not there."""
    try:
        state = file.stat()
    except OSError:
        return ""
    return f"{state.st_size:x}-{state.st_mtime_ns:x}"


def list_dataset(
    dataset: TextureDataset,
    keys: Sequence[str],
    tokens: Sequence[int],
    badges: Sequence[tuple[str, ...]],
    limit: int,
) -> Listing:
    """The listing of a dataset; keys, tokens and badges are those of its samples in order."""
    images = tuple(
        Listed(
            key=key,
            caption=sample.caption,
            map=sample.map,
            material=sample.material,
            size=sample.size,
            tokens=count,
            hand_edited=sample.hand_edited,
            regularisation=sample.regularisation,
            badges=signs,
            light=sample.reading.light,
            layer=sample.reading.layer,
            not_finite=sample.reading.not_finite,
            stamp=file_stamp(sample.file),
            flip_green=sample.reading.flip_green,
        )
        for sample, key, count, signs in zip(dataset.samples, keys, tokens, badges, strict=True)
    )
    return Listing(images, dataset.background, limit)


def listing_digest(listing: Listing) -> str:
    """Names a listing by what it says."""
    return hashlib.sha256(json.dumps(_told(listing)).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def write_listing(path: Path, listing: Listing) -> None:
    """Write a listing, whole or not at all."""
    with written_whole(path) as unfinished:
        unfinished.write_bytes(json.dumps(_told(listing)).encode())


def read_listing(path: Path) -> Listing:
    """The listing in a file, which may be anything. Raises `InputError`."""
    content = read_untrusted_json(path)
    try:
        if content["format"] != FORMAT or content["version"] > VERSION:
            raise InputError(f"{path.name} is of another version. Run the node again.")
        images = tuple(_listed(entry) for entry in content["images"])
        red, green, blue = (float(one) for one in content["background"])
        return Listing(images, (red, green, blue), int(content["limit"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise InputError(f"{path.name} is not the listing of a dataset. Run the node again.") from None


def _told(listing: Listing) -> dict[str, Any]:
    images = [asdict(one) for one in listing.images]
    content = {"images": images, "background": listing.background, "limit": listing.limit}
    return {"format": FORMAT, "version": VERSION, **content}


def _listed(entry: dict[str, Any]) -> Listed:
    width, height = entry["size"]
    listed = Listed(**{**entry, "size": (int(width), int(height)), "badges": tuple(map(str, entry["badges"]))})
    texts = (listed.key, listed.caption, listed.material, listed.layer, listed.stamp)
    if not all(isinstance(one, str) for one in texts) or not isinstance(listed.flip_green, bool):
        raise TypeError(f"an image is {entry!r}")
    if listed.map not in MAP_KINDS:
        raise TypeError(f"an image is {entry!r}")
    if listed.light not in LIGHT_OPTIONS or listed.not_finite not in (REFUSE, REPAIR, KEEP):
        raise TypeError(f"an image is {entry!r}")
    return listed
