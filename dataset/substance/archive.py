"""Reading the description out of a .sbsar file, a 7z archive from a source that nobody has checked."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...common.errors import InputError
from .description import SubstanceGraph
from .xml_description import graphs_of

MOST_XML_BYTES = 16_000_000
MOST_BYTES = 2_000_000_000
MOST_ELEMENTS = 300_000


def read_archive(path: Path) -> list[SubstanceGraph]:
    """All graphs of a .sbsar. Nothing is written to disk, and only the descriptions are kept in memory.

    Raises `InputError` for a file that is not a Substance archive, is damaged or malicious.
    """
    if path.suffix.lower() == ".sbs":
        raise InputError(f"{path.name} is a source of Substance Designer. Publish it as .sbsar, and choose that file.")
    graphs = []
    for name, content in _descriptions(path).items():
        try:
            graphs += graphs_of(_parse(content))
        except (ElementTree.ParseError, ValueError, KeyError) as error:
            raise _unreadable(path, f"its description {name} is damaged ({error})") from None
    if not graphs:
        raise _unreadable(path, "its description names no graph")
    return graphs


def _descriptions(path: Path) -> dict[str, bytes]:
    import py7zr

    if path.stat().st_size == 0:
        raise _unreadable(path, "it is empty")
    try:
        with py7zr.SevenZipFile(path) as archive:
            names = _description_names(path, archive.list())
            factory = py7zr.io.BytesIOFactory(MOST_XML_BYTES)
            archive.extract(targets=names, factory=factory)
            return {name: product.read() for name, product in factory.products.items()}
    except InputError:
        raise
    except Exception as error:  # py7zr and its decoders raise nearly anything on a damaged archive
        raise _unreadable(path, f"it is not a whole 7z archive ({str(error) or type(error).__name__})") from error


def _description_names(path: Path, files: Sequence[Any]) -> list[str]:
    for file in files:
        parts = file.filename.replace("\\", "/").split("/")
        if ".." in parts or parts[0] == "" or ":" in parts[0]:
            raise _unreadable(path, f"it holds the file {file.filename!r}, which points out of the archive")
    if sum(file.uncompressed or 0 for file in files) > MOST_BYTES:
        raise _unreadable(path, f"it claims to hold more than {MOST_BYTES // 10**9} GB")
    descriptions = [file for file in files if file.filename.lower().endswith(".xml")]
    if not descriptions:
        raise _unreadable(path, "it holds no description (.xml)")
    if sum(file.uncompressed or 0 for file in descriptions) > MOST_XML_BYTES:
        raise _unreadable(path, f"its description is larger than {MOST_XML_BYTES // 10**6} MB")
    return [file.filename for file in descriptions]


class _LimitedTree(ElementTree.TreeBuilder):
    """Builds a tree until it has more elements than any real description."""

    count = 0

    def start(self, tag: str, attributes: dict[Any, Any]) -> ElementTree.Element:
        self.count += 1
        if self.count > MOST_ELEMENTS:
            raise ValueError(f"more than {MOST_ELEMENTS} elements")
        return super().start(tag, attributes)


def _parse(content: bytes) -> ElementTree.Element:
    """XML to elements, without the entities by which a small file can claim any amount of memory."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import XMLParser

    parser = XMLParser(target=_LimitedTree())
    try:
        parser.feed(content)
        return parser.close()
    except DefusedXmlException:
        raise ValueError("it declares entities, as malicious files do") from None


def _unreadable(path: Path, reason: str) -> InputError:
    return InputError(
        f"{path.name} cannot be read as a Substance archive: {reason}. Export or download the .sbsar file again."
    )
