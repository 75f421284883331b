from pathlib import Path

import folder_paths
import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.common.images import read_image
from tilewright.nodes.seamless import TilePreview
from tilewright.nodes.seamless.measure import LARGEST_MEASURED, TILES
from tilewright.seamless.seam_report import heat_strips, measure_seams, seam_strips


@pytest.fixture(autouse=True)
def temp(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_paths, "get_temp_directory", lambda: str(tmp_path))
    return tmp_path


def shown(temp, image, name):
    """A file of the view, as (1, C, H, W)."""
    (tile,) = TilePreview.execute(image, 2, 2).ui[TILES]
    return tile, read_image(Path(temp, tile["files"][name]["subfolder"], tile["files"][name]["filename"]))[None]


def test_the_view_gets_the_texture_and_the_strips_and_words_of_measure_seams(temp):
    image = torch.rand(1, 3, 40, 64).cumsum(-1) / 64  # a step where it meets its copy
    tile, texture = shown(temp, image.movedim(1, -1), "tile")
    report = measure_seams(image)
    assert (texture - image).abs().max() <= 0.5 / 255 + 1e-6 and tile["pixels"] == [64, 40]
    assert tile["seams"]["x"] == report.x[0].verdict == "seam" and tile["seams"]["text"] == report.badges
    assert tile["seams"]["figures"] == str(report)
    for name, strip in zip(("strip_x", "strip_y"), seam_strips(image, report), strict=True):
        assert (shown(temp, image.movedim(1, -1), name)[1][0] - strip).abs().max() <= 0.5 / 255 + 1e-6
    whole = heat_strips(image, report)[0]
    assert torch.equal(whole[:, :24, 24:], seam_strips(image, report)[0])


def test_what_is_too_small_or_too_large_to_measure_is_shown_without_seams(temp):
    for size in ((8, 30), (24, LARGEST_MEASURED + 1)):
        (tile,) = TilePreview.execute(torch.rand(1, *size, 3), 1, 1).ui[TILES]
        assert tile["seams"] == {} and set(tile["files"]) == {"tile"}


def test_copies_lie_side_by_side():
    image = torch.rand(2, 3, 5, 3)
    preview = TilePreview.execute(image, columns=3, rows=2).args[0]
    assert preview.shape == (2, 6, 15, 3)
    for row in range(2):
        for column in range(3):
            assert torch.equal(preview[:, row * 3 : row * 3 + 3, column * 5 : column * 5 + 5], image)


def test_a_single_channel_map_can_be_repeated():
    assert TilePreview.execute(torch.rand(1, 4, 4), columns=2, rows=2).args[0].shape == (1, 8, 8, 1)


def test_more_pixels_than_can_be_shown_are_refused():
    with pytest.raises(InputError, match="16 x 1 copies are 16400 x 4 pixels"):
        TilePreview.execute(torch.rand(1, 4, 1025, 3), columns=16, rows=1)


def test_values_that_are_no_numbers_are_named():
    with pytest.raises(InputError, match="The image has 16 of 16 pixels that are not numbers"):
        TilePreview.execute(torch.full((1, 4, 4, 3), torch.nan), columns=2, rows=2)
