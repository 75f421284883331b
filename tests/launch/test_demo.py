"""The demo's folder of results: emptied where a demo made it, never where it holds anything of the user's."""

import pytest
from tilewright.launch.demo import make_empty
from tilewright.launch.hosts import HostError


def test_a_folder_that_a_demo_made_is_emptied(tmp_path):
    folder = tmp_path / "results"
    make_empty(folder)
    (folder / "old.png").touch()
    make_empty(folder)
    assert not (folder / "old.png").exists() and folder.is_dir()


def test_an_empty_folder_is_taken(tmp_path):
    make_empty(tmp_path)
    assert tmp_path.is_dir()


@pytest.mark.parametrize("kind", ["pictures", "a file"])
def test_what_is_the_users_is_left_alone(tmp_path, kind):
    place = tmp_path / "Pictures"
    if kind == "a file":
        place.write_text("mine")
    else:
        place.mkdir()
        (place / "holiday.jpg").write_text("mine")
    with pytest.raises(HostError, match="Name a folder that is empty or not there"):
        make_empty(place)
    assert (place if kind == "a file" else place / "holiday.jpg").read_text() == "mine"
