"""Tokenizers where sd-scripts looks for them, so that it downloads none.

The scripts of Stable Diffusion look into a folder that an argument names. Some of those of flow models ask for a
repository instead, and find it in a cache of the hub that is laid out like the hub's own.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..common.files import write_json, written_whole
from .flow_models import CLIP_G_TOKENIZER, CLIP_L_TOKENIZER, T5_TOKENIZER

_CONFIG = "tokenizer_config.json"
_SPECIAL = "special_tokens_map.json"  # what it says goes before the configuration
_CLIP_FILES = ("vocab.json", "merges.txt")
_T5_FILES = ("tokenizer.json", _SPECIAL, _CONFIG)
_LENGTH = 77  # of CLIP's context; ComfyUI's own configuration leaves cutting to its caller
_PADDING = {  # repository -> the token that fills a caption up
    CLIP_L_TOKENIZER: "<|endoftext|>",
    CLIP_G_TOKENIZER: "!",
    "stabilityai/stable-diffusion-2": "!",
}
_GEMMA: dict[str, Any] = {
    "tokenizer_class": "GemmaTokenizer",
    "bos_token": "<bos>",
    "eos_token": "<eos>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "add_bos_token": True,
    "add_eos_token": False,
}
_REVISION = "0" * 40


def write_tokenizers(source: Path, folder: Path) -> None:
    """Fill `folder` as sd-scripts' tokenizer cache from the CLIP tokenizer in `source`; what is there stays."""
    for name, padding in _PADDING.items():
        _write_clip(source, folder / name.replace("/", "_"), padding)


def write_hub_cache(folder: Path, sources: Mapping[str, Path | bytes]) -> None:
    """Fill `folder` as a cache of the hub that holds the tokenizers of repositories; what is there stays.

    sources has a folder of ComfyUI's for each, for Gemma the SentencePiece model itself.
    """
    for repository, source in sources.items():
        place = folder / f"models--{repository.replace('/', '--')}"
        reference = place / "refs" / "main"
        if reference.is_file():  # written last
            continue
        target = place / "snapshots" / _REVISION
        if isinstance(source, bytes):
            _write_gemma(source, target)
        elif repository == T5_TOKENIZER:
            _copy(source, target, _T5_FILES)
        else:
            _write_clip(source, target, _PADDING[repository])
        reference.parent.mkdir(exist_ok=True)
        with written_whole(reference) as unfinished:
            unfinished.write_text(_REVISION, encoding="ascii")


def _write_clip(source: Path, target: Path, padding: str) -> None:
    if (target / _CONFIG).is_file():
        return
    _copy(source, target, _CLIP_FILES)
    limits: dict[str, dict[str, Any]] = {_SPECIAL: {}, _CONFIG: {"model_max_length": _LENGTH}}
    for name, own in limits.items():
        settings = json.loads((source / name).read_text(encoding="utf-8"))
        write_json(target / name, {**settings, **own, "pad_token": padding})


def _copy(source: Path, target: Path, files: tuple[str, ...]) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for file in files:
        with written_whole(target / file) as unfinished:
            shutil.copyfile(source / file, unfinished)


def _write_gemma(model: bytes, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    with written_whole(target / "tokenizer.model") as unfinished:
        unfinished.write_bytes(model)
    write_json(target / _CONFIG, _GEMMA)
