"""The tokenizers that sd-scripts would download, from the copy that comes with ComfyUI."""

import json
import shutil
from pathlib import Path

from ..common.files import write_json, written_whole

_WORDS = ("vocab.json", "merges.txt", "special_tokens_map.json")
_CONFIG = "tokenizer_config.json"
_LENGTH = 77  # of CLIP's context; ComfyUI's own configuration leaves cutting to its caller
_PADDING = {  # folder name that sd-scripts looks for -> the token that fills a caption up
    "openai_clip-vit-large-patch14": "<|endoftext|>",
    "laion_CLIP-ViT-bigG-14-laion2B-39B-b160k": "!",
    "stabilityai_stable-diffusion-2": "!",
}


def write_tokenizers(source: Path, folder: Path) -> None:
    """Fill `folder` as sd-scripts' tokenizer cache from the CLIP tokenizer in `source`; what is there stays."""
    for name, padding in _PADDING.items():
        target = folder / name
        if (target / _CONFIG).is_file():
            continue
        target.mkdir(parents=True, exist_ok=True)
        for file in _WORDS:
            with written_whole(target / file) as unfinished:
                shutil.copyfile(source / file, unfinished)
        config = json.loads((source / _CONFIG).read_text(encoding="utf-8"))
        write_json(target / _CONFIG, config | {"model_max_length": _LENGTH, "pad_token": padding})
