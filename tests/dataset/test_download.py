"""Downloads from a server that misbehaves in every way: each failure has its reason, and nothing else suffers."""

import asyncio
import hashlib
import ipaddress
import json
import shutil
import socket

import pytest
from hostile_server import GOOD, HostileServer, self_signed
from tilewright.dataset import download as downloading
from tilewright.dataset.download import Limits, download_images
from tilewright.dataset.download_list import Wanted
from tilewright.dataset.download_record import RECORD_NAME

pytestmark = pytest.mark.slow

LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]
QUICK = Limits(file_bytes=2**20, seconds=1.5, silence=1.0, retries=1, first_wait=0.01, longest_wait=0.05)


@pytest.fixture(scope="module")
def server():
    with HostileServer() as server:
        yield server


def fetch(folder, *addresses, limits=QUICK, allowed=LOOPBACK, checked=lambda done, total: None):
    """The record after downloading addresses, or (address, caption) pairs."""
    wanted = [Wanted(*([one] if isinstance(one, str) else one)) for one in addresses]
    return asyncio.run(download_images(wanted, folder, limits, allowed, checked))


def fate(record, address):
    """The file's name, or the reason why there is none."""
    return record.downloads[address].file or record.downloads[address].reason


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/gone.png", "the server says 404 Not Found"),
        ("/broken.png", "the server says 500 Internal Server Error"),
        ("/never.png", "no whole answer in time"),
        ("/dripping_headers.png", "no whole answer in time"),
        ("/dripping_body.png", "no whole answer in time"),
        ("/endless.png", "larger than 1 MB"),
        ("/claims_much.png", "larger than 1 MB"),
        ("/cut.png", "the connection broke off"),
        ("/hangs_up.png", "the connection broke off"),
        ("/page.jpg", "a web page or other text, not an image"),
        ("/text.png", "not an image of a known format"),
        ("/empty.png", "the file is empty"),
        ("/damaged.png", "damaged or incomplete"),
        ("/too_many_pixels.png", "100000 × 100000 pixels"),
        ("/packed.png", "packs its answer"),
        ("/not_http.png", "no proper HTTP"),
        ("/long_header.png", "no proper HTTP"),
        ("/bad_chunks.png", "no proper HTTP"),
        ("/circle.png", "redirects more than 5 times"),
        ("/nowhere.png", "redirects to no address"),
        ("/to_file.png", "redirects to no address that begins with http"),
        ("/to_ftp.png", "redirects to no address that begins with http"),
        ("/to_secret.png", "holds a name or password"),
    ],
)
def test_what_goes_wrong_is_told_and_leaves_no_file(server, tmp_path, path, reason):
    record = fetch(tmp_path, server.url + path, server.url + "/good.png")
    assert reason in fate(record, server.url + path)
    assert {file.name for file in tmp_path.iterdir()} == {"good.png", RECORD_NAME}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/good.png", "good.png"),
        ("/good.png?size=large&x=../../y", "good.png"),
        ("/really_a_png.jpg", "really_a_png.png"),  # the content decides
        ("/no_name/", "no_name.webp"),
        ("/moved.png", "moved.png"),
        ("/busy.png", "busy.png"),  # asked again
        ("/stumbling.png", "stumbling.png"),
        ("/named.png", "named.png"),  # whatever the server would call it
    ],
)
def test_what_goes_right_has_a_name_of_its_own(server, tmp_path, path, name):
    assert fate(fetch(tmp_path, server.url + path), server.url + path) == name
    assert {file.name for file in tmp_path.iterdir()} == {name, RECORD_NAME}


@pytest.mark.parametrize(
    "address", ["", "good.png", "ftp://example.org/x.png", "file:///etc/passwd", "http://", "http://[bad/x.png"]
)
def test_what_is_no_address_is_told(tmp_path, address):
    assert "no address that begins with http" in fate(fetch(tmp_path, address), address)


@pytest.mark.parametrize("address", ["http://2130706433/x.png", "http://a..b/x.png", f"http://{'a' * 70}.test/x.png"])
def test_what_is_no_host_is_told(tmp_path, address):
    assert "its address cannot be asked" in fate(fetch(tmp_path, address), address)


def test_loopback_is_refused_without_the_users_leave(server, tmp_path):
    before = server.asked.total()
    record = fetch(tmp_path, server.url + "/good.png", allowed=[])
    assert "127.0.0.1 is a private or loopback address" in fate(record, server.url + "/good.png")
    assert server.asked.total() == before


@pytest.mark.parametrize("path", ["/private.png", "/odd_spelling.png", "/mapped.png", "/home.png"])
def test_a_redirect_to_a_private_address_is_refused(server, tmp_path, monkeypatch, path):
    """The first server is one the user allows, the second is not; home.test is a name of the second."""
    names = {"home.test": "127.0.0.1"}
    monkeypatch.setattr(socket, "getaddrinfo", resolved(names))
    allowed = [ipaddress.ip_network("127.0.0.2/32")]
    before = server.asked["/good.png"]
    address = f"http://127.0.0.2:{server.port}{path}"
    record = fetch(tmp_path, address, allowed=allowed)
    assert "private or loopback address" in fate(record, address)
    assert server.asked["/good.png"] == before and server.asked[path] > 0


