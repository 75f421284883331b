"""The node that downloads: off until told, a dataset of what came, private servers only by the user's own file."""

import asyncio
import math
from functools import partial

import folder_paths
import pytest
from hostile_server import HostileServer
from tilewright.common.errors import InputError
from tilewright.host.folders import PRIVATE_HOSTS
from tilewright.nodes.dataset import DownloadImages


@pytest.fixture(scope="module")
def server():
    with HostileServer() as server:
        yield server


@pytest.fixture
def folders(tmp_path, monkeypatch):
    for kind in ("input", "output", "temp"):
        (tmp_path / kind).mkdir()
        monkeypatch.setattr(folder_paths, f"{kind}_directory", str(tmp_path / kind))
    return tmp_path


@pytest.fixture
def loopback_allowed(folders, monkeypatch):
    (folders / "hosts.txt").write_text("127.0.0.0/8  # this machine\n")
    allowed = ([str(folders / "hosts.txt")], set())
    monkeypatch.setitem(folder_paths.folder_names_and_paths, PRIVATE_HOSTS, allowed)


def run(list, **widgets):
    return asyncio.run(
        DownloadImages.execute(list, **{"folder": "web", "download": True, "limit": 100, **widgets})
    ).args


def csv(server, folders):
    rows = [("good.png", "red brick", "CC0"), ("gone.png", "lost", "CC0"), ("a/good.png", "slate", "CC-BY")]
    lines = [f"{server.url}/{path},{caption},{licence}" for path, caption, licence in rows]
    (folders / "input" / "list.csv").write_text("\n".join(["url,caption,licence", *lines]))
    return "list.csv"


def test_off_it_asks_nobody_and_says_what_it_would_do(server, folders, loopback_allowed):
    before = server.asked.total()
    with pytest.raises(InputError, match=r"0 of 3 images .* fetch the other 3 from 127.0.0.1: at most 64 MB each"):
        run(csv(server, folders), download=False)
    assert server.asked.total() == before
    assert not (folders / "output" / "datasets").exists()


def test_a_list_becomes_a_dataset_with_captions(server, folders, loopback_allowed):
    dataset, report = run(csv(server, folders), caption_column="caption")
    assert {(sample.file.name, sample.caption) for sample in dataset.samples} == {
        ("good.png", "red brick"),
        ("good_00002.png", "slate"),
    }
    assert "2 of 3 images lie in" in report
    assert f"the server says 404 Not Found: {server.url}/gone.png" in report
    again, _ = run(csv(server, folders), download=False)
    assert len(again) == 2


def test_only_what_the_list_asks_for_is_in_the_dataset(server, folders, loopback_allowed):
    run(csv(server, folders))
    dataset, report = run(csv(server, folders), limit=1)
    assert [sample.file.name for sample in dataset.samples] == ["good.png"]
    assert "The list holds 2 more; raise limit" in report


def test_addresses_may_stand_in_the_widget(server, folders, loopback_allowed):
    dataset, _ = run(f"{server.url}/good.png\n{server.url}/really_a_png.jpg\n")
    assert {sample.file.name for sample in dataset.samples} == {"good.png", "really_a_png.png"}


def test_loopback_is_refused_without_the_users_file(server, folders):
    with pytest.raises(InputError, match="127.0.0.1 is a private or loopback address"):
        run(f"{server.url}/good.png")


def test_what_failed_makes_the_node_run_again(server, folders, loopback_allowed):
    fingerprint = partial(DownloadImages.fingerprint_inputs, folder="web")
    run(csv(server, folders))
    assert math.isnan(fingerprint("list.csv"))
    address = f"{server.url}/good.png"
    run(address, folder="other")
    first = DownloadImages.fingerprint_inputs(address, "other")
    assert first == DownloadImages.fingerprint_inputs(address, "other")
    (folders / "output" / "datasets" / "other" / "good.png").unlink()
    assert first != DownloadImages.fingerprint_inputs(address, "other")


@pytest.mark.parametrize(
    ("widgets", "message"),
    [
        ({"list": "../../etc/passwd", "folder": "web"}, "outside the folders"),
        ({"list": "missing.csv", "folder": "web"}, "no such file"),
    ],
)
def test_a_bad_list_is_told_before_the_run(folders, widgets, message):
    assert message in DownloadImages.validate_inputs(widgets["list"])


@pytest.mark.parametrize(
    ("widgets", "message"),
    [
        ({"folder": "../web"}, "cannot name a file or folder"),
        ({"prefix": "file:///etc/"}, "must begin with http"),
    ],
)
def test_other_bad_widgets_are_told_before_anything_is_asked(folders, widgets, message):
    with pytest.raises(InputError, match=message):
        run("http://example.org/a.png", **widgets)
