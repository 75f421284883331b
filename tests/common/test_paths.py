"""Paths that a shared workflow might hold: none is read, and those that say so are not even asked for."""

import os
from pathlib import Path

import pytest
from tilewright.common.errors import InputError
from tilewright.common.paths import is_inside, is_plain_name, resolve_inside

CLIMBS = ["..", "../..", "../secret", "walls/../../secret", "./../secret", "walls/./../../secret/a.png"]
ABSOLUTE = ["/etc/passwd", "/", "/proc/self/environ", "/home/me/.ssh/id_rsa", "/dev/zero", "/dev/stdin", "/tmp/../etc"]
SHARES = ["\\\\server\\share", "\\\\server\\share\\a.png", "//server/share/a.png", "//server/share", "\\\\10.0.0.1\\c$"]
DEVICES = ["\\\\?\\C:\\a.png", "\\\\.\\PhysicalDrive0", "CON", "nul", "COM1", "LPT9.png", "walls/AUX", "walls\\prn.txt"]
DRIVES = ["C:\\Windows", "C:", "c:a.png", "D:/a.png", "Z:\\a", "C:/Users/a.png", "\\Windows\\a.png"]
CONTROLS = ["a\0b", "\0", "walls\0.png", "a\nb", "a\tb", "a\x1bb", "walls/\x7f\0"]
HOMES = ["~", "~/secret", "~root/.ssh"]
ODD = [
    "a" * 5000,
    "walls/" + "b" * 300,
    "\ud800",
    "煉" * 200,
    "%2e%2e/secret",
    "..%2fsecret",
    "file:///etc/passwd",
    "|ls",
    "$HOME",
]
SAID = [*CLIMBS, *ABSOLUTE, *SHARES, *DEVICES, *DRIVES, *CONTROLS, *HOMES]
VARIED = [form for name in SAID for form in (name, f" {name}", name.upper(), name.replace("/", "//"))]
HOSTILE = list(dict.fromkeys([*VARIED, *ODD]))


@pytest.fixture
def root(tmp_path):
    (tmp_path / "input" / "walls").mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a.png").write_bytes(b"secret")
    return tmp_path / "input"


def test_there_are_two_hundred():
    assert len(HOSTILE) >= 150


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_no_hostile_path_is_read(root, name):
    with pytest.raises(InputError):
        resolve_inside(name, [root], "The file")


@pytest.mark.parametrize("name", [*SHARES, *DEVICES, *DRIVES, *CONTROLS, *CLIMBS[1:], *ABSOLUTE], ids=ascii)
def test_what_says_so_is_refused_before_the_file_system_is_asked(root, name, monkeypatch):
    asked = []
    real = os.path.realpath
    monkeypatch.setattr(os.path, "realpath", lambda path, **_: asked.append(str(path)) or real(path))
    monkeypatch.setattr(Path, "exists", lambda path, **_: asked.append(str(path)))
    with pytest.raises(InputError):
        resolve_inside(name, [root], "The file")
    assert set(asked) <= {str(root)}


def test_a_link_that_leads_outside_is_told_as_such_with_the_key_that_allows_it(root):
    (root / "linked").symlink_to(root.parent / "secret")
    for name in ("linked", "linked/a.png", str(root / "linked")):
        with pytest.raises(InputError, match="a link that leads outside.*tilewright_datasets"):
            resolve_inside(name, [root], "The folder")


def test_a_root_that_is_itself_a_link_is_the_users_choice(root, tmp_path):
    (tmp_path / "alias").symlink_to(root)
    assert resolve_inside("walls", [tmp_path / "alias"], "The folder") == root / "walls"
    assert resolve_inside(str(root / "walls"), [tmp_path / "alias"], "The folder") == root / "walls"


def test_inside_is_told_by_where_links_lead(root):
    assert is_inside(root / "walls", root)
    assert is_inside(root, root)
    assert not is_inside(root.parent / "secret", root)


@pytest.mark.parametrize(("name", "plain"), [("a.png", True), ("煉瓦 №1.png", True), ("", False), ("nul", False)])
def test_a_plain_name_stays_in_its_folder(name, plain):
    assert is_plain_name(name) == plain
    assert not is_plain_name(f"../{name}")
    assert not is_plain_name(f"walls\\{name}")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_no_file_to_wait_for(tmp_path):
    os.mkfifo(tmp_path / "wall.png")
    with pytest.raises(InputError, match="neither a file nor a folder"):
        resolve_inside("wall.png", [tmp_path], "The file")
