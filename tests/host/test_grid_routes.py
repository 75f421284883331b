"""What the picker asks of grids over HTTP: a grid's name and numbers in, nothing else."""

import json
import os

import folder_paths
import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.common.image_writing import write_png
from tilewright.host.routes.grids import ROUTES
from tilewright.host.routes.serving import NotThere

HANDLERS = {route.path.removeprefix("/tilewright/"): route.handler for route in ROUTES}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A grid of one cell with one picture, and a second cell whose listing lies about its picture."""
    monkeypatch.setattr(folder_paths, "get_output_directory", lambda: str(tmp_path / "output"))
    folder = tmp_path / "output" / "grids" / "walls"
    write_png(folder / "wall" / "1" / "00_1.png", torch.rand(3, 8, 8))
    write_png(tmp_path / "output" / "secret.png", torch.rand(3, 8, 8))
    own = {"lora": "wall.safetensors", "step": 5, "strength": 1.0, "choice": "5@1", "pictures": ["wall/1/00_1.png"]}
    lying = own | {"pictures": ["../../secret.png", "wall/1/gone.png", "grid.json"]}
    (folder / "grid.json").write_text(json.dumps({"prompts": ["wall"], "seeds": [1], "cells": [own, lying]}))
    return folder


def ask(path, **asked):
    return HANDLERS[path](asked)


def test_a_grid_tells_its_cells_and_sends_their_pictures(folder):
    cells = ask("grids/grid", grid="walls").body["cells"]
    assert cells[0]["choice"] == "5@1" and cells[0]["pictures"][0]
    assert ask("grids/picture", grid="walls", cell="0", number="0").content_type == "image/webp"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../training", "walls/../walls", "/etc", "C:\\Windows", "a\0b", "none"]
)
def test_a_name_that_leads_elsewhere_is_no_grid(folder, name):
    for path in HANDLERS:
        with pytest.raises(NotThere):
            ask(path, grid=name)


def test_a_grid_that_need_not_be_there_is_no_error(folder):
    """A graph that was not run yet is opened with the name of its grid."""
    assert ask("grids/grid", grid="none", if_any="1").body is None
    assert ask("grids/grid", grid="walls", if_any="1").body == ask("grids/grid", grid="walls").body


def test_a_listing_that_lies_leads_nowhere(folder):
    assert ask("grids/grid", grid="walls").body["cells"][1]["pictures"][0] == ""
    for number in range(3):
        with pytest.raises(NotThere):
            ask("grids/picture", grid="walls", cell="1", number=str(number))


@pytest.mark.parametrize("numbers", [{"cell": "7"}, {"number": "7"}])
def test_a_number_beyond_the_list_is_no_picture(folder, numbers):
    with pytest.raises(NotThere):
        ask("grids/picture", grid="walls", **numbers)


@pytest.mark.parametrize("numbers", [{"cell": "-1"}, {"cell": "x"}, {"number": "9" * 99}, {"side": "1"}])
def test_what_is_no_number_is_refused(folder, numbers):
    with pytest.raises(InputError):
        ask("grids/picture", grid="walls", **numbers)


def test_a_link_that_leads_out_is_no_grid(folder, tmp_path):
    os.symlink(tmp_path, folder.parent / "linked")
    (tmp_path / "grid.json").write_text('{"cells": []}')
    with pytest.raises(NotThere):
        ask("grids/grid", grid="linked")
