"""The case study, small: it trains, paints all weights, chooses and saves a material."""

import pytest
from api_workflows import load, of_class, pixels, titled, with_widgets
from tilewright.evaluation.grid_listing import read_listing
from tilewright.launch.client import run_prompt

pytestmark = pytest.mark.slow


def test_the_case_study_ends_in_a_material(server):
    prompt = load("case_facade")
    assert prompt[of_class(prompt, "TilewrightLoraObjective")]["inputs"]["noise_offset"] == 0.4  # the demo model's own
    small = with_widgets(
        prompt,
        TilewrightRenderProcedural={"count": 8, "size": 64, "folder": "tested_facade"},
        TilewrightTrainLora={"resolution": 64, "steps": 4, "batch_size": 1, "rank": 2, "name": "tested_facade"},
        TilewrightLoraNetwork={"conv_rank": 2},
        TilewrightLoraSaving={"every_steps": 2},
        TilewrightLoraGrid={"strengths": "0 1", "steps": 2, "width": 64, "height": 64, "name": "tested_facade"},
        EmptyLatentImage={"width": 64, "height": 64},
        KSampler={"steps": 2},
    )
    outputs = run_prompt(server.url, small)
    listing = read_listing(server.output / "grids" / "tested_facade")
    assert {(cell["step"], cell["strength"]) for cell in listing["cells"]} == {(None, 0), (2, 1), (4, 1)}
    assert len(outputs[titled(small, "Save 2 x 2 preview")]["images"]) == 1
    saved = {file["filename"] for file in outputs[of_class(small, "TilewrightSaveMaterial")]["files"]}
    assert {file.rsplit("_", 1)[-1] for file in saved if file.endswith(".png")} == {
        "basecolor.png",
        "height.png",
        "normal.png",
        "roughness.png",
    }
    basecolor = next(server.output.glob("materials/case_facade*/*_basecolor.png"))
    assert pixels(basecolor).shape[-2:] == (64, 64)
