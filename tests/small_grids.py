"""What the tests of the evaluation's nodes share: the demo model, LoRA files made of random numbers, and small grids.

A test file asks for the fixture `grids` with `pytest_plugins = ["small_grids"]`.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    import conftest  # noqa: F401 - makes the pack importable

import comfy.sample
import folder_paths
import pytest
import torch
from safetensors.torch import save_file
from tilewright.common.image_writing import write_png
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.host.demo_model import load_demo_model
from tilewright.host.training import kohya_names, kohya_text_names
from tilewright.nodes.evaluation import CheckOverfit, LoraGridNode, ScoreGrid, ScoreImages

SETTINGS = {
    "loras": "bricks",
    "strengths": "0 1",
    "prompts": "brick wall\nweave of reed",
    "seeds": "1 2",
    "steps": 2,
    "cfg": 3.0,
    "sampler_name": "dpmpp_2m",
    "scheduler": "karras",
    "width": 64,
    "height": 64,
    "negative": "",
    "name": "grid",
}

TO_BE_KILLED = {"strengths": "0-1 [4]", "steps": 8, "batch_size": 2}


def random_lora(model, clip, seed=0, size=0.3, text=True):
    """Tensors in kohya's names, of rank 2 on every attention layer."""
    generator = torch.Generator().manual_seed(seed)
    places = [(kohya_names(model), model.model.diffusion_model, "attn")]
    if text:
        places.append((kohya_text_names(clip), clip.cond_stage_model, "self_attn"))
    tensors = {}
    for names, network, kind in places:
        for path, layer in network.named_modules():
            if path in names and kind in path and hasattr(layer, "weight"):
                outputs, inputs = layer.weight.shape
                tensors[f"{names[path]}.lora_down.weight"] = torch.randn(2, inputs, generator=generator) * inputs**-0.5
                tensors[f"{names[path]}.lora_up.weight"] = torch.randn(outputs, 2, generator=generator) * size
                tensors[f"{names[path]}.alpha"] = torch.tensor(2.0)
    return tensors


@dataclass(frozen=True)
class SmallGrids:
    """The demo model, and a folder for loras, pictures and renders."""

    model: Any
    clip: Any
    vae: Any
    folder: Path

    def write_lora(self, name, seed=0, steps=None, **changes):
        file = self.folder / "loras" / f"{name}.safetensors"
        file.parent.mkdir(parents=True, exist_ok=True)
        metadata = {"ss_steps": str(steps)} if steps else None
        save_file(random_lora(self.model, self.clip, seed, **changes), file, metadata)
        return file

    def paint(self, **changes) -> SimpleNamespace:
        """The outputs of LoRA Grid by their names."""
        inputs = {"model": self.model, "clip": self.clip, "vae": self.vae}
        return outputs_of(LoraGridNode, **{**inputs, **SETTINGS, **changes})

    def score(self, grid, **inputs) -> SimpleNamespace:
        return outputs_of(ScoreGrid, grid=grid, **inputs)

    def check(self, **inputs) -> SimpleNamespace:
        return outputs_of(CheckOverfit, **inputs)

    def score_images(self, **inputs) -> SimpleNamespace:
        return outputs_of(ScoreImages, **inputs)

    def dataset(self, name, pictures, captions) -> TextureDataset:
        """A dataset of pictures (3, H, W), written to a folder of that name."""
        samples = []
        for number, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
            file = self.folder / name / f"{number:02}.png"
            write_png(file, picture)
            size = (picture.shape[2], picture.shape[1])
            samples.append(Sample(file, "basecolor", size, caption, f"{name}_{number}", tileable=True))
        return TextureDataset(tuple(samples))

    def pictures(self, name="grid"):
        """The bytes of every picture of a grid, by its place in the folder."""
        root = self.folder / "output" / "grids" / name
        return {file.relative_to(root): file.read_bytes() for file in sorted(root.rglob("*.png"))}


def outputs_of(node, **inputs) -> SimpleNamespace:
    with torch.inference_mode():  # as the host runs its nodes
        result = node.execute(**inputs).result
    return SimpleNamespace(
        **{output.id: value for output, value in zip(node.define_schema().outputs, result, strict=True)}
    )


@pytest.fixture(scope="module")
def demo_models():
    return load_demo_model()


@pytest.fixture
def grids(demo_models, tmp_path, monkeypatch):
    monkeypatch.setattr(folder_paths, "output_directory", str(tmp_path / "output"))
    monkeypatch.setattr(folder_paths, "temp_directory", str(tmp_path / "temp"))
    loras = ([str(tmp_path / "loras")], {".safetensors"})
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "loras", loras)
    monkeypatch.setattr(folder_paths, "filename_list_cache", {})
    small = SmallGrids(*demo_models, tmp_path)
    small.write_lora("bricks", seed=1, steps=50)
    return small


def main() -> None:
    """Paint a grid in a process of its own, for a test that kills it."""
    folder = Path(sys.argv[1])
    folder_paths.output_directory = str(folder / "output")
    folder_paths.folder_names_and_paths["loras"] = ([str(folder / "loras")], {".safetensors"})
    sample = comfy.sample.sample

    def after_a_while(*args, **kwargs):
        time.sleep(0.5)  # time to be killed in
        return sample(*args, **kwargs)

    comfy.sample.sample = after_a_while
    SmallGrids(*load_demo_model(), folder).paint(**TO_BE_KILLED)


if __name__ == "__main__":
    main()
