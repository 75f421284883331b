"""Files of the host's model folders: told apart, proven to load."""

from pathlib import Path
from typing import Any

import comfy.utils

from ...common.errors import InputError
from ...sd_scripts.scripts import LORA, TEXTUAL_INVERSION, Job


def file_stamp(file: Path) -> tuple[int, int]:
    """Size and time of change, by which a file is taken to be the same."""
    facts = file.stat()
    return facts.st_size, facts.st_mtime_ns


def loaded_weights(path: Path, job: Job) -> dict[str, Any]:
    """The weights of a small file; of a large one only the proof that it can be read."""
    from safetensors import SafetensorError, safe_open

    try:
        if job.task in (LORA, TEXTUAL_INVERSION) or path.suffix != ".safetensors":
            state = comfy.utils.load_torch_file(str(path), safe_load=True)
            return state if job.task == LORA else {}
        with safe_open(path, "pt") as weights:
            weights.get_tensor(next(iter(weights.keys())))
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{path} was written but does not load ({error}). Look into its log.") from None
    return {}
