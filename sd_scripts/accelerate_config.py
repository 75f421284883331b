"""What the user has configured for accelerate. Tilewright only asks for the precision: sd-scripts would override it."""

from collections.abc import Mapping
from pathlib import Path

_PRECISIONS = {"no": "float32", "fp16": "float16", "bf16": "bfloat16"}


def configured_precision(environment: Mapping[str, str]) -> str | None:
    """The precision in accelerate's default configuration, None where there is none or it names another."""
    import yaml

    cache = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = Path(environment.get("HF_HOME") or cache / "huggingface")
    file = home / "accelerate" / "default_config.yaml"
    if not file.is_file():
        return None
    settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    told = settings.get("mixed_precision") if isinstance(settings, dict) else None
    return _PRECISIONS.get("no" if told is False else str(told))  # YAML reads a bare no as false
