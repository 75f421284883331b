import pytest
from PIL import Image
from tilewright.dataset.written_files import (
    LIST_NAME,
    list_written_files,
    read_written_files,
    remove_written_files,
    source_key,
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "train").mkdir()
    return tmp_path


def written(folder, name, source="in/a.png"):
    path = folder / "train" / name
    Image.new("RGB", (4, 4)).save(path)
    list_written_files(folder, {path: source_key(source)})
    return path


def test_what_was_written_is_known_with_its_source(folder):
    path = written(folder, "a.png")
    assert read_written_files(folder)[path].source == source_key("in/a.png")
    assert source_key("in/a.png") != source_key("in/b.png") != source_key("in/a.png", "view 2")


def test_a_file_that_is_gone_is_known_no_more(folder):
    written(folder, "a.png").unlink()
    assert read_written_files(folder) == {}


def test_only_untouched_files_of_ours_go_and_captions_become_backups(folder):
    ours, touched = written(folder, "a.png"), written(folder, "b.png")
    ours.with_suffix(".txt").write_text("by hand", encoding="utf-8")
    touched.write_bytes(touched.read_bytes() + b"\0")
    foreign = folder / "train" / "c.png"
    foreign.write_bytes(b"not ours")
    assert remove_written_files(folder, [ours, touched, foreign]) == ([ours], [touched, foreign])
    assert sorted(path.name for path in (folder / "train").iterdir()) == ["a.txt.bak", "b.png", "c.png"]


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", '{"format": "tilewright-files", "version": 9, "files": {}}', "[" * 100_000, '{"files": 1}'],
)
def test_a_list_that_is_none_counts_as_none(folder, content):
    (folder / LIST_NAME).write_text(content, encoding="utf-8")
    assert read_written_files(folder) == {}


@pytest.mark.parametrize("name", ["../../secret.png", "/etc/passwd", "train\\..\\a.png"])
def test_a_list_does_not_name_files_elsewhere(folder, name):
    secret = folder.parent / "secret.png"
    secret.write_bytes(b"x")
    entry = {"source": "s", "size": 1, "time": secret.stat().st_mtime_ns}
    import json

    content = {"format": "tilewright-files", "version": 1, "files": {name: entry}}
    (folder / LIST_NAME).write_text(json.dumps(content), encoding="utf-8")
    assert read_written_files(folder) == {}
