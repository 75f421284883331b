"""What the stand-in reads: its dataset and tokenizers, with the checks that the real scripts make; and how it fails."""

import json
import os
import sys
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

SUBSET_KEYS = {
    "image_dir",
    "num_repeats",
    "is_reg",
    "caption_extension",
    "alpha_mask",
    "metadata_file",
    "conditioning_data_dir",
}
REPOSITORIES = {  # what the scripts of flow models ask the hub for, with one of the files that they read
    "flux": {"openai/clip-vit-large-patch14": "vocab.json", "google/t5-v1_1-xxl": "tokenizer.json"},
    "sd3": {
        "openai/clip-vit-large-patch14": "vocab.json",
        "laion/CLIP-ViT-bigG-14-laion2B-39B-b160k": "vocab.json",
        "google/t5-v1_1-xxl": "tokenizer.json",
    },
    "lumina": {"google/gemma-2-2b": "tokenizer.model"},
    "anima": {},
}
NO_TOKENIZER = "OSError: Can't load tokenizer for 'openai/clip-vit-large-patch14'. If you were trying to load it"


def check_tokenizer(args, flow):
    """flow: the stem of a flow model's scripts, "" for Stable Diffusion."""
    if flow:
        if not all(is_cached(*one) for one in REPOSITORIES[flow].items()):
            fail(NO_TOKENIZER)
        return
    tokenizer = Path(args.tokenizer_cache_dir, "openai_clip-vit-large-patch14")
    config = read_json(tokenizer / "tokenizer_config.json", {})
    if config.get("model_max_length") != 77 or not (tokenizer / "vocab.json").is_file():
        fail(NO_TOKENIZER)


def is_cached(repository, file):
    """Whether a hub's cache has it, by the hub's own layout."""
    place = Path(os.environ.get("HF_HUB_CACHE", ""), f"models--{repository.replace('/', '--')}")
    reference = place / "refs" / "main"
    return reference.is_file() and (place / "snapshots" / reference.read_text() / file).is_file()


def images_of(args):
    """Number of images with repeats, after the checks that the real script makes of the dataset."""
    file = Path(args.dataset_config)
    config = (json if file.suffix == ".json" else tomllib).loads(file.read_text("utf-8"))
    if set(config) != {"datasets"}:
        fail(f"voluptuous.error.MultipleInvalid: extra keys not allowed @ data[{sorted(config)}]")
    return sum(subset_images(subset) for dataset in config["datasets"] for subset in dataset["subsets"])


def subset_images(subset):
    if extra := set(subset) - SUBSET_KEYS:
        fail(f"voluptuous.error.MultipleInvalid: extra keys not allowed @ data['datasets'][0]['subsets'][0][{extra}]")
    images = sorted(Path(subset["image_dir"]).glob("*.png"))
    if "metadata_file" in subset:
        captions = read_json(Path(subset["metadata_file"]))
        images = [Path(subset["image_dir"], name) for name in captions]
    else:
        for image in images:
            lines = image.with_suffix(subset["caption_extension"]).read_text("utf-8").splitlines(keepends=True)
            if not lines:
                fail(f"AssertionError: caption file is empty / キャプションファイルが空です: {image}")
    if "conditioning_data_dir" in subset:
        missing = [image for image in images if not Path(subset["conditioning_data_dir"], image.name).is_file()]
        if missing:
            fail(f"AssertionError: missing conditioning data for {missing}")
    say(f"found directory {subset['image_dir']} contains {len(images)} image files")
    return len(images) * subset["num_repeats"]


def say(text):
    print(f"2026-01-01 00:00:00 INFO     {text:80} train_util.py:4744", file=sys.stderr, flush=True)


def fail(message):
    place = f'  File "{Path(sys.argv[0]).name}", line 1913, in <module>'
    print(f"\nTraceback (most recent call last):\n{place}\n{message}", file=sys.stderr)
    sys.exit(1)


def read_json(path, otherwise=None):
    return json.loads(path.read_text("utf-8")) if otherwise is None or path.is_file() else otherwise
