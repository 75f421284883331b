import errno
import hashlib
import sys

import pytest
from tilewright.common.errors import InputError, UnwritableFile
from tilewright.common.files import (
    check_name,
    check_new_name,
    content_digest,
    fitting_name,
    free_name,
    is_text,
    name_key,
    natural_order,
    shown_name,
    told_if_unwritable,
    write_json,
    written_whole,
)
from tilewright.common.paths import resolve_inside


def test_a_write_that_breaks_off_leaves_the_old_file_and_nothing_else(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        with written_whole(file) as unfinished:
            unfinished.write_text("half of the n")
            raise KeyboardInterrupt
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_until_the_block_ends_the_name_is_not_there(tmp_path):
    with written_whole(tmp_path / "sub" / "a.txt") as unfinished:
        unfinished.write_text("new")
        assert not (tmp_path / "sub" / "a.txt").exists()
    assert (tmp_path / "sub" / "a.txt").read_text() == "new"


@pytest.mark.parametrize("name", ["walls", " walls ", "Mauer № 1", "煉瓦", "a.b", "-rf"])
def test_names_that_every_system_takes(name):
    assert check_name(name, "The folder") == name.strip()


@pytest.mark.parametrize(
    "name",
    ["", " ", ".", "..", ".hidden", "a.", "a/b", "a\\b", "C:x", "con", "NUL.txt", "com1", "a\0b", "x" * 121, "a?"],
)
def test_names_that_some_system_does_not_take(name):
    with pytest.raises(InputError, match="The folder is .* cannot name a file or folder"):
        check_name(name, "The folder")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a\u200bb", r"The folder is a\u200bb, in which nobody sees U\+200B \(ZERO WIDTH SPACE\)\. Type the name anew"),
        ("wall\ufeff", r"U\+FEFF \(ZERO WIDTH NO-BREAK SPACE\)"),
        ("soft\u00adhyphen", r"U\+00AD \(SOFT HYPHEN\)"),
        ("\u202egnp", r"The folder is \\u202egnp, in which nobody sees U\+202E \(RIGHT-TO-LEFT OVERRIDE\)"),
        ("a\u2066b", r"U\+2066"),
        ("wa\u200dll", r"U\+200D \(ZERO WIDTH JOINER\)"),
        ("wa\u200cll", r"U\+200C"),
        ("می\u200c", r"U\+200C"),
        ("煉\u200d瓦", r"U\+200D"),
        ("a\U000e0067", r"U\+E0067 \(TAG LATIN SMALL LETTER G\)"),
        ("🏴\U000e0067", r"U\+E0067"),
        ("a\x92b", r"U\+0092 \(a control sign\)"),
    ],
)
def test_a_new_name_in_which_nobody_sees_a_letter_is_refused_with_the_letter(tmp_path, name, said):
    with pytest.raises(InputError, match=said):
        check_new_name(name, "The folder", tmp_path, tmp_path / "none")
    assert check_name(name, "The folder") == name  # one of other people's: of a graph, or of an archive


@pytest.mark.parametrize("name", ["a\u200bb", "wall\ufeff", "\u202egnp", "a\U000e0067"])
def test_what_is_called_so_already_is_opened_as_ever(tmp_path, name):
    (tmp_path / f"{name}_00002").mkdir()
    assert check_new_name(f" {name} ", "The folder", tmp_path / "none", tmp_path) == name


@pytest.mark.parametrize(
    "name",
    [
        *(
            "👩\u200d🎨 🧱",
            "❤\ufe0f\u200d🔥",
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
            "🏴\u200d☠\ufe0f",
        ),
        *("می\u200cخواهم", "क्\u200dष", "\u06dd١", "\u0600١", "é e\u0301", "煉瓦\u3000の壁"),
    ],
)
def test_a_new_name_that_can_be_seen_is_taken_as_it_is(tmp_path, name):
    assert check_new_name(name, "The folder", tmp_path) == name


def test_a_new_name_is_held_to_what_every_name_is(tmp_path):
    with pytest.raises(InputError, match="cannot name a file or folder"):
        check_new_name("a/b", "The folder", tmp_path)


def test_a_taken_name_is_numbered_from_two_on():
    assert free_name("wall", {"wood"}.__contains__) == "wall"
    assert free_name("wall", {"wall", "wall_00002"}.__contains__) == "wall_00003"


def test_natural_order_counts_as_people_do(tmp_path):
    names = ["b_10.png", "b_2.png", "A_3.png", "b_1_2.png", "10.png", "9.png"]
    ordered = sorted((tmp_path / name for name in names), key=natural_order)
    assert [path.name for path in ordered] == ["9.png", "10.png", "A_3.png", "b_1_2.png", "b_2.png", "b_10.png"]


