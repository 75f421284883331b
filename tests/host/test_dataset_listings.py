"""How files are named to the editor, and captions counted."""

from pathlib import Path

import folder_paths
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.host.clip_tokens import count_tokens
from tilewright.host.edit_sets import listing_of, previewed, shown_listing
from tilewright.host.folders import file_of_key, keys_of_files


def test_a_file_is_named_by_its_folder_and_found_by_that_name(tmp_path):
    place = Path(folder_paths.get_input_directory()) / "a wall"
    place.mkdir(parents=True, exist_ok=True)
    file = place / "ä brick.png"
    file.touch()
    keys = keys_of_files([file, tmp_path / "elsewhere.png"])
    assert keys == ["input/a wall/ä brick.png", "elsewhere/elsewhere.png"]
    assert file_of_key(keys[0]) == file


DATASET = TextureDataset((Sample(Path("removed since.png"), "basecolor", (4, 4), "brick wall"),))


def test_images_that_were_removed_since_are_listed_all_the_same():
    (shown,) = previewed(dataset=listing_of(DATASET))["tilewright_datasets"]
    assert (shown["name"], shown["images"]) == ("dataset", 1)
    (one,) = shown_listing(shown["listing"]).images
    assert (one.key, one.caption, one.tokens, one.stamp) == ("elsewhere/removed since.png", "brick wall", 2, "")


def test_a_node_that_is_done_does_not_fail_where_its_images_cannot_be_shown(tmp_path, monkeypatch, caplog):
    (tmp_path / "full").touch()
    monkeypatch.setattr(
        folder_paths, "get_temp_directory", lambda: str(tmp_path / "full")
    )  # no folder can be made there
    assert previewed(kept=listing_of(DATASET)) == {"tilewright_datasets": []}
    assert "cannot show its images (kept)" in caplog.text


def test_tokens_are_those_between_begin_and_end():
    assert count_tokens("brick wall") == 2
    assert count_tokens("") == 0


def test_half_a_surrogate_pair_which_json_may_hold_is_counted_like_any_letter():
    assert count_tokens("brick \ud83d wall") == count_tokens("brick ? wall") == 3
