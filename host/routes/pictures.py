"""Pictures that the pack wrote itself, sent small or whole."""

import io
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...common.errors import UnreadableImage
from ...common.image_headers import open_with_pillow, told_as_unreadable
from .serving import NotThere, Reply, whole

LARGEST = 4096  # pixels of a side that may be asked for
LARGEST_KEPT = 1024  # of one that is kept in memory
A_DAY = 86_400  # seconds that a browser keeps a picture: its address holds the stamp
QUALITY = 90


def stamp(file: Path) -> str:
    """Changes when the file does; part of the picture's address, so that a browser may keep it."""
    state = file.stat()
    return f"{state.st_mtime_ns:x}-{state.st_size:x}"


def picture_reply(file: Path, asked: Mapping[str, Any]) -> Reply:
    """The picture, no side longer than the `side` that is asked for. Raises `NotThere` for one that is damaged."""
    side = whole(asked, "side", 512, 16, LARGEST)
    packed = _kept_webp if side <= LARGEST_KEPT else _webp
    try:
        return Reply(packed(file, stamp(file), side), "image/webp", A_DAY)
    except (UnreadableImage, OSError):
        raise NotThere("The picture is gone or damaged.") from None


def _webp(file: Path, stamp: str, side: int) -> bytes:
    with told_as_unreadable(file), open_with_pillow(file) as image:
        small = image.convert("RGB")
        small.thumbnail((side, side))
        packed = io.BytesIO()
        small.save(packed, "WEBP", quality=QUALITY, method=2)
        return packed.getvalue()


_kept_webp = lru_cache(maxsize=256)(_webp)
