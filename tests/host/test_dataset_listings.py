"""How files are named to the editor, and captions counted."""

from pathlib import Path

import folder_paths
from tilewright.host.clip_tokens import count_tokens
from tilewright.host.folders import file_of_key, keys_of_files


def test_a_file_is_named_by_its_folder_and_found_by_that_name(tmp_path):
    place = Path(folder_paths.get_input_directory()) / "a wall"
    place.mkdir(parents=True, exist_ok=True)
    file = place / "ä brick.png"
    file.touch()
    keys = keys_of_files([file, tmp_path / "elsewhere.png"])
    assert keys == ["input/a wall/ä brick.png", "elsewhere/elsewhere.png"]
    assert file_of_key(keys[0]) == file


def test_tokens_are_those_between_begin_and_end():
    assert count_tokens("brick wall") == 2
    assert count_tokens("") == 0


def test_half_a_surrogate_pair_which_json_may_hold_is_counted_like_any_letter():
    assert count_tokens("brick \ud83d wall") == count_tokens("brick ? wall") == 3
