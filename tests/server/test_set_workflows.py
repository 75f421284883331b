"""The workflows of material sets, small: one training serves them all."""

import pytest
import torch
from api_workflows import load, of_class, picture, pixels, titled, with_widgets
from tilewright.launch.client import run_prompt

pytestmark = pytest.mark.slow
NAMES = ("train_material_set", "material_from_text", "material_from_photo", "material_from_height")
GIVEN = {"material_from_photo": "basecolor", "material_from_height": "height"}
TRAINING = ("TilewrightTrainLora", "TilewrightLoraObjective", "TilewrightLoraNetwork", "TilewrightLoraOptimizer")


def inputs(prompt, class_type):
    return prompt[of_class(prompt, class_type)]["inputs"]


def test_the_graphs_train_the_same_lora():
    first, *others = (load(name) for name in NAMES)
    for other in others:
        assert all(inputs(other, one) == inputs(first, one) for one in TRAINING)


def test_one_training_serves_text_picture_and_height(server):
    """The second graph and the third find the LoRA of the first, and what is given comes back as it was."""
    trained = None
    for name in NAMES[1:]:
        small = with_widgets(
            load(name),
            TilewrightTrainLora={"resolution": 64, "steps": 2, "rank": 2, "name": "tested_sets"},
            TilewrightLoraNetwork={"conv_rank": 2},
            KSampler={"steps": 2},
        )
        for node in small.values():
            if node["class_type"] == "TilewrightRenderProcedural":
                node["inputs"] |= {"size": 64, "count": min(node["inputs"]["count"], 2)}
            if node["class_type"] == "TilewrightEmptyMaterialSetLatent":
                node["inputs"] |= {"width": 64, "height": 64}
        outputs = run_prompt(server.url, small)
        lora = server.output / "loras" / "tested_sets.safetensors"
        assert trained in (None, lora.stat().st_mtime_ns)
        trained = lora.stat().st_mtime_ns
        saved = [file["filename"] for file in outputs[of_class(small, "TilewrightSaveMaterial")]["files"]]
        folder = next(server.output.glob(f"materials/{name}*"))
        maps = {
            file.rsplit("_", 1)[-1].removesuffix(".png"): pixels(folder / file)
            for file in saved
            if file.endswith(".png")
        }
        assert maps.keys() == {"basecolor", "height", "normal", "roughness"}
        assert len(outputs[titled(small, "All maps")]["images"]) == 3
        assert picture(server, outputs[titled(small, "All maps")]["images"][0]).shape[:2] == (64, 64)
        if kind := GIVEN.get(name):
            given = pixels(server.output / "datasets" / f"material_set_{kind}" / f"cobblestone_0000_{kind}.png")
            assert torch.equal(maps[kind][:, :3], given[:, :3]) and given.std() > 0.02, kind
