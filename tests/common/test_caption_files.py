import codecs
import multiprocessing

import pytest
from tilewright.common.caption_files import (
    APPEND,
    UnreadableCaption,
    captions_locked,
    check_writable,
    keep_backup,
    merge_caption,
    read_list_text,
    read_text,
    split_phrases,
    write_caption,
)
from tilewright.common.errors import InputError
from tilewright.common.locks import lock_beside, locked


def test_phrases_stand_between_commas():
    assert split_phrases(" red  brick, ,worn ,") == ["red brick", "worn"]


@pytest.mark.parametrize(
    "encoded",
    [
        "naß, 煉瓦".encode(),
        "naß, 煉瓦".encode("utf-8-sig"),
        "naß, 煉瓦".encode("utf-16"),
        codecs.BOM_UTF16_BE + "naß, 煉瓦".encode("utf-16-be"),
        "naß, 煉瓦".encode("utf-32"),
    ],
)
def test_text_with_a_mark_and_plain_utf8_are_read(tmp_path, encoded):
    (tmp_path / "a.txt").write_bytes(encoded)
    assert read_text(tmp_path / "a.txt") == "naß, 煉瓦"


@pytest.mark.parametrize(
    ("encoding", "text"), [("windows-1252", "naß “gut”"), ("shift_jis", "煉瓦"), ("gb18030", "红砖墙，旧")]
)
def test_old_files_are_read_by_the_encoding_that_is_chosen(tmp_path, encoding, text):
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    assert read_text(tmp_path / "a.txt", encoding) == text
    with pytest.raises(UnreadableCaption, match="choose its encoding"):
        read_text(tmp_path / "a.txt")


@pytest.mark.parametrize("content", [b"a\0b", "naß".encode("utf-16-le"), b"\xff\xfe\0", b"\xff\xfe\xfd"])
def test_what_is_no_text_is_told(tmp_path, content):
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(UnreadableCaption, match="not UTF-8 or UTF-16 text"):
        read_text(tmp_path / "a.txt")


def test_lists_are_read_alike_but_have_no_encoding_to_choose(tmp_path):
    (tmp_path / "a.txt").write_bytes("红\n旧".encode("utf-16"))
    assert read_list_text(tmp_path / "a.txt", "The list") == "红\n旧"
    (tmp_path / "a.txt").write_bytes("红".encode("gb18030"))
    with pytest.raises(InputError, match=r"^The list .*a\.txt cannot be read: .*; save it as UTF-8\.$"):
        read_list_text(tmp_path / "a.txt", "The list")


@pytest.mark.parametrize(("mode", "merged"), [("keep", "a, b"), ("append", "a, b, c"), ("overwrite", "B, c")])
def test_three_ways_to_merge(mode, merged):
    assert merge_caption("a, b", "B, c", mode) == merged
    assert merge_caption("", "c", mode) == "c"


@pytest.mark.parametrize("mode", ["keep", "append"])
def test_what_cannot_be_read_is_left_alone(tmp_path, mode):
    (tmp_path / "a.txt").write_bytes(b"na\xdf")
    assert write_caption(tmp_path / "a.txt", "new", mode, [tmp_path]) == "unreadable"
    assert (tmp_path / "a.txt").read_bytes() == b"na\xdf"


def test_what_is_overwritten_stays_beside_it_every_time(tmp_path):
    path = tmp_path / "a.txt"
    for text in ("one", "two", "three"):
        path.write_text(text, encoding="utf-8")
        assert write_caption(path, "new", "overwrite", [tmp_path], keep_backup) == "written"
    assert sorted(one.read_text() for one in tmp_path.glob("*.bak")) == ["one", "three", "two"]
    assert write_caption(path, "new", "overwrite", [tmp_path], keep_backup) == "unchanged"


def test_a_backup_is_a_copy_under_a_free_name(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"words")
    assert [keep_backup(tmp_path / "a.txt").name for _ in range(2)] == ["a.txt.bak", "a.txt_00002.bak"]


def test_nothing_is_written_outside_the_roots(tmp_path):
    (tmp_path / "in").mkdir()
    check_writable([tmp_path / "in" / "a.txt"], [tmp_path / "in"])
    with pytest.raises(InputError, match="tilewright_writable_folders"):
        check_writable([tmp_path / "in" / "a.txt", tmp_path / "a.txt"], [tmp_path / "in"])


def append_many(folder, word, count):
    file = folder / "wall.txt"
    for number in range(count):
        with captions_locked([file], lambda: None):
            write_caption(file, f"{word} {number}", APPEND, [folder])


def test_two_processes_that_append_to_one_file_lose_nothing(tmp_path):
    workers = [multiprocessing.Process(target=append_many, args=(tmp_path, word, 40)) for word in ("red", "blue")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    phrases = read_text(tmp_path / "wall.txt").strip().split(", ")
    assert sorted(phrases) == sorted(f"{word} {number}" for word in ("red", "blue") for number in range(40))


def test_a_dataset_that_is_being_saved_around_captions_is_waited_for(tmp_path):
    file = tmp_path / "walls" / "train" / "1_wall" / "a.txt"
    file.parent.mkdir(parents=True)
    with locked(lock_beside(tmp_path / "walls")):
        waited = multiprocessing.Process(target=append_many, args=(file.parent, "red", 1))
        waited.start()
        waited.join(1)
        assert waited.is_alive() and not (file.parent / "wall.txt").exists()
    waited.join(20)
    assert (file.parent / "wall.txt").is_file()
