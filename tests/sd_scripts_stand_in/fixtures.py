"""The fixtures of all tests that run sd-scripts, or its stand-in."""

import folder_paths
import pytest
from sd_scripts_stand_in.checkout import Checkout, write_checkpoint, write_images
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.nodes.training.train_sd_scripts import TrainLoraKohya


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """The stand-in in a folder with spaces and letters outside ASCII, as the checkout that the user has named."""
    checkout = Checkout(tmp_path / "my sd-scripts ü")
    monkeypatch.setenv("SD_SCRIPTS_PATH", str(checkout.folder))
    monkeypatch.delenv("SD_SCRIPTS_PYTHON", raising=False)
    return checkout


@pytest.fixture
def output(tmp_path, monkeypatch):
    """ComfyUI's output folder, in tmp_path."""
    folder = tmp_path / "out put"
    monkeypatch.setattr(folder_paths, "output_directory", str(folder))
    return folder


@pytest.fixture
def checkpoints(tmp_path, monkeypatch):
    """A folder of checkpoints, one of each family."""
    folder = tmp_path / "check points"
    for family in ("SD1", "SD2", "SDXL"):
        write_checkpoint(folder / f"{family}.safetensors", family)
    known = folder_paths.folder_names_and_paths["checkpoints"]
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "checkpoints", ([str(folder)], known[1]))
    folder_paths.filename_list_cache.pop("checkpoints", None)
    yield folder
    folder_paths.filename_list_cache.pop("checkpoints", None)


@pytest.fixture
def dataset(tmp_path):
    """Three images with captions; the last is seen twice as often."""
    files = write_images(tmp_path / "renders", 3)
    samples = [
        Sample(
            file, "basecolor", (16, 16), f"twbricks, wall {number}", material=f"wall {number}", repeats=number // 2 + 1
        )
        for number, file in enumerate(files)
    ]
    return TextureDataset(tuple(samples))


@pytest.fixture
def train_lora(checkout, output, checkpoints, dataset):
    """Runs Train LoRA (sd-scripts) on the stand-in, with small settings unless others are given."""

    def run(**inputs):
        widgets = {
            "dataset": dataset,
            "checkpoint": "SD1.safetensors",
            "name": "mein Ziegel",
            "steps": 6,
            "batch_size": 1,
            "resolution": 64,
            "rank": 4,
            "alpha": 4.0,
            "learning_rate": 1e-4,
            "seed": 5,
        }
        return TrainLoraKohya.execute(**widgets | inputs)

    return run
