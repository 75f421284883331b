"""How deep and wide a surface is, said once: what one node used is what the next one uses, whatever its widgets say."""

import json

import pytest
import torch
from tilewright.material.surface_size import SurfaceSize, written_size
from tilewright.nodes.material import (
    CombineHeights,
    Curvature,
    HeightFromImage,
    HeightToNormal,
    LoadMap,
    NormalToHeight,
    Occlusion,
    SaveMaterial,
)

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


def test_a_height_hands_on_the_cm_that_are_said_where_it_is_made(hills):
    color = hills[..., None].expand(-1, -1, -1, 3)
    assert HeightFromImage.execute(color, height_cm=2.0, size_cm=40.0)[-1] == SAID


def test_combined_heights_take_the_cm_of_both_and_hand_on_their_own(hills):
    of_detail = SurfaceSize(height_cm=0.5, size_cm=40.0)
    typed = CombineHeights.execute(hills, hills, base_cm=2.0, detail_cm=0.5)
    linked = CombineHeights.execute(
        hills, hills, **{"base_cm": 9.0, "detail_cm": 9.0}, surface=SAID, detail_surface=of_detail
    )
    assert torch.equal(linked[0], typed[0]) and linked[-1] == SurfaceSize(linked[1], 40.0)
    assert typed[-1] == SurfaceSize(typed[1], 100.0)
    other = CombineHeights.execute(hills, hills, surface=SAID, detail_surface=SurfaceSize(0.5, 80.0))
    assert "base is 40 cm wide and the detail 80 cm" in other[3] and other[-1].size_cm == 40.0


def test_a_map_brings_the_cm_of_the_material_that_it_was_saved_with(hills, tmp_path, monkeypatch):
    monkeypatch.setattr("folder_paths.get_output_directory", lambda: str(tmp_path))
    SaveMaterial.execute("hills", height=hills, surface=SAID)
    saved = next(tmp_path.rglob("*_height.png"))
    monkeypatch.setattr("tilewright.nodes.material.load_map.map_file", lambda _: saved)
    _, _, report, _, found = LoadMap.execute("hills_height.png", **TYPED)
    assert found == SAID and "2 cm deep, 40 cm wide" in report
    for said in ('{"height_cm": 1}', "[]", '{"format": "tilewright-material", "height_cm": 1e999, "size_cm": 1}', "{"):
        (saved.parent / "material.json").write_text(said)
        assert LoadMap.execute("hills_height.png", **TYPED)[-1] == SurfaceSize(9.0, 300.0)
        assert written_size(saved) is None


def test_a_map_is_read_again_when_the_cm_beside_it_change(hills, tmp_path, monkeypatch):
    monkeypatch.setattr("folder_paths.get_output_directory", lambda: str(tmp_path))
    SaveMaterial.execute("hills", height=hills, surface=SAID)
    saved = next(tmp_path.rglob("*_height.png"))
    monkeypatch.setattr("tilewright.nodes.material.load_map.map_file", lambda _: saved)
    before = LoadMap.fingerprint_inputs("hills_height.png")
    assert LoadMap.fingerprint_inputs("hills_height.png") == before
    description = saved.parent / "material.json"
    description.write_text(description.read_text().replace("40.0", "41.25"))
    changed = LoadMap.fingerprint_inputs("hills_height.png")
    description.unlink()
    assert len({str(one) for one in (before, changed, LoadMap.fingerprint_inputs("hills_height.png"))}) == 3
