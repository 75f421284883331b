"""Files of others are the ones that the docs say how to build, with their licence beside them."""

import hashlib
import re
from pathlib import Path

PACK = Path(__file__).resolve().parents[2]
VENDOR = PACK / "web" / "vendor"


def test_every_vendored_file_has_its_hash_in_the_docs_and_its_licence_beside_it():
    page = (PACK / "docs" / "vendored.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"\| `([^`]+\.mjs)` \| `([0-9a-f]{64})` \|", page))
    modules = sorted(VENDOR.glob("*.mjs"))
    assert told == {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in modules}
    for file in modules:
        assert "MIT" in (VENDOR / f"{file.stem}.LICENSE").read_text(encoding="utf-8")


def test_a_vendored_file_asks_for_nothing_when_it_is_loaded():
    for file in VENDOR.glob("*.mjs"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"""\bfrom\s*["']|\bimport\s*\(|importScripts|\beval\(|new Function""", text), file.name
        assert not re.search(r"""fetch\(["'`]http""", text)
