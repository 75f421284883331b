"""The graphs that compare LoRAs and score pictures, queued at a real server, small."""

import csv
import io
import json
import urllib.request

import numpy as np
import pytest
from api_workflows import load, of_class, picture, titled, with_widgets
from tilewright.evaluation.grid import read_picture
from tilewright.evaluation.grid_listing import read_listing
from tilewright.evaluation.sheet import thumbnails
from tilewright.launch.client import PromptError, run_prompt

pytestmark = pytest.mark.slow
TRAINED = {"resolution": 64, "steps": 4, "batch_size": 1, "rank": 2}


def small_pick_checkpoint(**grid):
    return with_widgets(
        load("pick_checkpoint"),
        TilewrightRenderProcedural={"count": 6, "size": 64, "folder": "tested_pick"},
        TilewrightSplitDataset={"fraction": 0.5},
        TilewrightTrainLora={**TRAINED, "name": "tested_pick"},
        TilewrightLoraSaving={"every_steps": 2},
        TilewrightLoraGrid={"strengths": "0 1", "steps": 2, "width": 64, "height": 64, "name": "tested_pick", **grid},
        EmptyLatentImage={"width": 64, "height": 64, "batch_size": 2},
        KSampler={"steps": 2},
    )


def stands_on(sheet, picture):
    """Whether (3, H, W) in 0..1 is somewhere on a sheet of 8 bits, but for the last: the host cuts off what remains."""
    wanted = (picture.movedim(0, -1).numpy() * 255).round()
    height, width = wanted.shape[:2]
    places = np.argwhere((np.abs(sheet - wanted[0, 0]) <= 1).all(-1))
    return any(
        np.abs(sheet[y : y + height, x : x + width] - wanted).max() <= 1
        for y, x in places
        if y + height <= sheet.shape[0] and x + width <= sheet.shape[1]
    )


def test_pick_checkpoint_trains_compares_chooses_and_paints(server):
    prompt = small_pick_checkpoint()
    outputs = run_prompt(server.url, prompt)
    folder = server.output / "grids" / "tested_pick"
    record = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    assert {(cell["step"], cell["strength"]) for cell in record["cells"]} == {(None, 0), (2, 1), (4, 1)}
    assert record["held_out"] is True
    why = outputs[titled(prompt, "Why this one")]["text"][0]
    assert "Chosen:" in why or "No cell may be chosen" in why
    sheet = picture(server, outputs[titled(prompt, "Save sheet")]["images"][0])
    painted = {cell["choice"]: [folder / name for name in cell["pictures"]] for cell in read_listing(folder)["cells"]}
    thumbnail = prompt[of_class(prompt, "TilewrightLoraGrid")]["inputs"]["thumbnail"]
    for files in painted.values():
        assert len({file.read_bytes() for file in files}) == len(files) >= 2  # other seeds, other pictures
        assert all(stands_on(sheet, small) for small in thumbnails(list(map(read_picture, files)), thumbnail))
    assert len(outputs[titled(prompt, "Save textures")]["images"]) == 2
    assert "of 2 pictures are training renders" in outputs[titled(prompt, "Is it a copy?")]["text"][0]


def test_a_grid_that_was_cancelled_goes_on_with_what_is_there(server):
    run_prompt(server.url, small_pick_checkpoint())  # trained, so that only the grid is left
    prompt = small_pick_checkpoint(name="tested_cancelled", steps=6, strengths="0-1 [4]")
    grid = of_class(prompt, "TilewrightLoraGrid")
    bars = []

    def cancel(kind, data):
        if kind == "progress" and data["node"] == grid:
            bars.append((data["value"], data["max"]))
            if data["value"] >= data["max"] // 2:
                urllib.request.urlopen(urllib.request.Request(f"{server.url}/interrupt", method="POST")).close()

    with pytest.raises(PromptError, match="cancelled"):
        run_prompt(server.url, prompt, cancel)
    assert bars == sorted(bars) and len({total for _, total in bars}) == 1
    folder = server.output / "grids" / "tested_cancelled"
    painted = {file: file.stat().st_mtime_ns for file in folder.rglob("*.png")}
    assert painted
    run_prompt(server.url, prompt)
    assert all(file.stat().st_mtime_ns == changed for file, changed in painted.items())
    assert len(list(folder.rglob("*.png"))) > len(painted)


def test_score_images_sums_up_what_a_model_painted(server):
    prompt = with_widgets(load("score_images"), EmptyLatentImage={"width": 64, "height": 64}, KSampler={"steps": 2})
    outputs = run_prompt(server.url, prompt)
    assert "8 pictures of 2 prompts" in outputs[titled(prompt, "Summary")]["text"][0]
    rows = list(csv.DictReader(io.StringIO(outputs[titled(prompt, "Table (CSV)")]["text"][0])))
    assert [row["prompt"].split()[0] for row in rows[:8]] == ["cobblestone,"] * 4 + ["hexagon"] * 4
    assert float(rows[0]["seam"]) > 0
