"""Preview Material: files for the view, and a report, with nobody looking."""

from pathlib import Path

import folder_paths
import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.common.seams import FIGURES
from tilewright.host.viewed_files import viewed_file
from tilewright.nodes.material.preview import MOST, VIEW, PreviewMaterial


@pytest.fixture
def temp(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_paths, "get_temp_directory", lambda: str(tmp_path))
    return tmp_path


def test_the_view_is_told_of_files_that_are_there(temp):
    out = PreviewMaterial.execute(basecolor=torch.rand(1, 32, 32, 3), height=torch.rand(1, 32, 32, 1), size_cm=50.0)
    (material,) = out.ui[VIEW]
    assert material["maps"] == ["basecolor", "height"] and material["size_cm"] == 50.0
    for file in material["files"].values():
        assert Path(temp, file["subfolder"], file["filename"]).is_file() and file["type"] == "temp"
    assert material["seams"]["map"] == "basecolor" and {"x", "y"} < set(material["seams"])
    assert "basecolor, left–right: Q " in out.result[0]


def test_the_node_tells_what_was_found_and_leaves_the_figures_to_the_report(temp):
    out = PreviewMaterial.execute(height=torch.rand(1, 64, 64, 1))
    (text,) = out.ui["badges"]
    assert "left–right" in text and FIGURES not in text
    assert out.result[0].startswith(f"{text}\n{FIGURES}\n")


def test_equal_maps_are_one_file(temp):
    first, again, other = (viewed_file("height.png", content) for content in (b"a", b"a", b"b"))
    assert first == again != other
    assert len(list((temp / "tilewright").iterdir())) == 2


def test_a_batch_is_so_many_materials_up_to_a_number(temp):
    out = PreviewMaterial.execute(roughness=torch.rand(MOST + 2, 8, 8, 1))
    assert [(one["number"], one["of"]) for one in out.ui[VIEW]] == [(n + 1, MOST + 2) for n in range(MOST)]


def test_no_map_and_unequal_batches_are_refused(temp):
    with pytest.raises(InputError, match="No map is connected"):
        PreviewMaterial.execute()
    with pytest.raises(InputError, match="batches of different size"):
        PreviewMaterial.execute(height=torch.rand(1, 8, 8, 1), roughness=torch.rand(2, 8, 8, 1))
