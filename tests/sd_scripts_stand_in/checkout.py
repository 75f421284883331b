"""A folder that looks like a checkout of sd-scripts, with the stand-in under the scripts' names, and a checkpoint."""

import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
ARGUMENTS = HERE / "arguments.json"
MARKS = {
    "SD1": "cond_stage_model.transformer.text_model.final_layer_norm.weight",
    "SD2": "cond_stage_model.model.ln_final.weight",
    "SDXL": "conditioner.embedders.1.model.ln_final.weight",
}


class Checkout:
    """The stand-in at `folder`; `behave` tells it what to do, `calls` are what it was told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "library").mkdir(parents=True, exist_ok=True)
        (folder / "library" / "train_util.py").touch()
        (folder / "packages").mkdir(exist_ok=True)
        (folder / "requirements.txt").write_text("voluptuous==0.13.1\n", encoding="utf-8")
        for file in (ARGUMENTS, HERE / "stand_in_inputs.py", HERE / "stand_in_files.py"):
            shutil.copy(file, folder)
        for script in json.loads(ARGUMENTS.read_text(encoding="utf-8"))["scripts"]:
            shutil.copy(HERE / "stand_in.py", folder / script)

    def behave(self, **behaviour) -> None:
        (self.folder / "behaviour.json").write_text(json.dumps(behaviour), encoding="utf-8")

    @property
    def calls(self) -> list[dict]:
        file = self.folder / "calls.jsonl"
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []

    @property
    def trainings(self) -> list[dict]:
        return [call for call in self.calls if "settings" in call]

    @property
    def updates(self) -> int:
        """Steps that were trained, over all processes of the last run."""
        return self.calls[-1]["updates"]


def write_checkpoint(path: Path, family: str) -> None:
    """A file with the weight by which a family is known, and nothing else."""
    from safetensors.numpy import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({MARKS[family]: np.ones(4, dtype=np.float32)}, path)


def write_images(folder: Path, count: int, size: int = 16) -> list[Path]:
    """Small pictures that all differ."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"Ziegel {number}.png" for number in range(count)]
    for number, file in enumerate(files):
        Image.fromarray(np.full((size, size, 3), 40 * number + 20, dtype=np.uint8)).save(file)
    return files
