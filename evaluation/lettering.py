"""Words on the pictures that this stage draws, in a font that has their letters."""

from collections.abc import Set
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont

# Pillow's own font is Latin. These come with Linux distributions, Windows and macOS; Pillow knows where they keep them.
WIDER_FONTS = (
    "NotoSansCJK-Regular.ttc", "NotoSansSC-Regular.otf", "SourceHanSansSC-Regular.otf", "wqy-microhei.ttc",
    "wqy-zenhei.ttc", "DroidSansFallbackFull.ttf", "msyh.ttc", "meiryo.ttc", "malgun.ttf", "simsun.ttc", "PingFang.ttc",
    "Hiragino Sans GB.ttc", "STHeiti Light.ttc", "Arial Unicode.ttf", "DejaVuSans.ttf", "arial.ttf",
)  # fmt: skip
NOWHERE = "\U0010ffff"  # a code point that no font has a letter for


def label_font(size: int, text: str = "") -> "FreeTypeFont | ImageFont":
    """Pillow's own font, or the first of this machine's that has every letter of `text`; Pillow's where none has."""
    letters = frozenset(letter for letter in text if not letter.isascii() and not letter.isspace())
    names = ("", *WIDER_FONTS) if letters else ("",)
    found = next((font for name in names if (font := _font(name, size)) and _has(font, letters)), None)
    return found or _own_font(size)


def cut(text: str, width: float, size: int) -> str:
    """`text` as far as it fits into `width` pixels."""
    font = label_font(size, text)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


@lru_cache
def _font(name: str, size: int) -> "FreeTypeFont | ImageFont | None":
    from PIL import ImageFont

    if not name:
        return _own_font(size)
    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return None


@lru_cache
def _own_font(size: int) -> "FreeTypeFont | ImageFont":
    from PIL import ImageFont

    return ImageFont.load_default(size)


@lru_cache(maxsize=4096)
def _has(font: "FreeTypeFont | ImageFont", letters: Set[str]) -> bool:
    missing = bytes(font.getmask(NOWHERE))
    return all(bytes(font.getmask(letter)) != missing for letter in letters)
