"""How deep and wide a surface is, said once: what one node used is what the next one uses, whatever its widgets say."""

import json

import pytest
import torch
from tilewright.material.surface_size import SurfaceSize
from tilewright.nodes.material import Curvature, HeightToNormal, NormalToHeight, Occlusion, SaveMaterial

SAID = SurfaceSize(height_cm=2.0, size_cm=40.0)
TYPED = {"height_cm": 9.0, "size_cm": 300.0}


@pytest.fixture
def hills():
    across = torch.linspace(0, 2 * torch.pi, 49)[:-1]
    return (0.5 + 0.25 * (across.sin()[:, None] + across.cos()[None])).expand(1, 48, 48)


@pytest.fixture(autouse=True)
def inference_mode():
    with torch.inference_mode():
        yield


@pytest.mark.parametrize("node", [HeightToNormal, Occlusion, Curvature])
def test_what_is_linked_stands_above_what_is_typed(node, hills):
    linked = node.execute(hills, **TYPED, surface=SAID)
    typed = node.execute(hills, height_cm=2.0, size_cm=40.0)
    assert torch.equal(linked[0], typed[0])
    assert not torch.equal(linked[0], node.execute(hills, **TYPED)[0])
    assert "spans 2 cm and the image 40 cm" in linked[-2]
    assert "surface input" not in typed[-2]
    assert linked[-1] == typed[-1] == SAID


def test_a_normal_map_tells_the_depth_that_it_stands_for(hills):
    normal = HeightToNormal.execute(hills, surface=SAID, method="spectral")[0]
    _, height_cm, _, found = NormalToHeight.execute(normal, method="spectral", size_cm=999.0, surface=SAID)
    assert found == SurfaceSize(height_cm, 40.0)
    assert height_cm == pytest.approx(2.0, rel=1e-3)


def test_the_description_of_a_material_holds_what_is_linked(hills, tmp_path, monkeypatch):
    monkeypatch.setattr("folder_paths.get_output_directory", lambda: str(tmp_path))
    report = SaveMaterial.execute("hills", height=hills, **TYPED, surface=SAID)[1]
    written = json.loads(next(tmp_path.rglob("material.json")).read_text(encoding="utf-8"))
    assert (written["height_cm"], written["size_cm"]) == (2.0, 40.0)
    assert "spans 2 cm" in report
