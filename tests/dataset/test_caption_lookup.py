"""Which text belongs to which picture."""

import json
import unicodedata
from pathlib import Path

import pytest
from tilewright.dataset.caption_lookup import CaptionFiles, kohya_folder, parse_metadata


def caption(folder, image, source="auto", material=""):
    return CaptionFiles(source, lambda path: True).caption(folder / image, material or Path(image).stem, folder)


def write(folder, **texts):
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    "name", ["wall.txt", "wall.TXT", "wall.png.txt", "Wall.Txt", "wall.caption", "WALL.PNG.CAPTION"]
)
def test_a_file_by_any_usual_name_belongs_to_the_picture(tmp_path, name):
    write(tmp_path, **{name: "red brick"})
    assert caption(tmp_path, "wall.png") == "red brick"


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_accents_may_be_kept_in_either_form(tmp_path, forms):
    """macOS writes names in parts, others as single letters."""
    image, text = (unicodedata.normalize(form, "Fußböden") for form in forms)
    write(tmp_path, **{f"{text}.txt": "parquet"})
    assert caption(tmp_path, f"{image}.png") == "parquet"


def test_pictures_that_differ_in_their_ending_have_captions_of_their_own(tmp_path):
    write(tmp_path, **{"wall.png.txt": "painted", "wall.jpg.txt": "photographed"})
    assert [caption(tmp_path, name) for name in ("wall.png", "wall.jpg")] == ["painted", "photographed"]


def test_the_nearest_spelling_wins(tmp_path):
    write(tmp_path, **{"Wall.txt": "upper", "wall.txt": "lower"})
    assert [caption(tmp_path, name) for name in ("Wall.png", "wall.png")] == ["upper", "lower"]


def test_an_empty_file_leaves_the_word_to_one_that_says_something(tmp_path):
    write(tmp_path, **{"wall.txt": " \n", "wall.caption": "red brick"})
    assert caption(tmp_path, "wall.png") == "red brick"
    (tmp_path / "wall.caption").unlink()
    assert caption(tmp_path, "wall.png") == ""


def test_a_caption_of_several_lines_is_one_text_and_known(tmp_path):
    write(tmp_path, **{"wall.txt": "old bricks\r\n\nred ones\n", "rock.txt": "\nmossy rock\n"})
    files = CaptionFiles("auto", lambda path: True)
    found = [files.caption(tmp_path / f"{name}.png", name, tmp_path) for name in ("wall", "rock")]
    assert (found, files.joined) == (["old bricks red ones", "mossy rock"], {tmp_path / "wall.txt"})


def test_files_that_name_no_picture_are_known(tmp_path):
    write(tmp_path, **{"wall.txt": "a", "rock.txt": "b", "wall.png.caption": "c", "material.txt": "d"})
    files = CaptionFiles("auto", lambda path: True)
    found = files.unmatched([(tmp_path / "wall.png", "material")])
    assert [path.name for path in found] == ["rock.txt"]
    assert CaptionFiles("none", lambda path: True).unmatched([(tmp_path / "wall.png", "")]) == []


def test_a_file_that_cannot_be_read_is_named_once(tmp_path):
    (tmp_path / "wall.txt").write_bytes(b"na\xdf")
    files = CaptionFiles("auto", lambda path: True)
    for map_kind in ("height", "normal"):
        assert files.caption(tmp_path / f"wall_{map_kind}.png", "wall", tmp_path) is None
    assert len(files.rejected) == 1
    assert CaptionFiles("auto", lambda path: True, "windows-1252").caption(tmp_path / "wall.png", "", tmp_path) == "naß"


def test_a_null_or_a_number_is_no_caption_and_is_named(tmp_path):
    lines = [{"file_name": name, "text": text} for name, text in (("a.png", "brick"), ("b.png", None), ("c.png", 5))]
    parsed = parse_metadata("\n".join(map(json.dumps, lines)) + "\nnot json\n" + "[" * 100_000)
    assert list(parsed.entries) == ["a.png"]
    assert parsed.without_text == [2, 3]
    assert parsed.bad == [4, 5]
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    files = CaptionFiles("auto", lambda path: True)
    assert files.caption(tmp_path / "b.png", "b", tmp_path) is None
    assert any("line 2 has no text" in one.reason for one in files.rejected)
    assert any("images that are not there (a.png)" in one.reason for one in files.rejected)


def test_repeats_and_words_of_kohyas_folders():
    assert kohya_folder(Path("set/10_twbricks wall/a.png"), Path("set")) == (10, "twbricks wall")
    assert kohya_folder(Path("2024_renders/a.png"), Path("2024_renders")) == (1, "")