def test_a_name_that_answers_otherwise_the_second_time_is_refused(server, tmp_path, monkeypatch):
    """DNS rebinding: what counts is the address of each connection, not what the name said before."""
    answers = iter(["127.0.0.2"])
    monkeypatch.setattr(socket, "getaddrinfo", resolved(lambda name: next(answers, "127.0.0.1")))
    address = f"http://rebinding.test:{server.port}/moved.png"
    before = server.asked["/good.png"]
    record = fetch(tmp_path, address, allowed=[ipaddress.ip_network("127.0.0.2/32")])
    assert "127.0.0.1 is a private or loopback address" in fate(record, address)
    assert server.asked["/good.png"] == before


def resolved(names):
    """A `socket.getaddrinfo` that knows these names beside numeric addresses."""
    real = socket.getaddrinfo

    def getaddrinfo(host, *others, **more):
        known = names(host) if callable(names) else names.get(host, host)
        return real(known, *others, **more)

    return getaddrinfo


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl to make a certificate")
def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path):
    with HostileServer(self_signed(tmp_path)) as server:
        record = fetch(tmp_path / "images", server.url + "/good.png")
        assert "certificate cannot be verified" in fate(record, server.url + "/good.png")
        assert server.asked.total() == 0


def test_a_server_that_is_not_there_is_given_up(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{free.getsockname()[1]}"
        record = fetch(tmp_path, *(f"{base}/{number}.png" for number in range(8)))
    reasons = [record.downloads[f"{base}/{number}.png"].reason for number in range(8)]
    assert "cannot be reached" in reasons[0]
    assert "did not answer 3 times" in reasons[7]


def test_a_second_run_asks_only_for_what_is_missing(server, tmp_path):
    good, gone = server.url + "/good.png", server.url + "/gone.png"
    fetch(tmp_path, good, gone)
    before = dict(server.asked)
    fetch(tmp_path, good, gone)
    assert server.asked["/good.png"] == before["/good.png"]
    assert server.asked["/gone.png"] == before["/gone.png"] + 1
    (tmp_path / "good.png").write_bytes(b"cut short")
    fetch(tmp_path, good)
    assert (tmp_path / "good.png").read_bytes() == GOOD


def test_a_cancelled_run_is_gone_on_with(server, tmp_path):
    addresses = [f"{server.url}/slow.png?{number}" for number in range(12)]

    class Cancelled(BaseException):
        pass

    def cancel(done, total):
        assert total == 12
        if done >= 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        fetch(tmp_path, *addresses, checked=cancel)
    there = {file.name for file in tmp_path.glob("*.png")}
    assert 3 <= len(there) < 12
    assert not list(tmp_path.glob(".*"))
    asked = server.asked["/slow.png"]
    record = fetch(tmp_path, *addresses)
    assert server.asked["/slow.png"] - asked <= 12 - len(there)
    assert sorted(fate(record, address) for address in addresses) == sorted(
        file.name for file in tmp_path.glob("*.png")
    )
    assert len(list(tmp_path.glob("*.png"))) == 12


def test_of_one_server_two_images_at_a_time(tmp_path):
    with HostileServer() as server:
        fetch(tmp_path, *(f"{server.url}/slow.png?{number}" for number in range(12)))
        assert server.together <= 2


def test_all_files_together_have_a_limit(server, tmp_path):
    limits = Limits(total_bytes=2 * len(GOOD) + 10, parallel=1)
    record = fetch(tmp_path, *(f"{server.url}/good.png?{number}" for number in range(5)), limits=limits)
    assert len(list(tmp_path.glob("*.png"))) == 2
    assert "all files together" in record.downloads[f"{server.url}/good.png?4"].reason


def test_names_do_not_collide_with_each_other_nor_with_files_of_the_user(server, tmp_path):
    (tmp_path / "Good.txt").write_text("mine")
    record = fetch(tmp_path, server.url + "/good.png", server.url + "/a/good.png")
    assert [fate(record, server.url + path) for path in ("/good.png", "/a/good.png")] == [
        "good_00002.png",
        "good_00003.png",
    ]
    assert (tmp_path / "Good.txt").read_text() == "mine"


def test_the_record_tells_whence_and_what(server, tmp_path):
    wanted = [Wanted(server.url + "/moved.png", "a brown plank", {"licence": "CC0"})]
    asyncio.run(download_images(wanted, tmp_path, QUICK, LOOPBACK, lambda done, total: None))
    content = json.loads((tmp_path / RECORD_NAME).read_text())
    (entry,) = content["downloads"]
    assert content["format"] == "tilewright-downloads"
    assert entry["sha256"] == hashlib.sha256(GOOD).hexdigest()
    assert entry["origin"] == server.url + "/good.png" and entry["notes"] == {"licence": "CC0"}
    assert entry["time"].endswith("+00:00") and entry["bytes"] == len(GOOD)
    assert (tmp_path / "moved.txt").read_text() == "a brown plank\n"


def test_a_caption_of_the_users_own_stays(server, tmp_path):
    fetch(tmp_path, (server.url + "/good.png", "first"))
    (tmp_path / "good.txt").write_text("better words")
    (tmp_path / "good.png").unlink()
    fetch(tmp_path, (server.url + "/good.png", "second"))
    assert (tmp_path / "good.txt").read_text() == "better words"


def test_a_full_disk_stops_before_it_is_full(server, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(downloading.shutil, "disk_usage", lambda folder: usage._replace(free=2**20))
    assert "disk is nearly full" in fate(fetch(tmp_path, server.url + "/good.png"), server.url + "/good.png")