def test_a_path_is_looked_for_in_every_allowed_folder(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two" / "walls").mkdir(parents=True)
    roots = [tmp_path / "one", tmp_path / "two"]
    assert resolve_inside("walls", roots, "The folder") == tmp_path / "two" / "walls"
    assert resolve_inside(str(tmp_path / "two" / "walls"), roots, "The folder") == tmp_path / "two" / "walls"
    assert resolve_inside("../two/walls", roots, "The folder") == tmp_path / "two" / "walls"


@pytest.mark.parametrize("name", ["..", "../three", "/etc", "walls/../../..", "C:\\Windows", "\\\\server\\share", "C:"])
def test_a_path_outside_every_allowed_folder_is_refused(tmp_path, name):
    (tmp_path / "input" / "walls").mkdir(parents=True)
    (tmp_path / "three").mkdir()
    with pytest.raises(InputError, match="outside the folders"):
        resolve_inside(name, [tmp_path / "input"], "The folder")


def test_a_link_that_leads_outside_is_outside(tmp_path):
    (tmp_path / "input").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "input" / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match="outside the folders"):
        resolve_inside("link", [tmp_path / "input"], "The folder")
    (tmp_path / "input" / "inner").symlink_to(tmp_path / "input")
    assert resolve_inside("inner", [tmp_path / "input"], "The folder") == tmp_path / "input"


@pytest.mark.parametrize("name", ["б" * 117, "煉" * 70])
def test_names_are_limited_in_bytes_as_file_systems_are(name):
    with pytest.raises(InputError, match="200 bytes"):
        check_name(name, "The folder")


def test_a_stem_that_is_too_long_is_shortened_and_stays_its_own():
    assert fitting_name("wall", "_v1.png") == "wall_v1.png"
    long, other = fitting_name("煉" * 90 + "a", ".png"), fitting_name("煉" * 90 + "b", ".png")
    assert len(long.encode()) <= 255 and long.endswith(".png")
    assert long != other


def test_a_name_of_the_greatest_length_is_written(tmp_path):
    path = tmp_path / ("x" * 251 + ".txt")
    with written_whole(path) as unfinished:
        unfinished.write_text("whole")
    assert path.read_text() == "whole"


def test_the_digest_of_a_file_is_that_of_its_bytes(tmp_path):
    file = tmp_path / "large.bin"
    file.write_bytes(b"tile" * 2**19)
    assert content_digest(file) == hashlib.sha256(b"tile" * 2**19).hexdigest()
    assert content_digest(file, hashlib.md5) == hashlib.md5(b"tile" * 2**19).hexdigest()


@pytest.mark.parametrize("names", [("Wall", "wALL"), ("\u00e9", "E\u0301"), ("Stra\u00dfe", "STRASSE")])
def test_names_that_a_file_system_may_take_for_one_have_one_key(names):
    assert len({name_key(name) for name in names}) == 1 != len({name_key("wall"), name_key("wall1")})


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("墙 #1.png", True, "墙 #1.png"),
        ("caf\udce9.png", False, "caf\\udce9.png"),
        (
            "\u7816\u3000\u5899 \U0001f468\u200d\U0001f3a8.png",
            True,
            "\u7816\u3000\u5899 \U0001f468\u200d\U0001f3a8.png",
        ),
        ("line\nbreak", True, "line\\nbreak"),
        ("a\u202egnp.exe", True, "a\\u202egnp.exe"),
    ],
)
def test_names_that_would_spoil_a_report_are_spelled_out(name, text, shown):
    assert is_text(name) == text and shown_name(name) == shown


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (FULL, "Free some space"),
        (OSError(errno.EFBIG, "File too large"), "takes no file of this size"),
        (OSError(errno.EROFS, "Read-only file system"), "Allow ComfyUI"),
        (PermissionError(errno.EACCES, "Permission denied"), "Allow ComfyUI"),
    ],
)
def test_what_a_disk_does_not_take_is_told_and_leaves_nothing(tmp_path, error, told):
    with pytest.raises(UnwritableFile, match=rf"a\.txt cannot be written: {error.strerror}\. .*{told}") as caught:
        with written_whole(tmp_path / "a.txt") as unfinished:
            unfinished.write_text("half")
            raise error
    assert (caught.value.errno, caught.value.strerror) == (error.errno, error.strerror)
    assert isinstance(caught.value, InputError) and list(tmp_path.iterdir()) == []


def test_a_file_that_only_cannot_be_read_is_no_matter_of_writing(tmp_path):
    elsewhere = PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "in" / "a.png"))
    for error in (elsewhere, FileNotFoundError(errno.ENOENT, "No such file")):
        with pytest.raises(type(error)), told_if_unwritable(tmp_path / "out" / "a.png"):
            raise error


@pytest.mark.skipif(sys.platform == "win32", reason="this system calls these by other errors")
def test_what_stands_in_the_way_of_a_file_is_told(tmp_path):
    (tmp_path / "wall.txt").mkdir()
    (tmp_path / "file").touch()
    for path in (tmp_path / "wall.txt", tmp_path / "file" / "wall.txt", tmp_path / "file" / "deep" / "wall.txt"):
        with pytest.raises(UnwritableFile, match="stands in the way"), written_whole(path) as unfinished:
            unfinished.write_text("words")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "wall.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="files of this system have no limit to set")
def test_a_system_that_refuses_bytes_is_told(tmp_path):
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(UnwritableFile, match="takes no file of this size"):
            write_json(tmp_path / "a.json", "x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []
