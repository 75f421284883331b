"""The step in the metadata of a LoRA file: sd-scripts counts only the steps since it resumed."""

import json
import shutil
from pathlib import Path

from ..common.files import written_whole
from ..training.metadata import counted_steps

_ALIGNMENT = 8  # of the header, as safetensors writes it


def count_on(file: Path, step: int, end: int, steps_per_epoch: int) -> None:
    """Write into the metadata of a safetensors `file` that it holds the run's `step` of `end`; the weights stay.

    Other files, and entries that the file does not have, are left alone.
    """
    if file.suffix != ".safetensors":
        return
    with file.open("rb") as source:
        length = int.from_bytes(source.read(8), "little")
        header = json.loads(source.read(length))
        known = header.get("__metadata__", {})
        counted = counted_steps(step, end, steps_per_epoch)
        known.update({name: str(value) for name, value in counted.items() if name in known})
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
        text += b" " * (-len(text) % _ALIGNMENT)
        with written_whole(file) as unfinished, unfinished.open("wb") as target:
            target.write(len(text).to_bytes(8, "little") + text)
            shutil.copyfileobj(source, target)
