"""The caption editor's routes on a real server: what they keep, and what they refuse."""

import json
import os
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

import psutil
import pytest
from hostile_paths import hostile_paths
from PIL import Image
from tilewright.launch.client import PromptError, run_prompt
from tilewright.launch.hosts import Host
from tilewright.launch.server import running_server

HOST = Host(Path(os.environ["COMFYUI_PATH"]), Path(sys.executable), ours=True)
NAMES = [f"wall_{number}" for number in range(4)]


def graph(edits, folder="edited", **more):
    return {
        "1": {"class_type": "TilewrightLoadDataset", "inputs": {"folder": folder, "map": "any"}},
        "2": {"class_type": "TilewrightEditCaptions", "inputs": {"dataset": ["1", 0], "edits": edits, **more}},
        "3": {"class_type": "PreviewAny", "inputs": {"source": ["2", 1]}},
        "4": {"class_type": "PreviewAny", "inputs": {"source": ["2", 2]}},
    }


def write_images(base, folder="edited"):
    place = base / "input" / folder
    place.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(NAMES):
        Image.new("RGB", (96, 64), (40 * number, 90, 120)).save(place / f"{name}.png")
        (place / f"{name}.txt").write_text(f"caption {number}")
    return place


@pytest.fixture
def edits(server, request):
    """A name of edits of its own for each test, with a dataset of four images under it."""
    write_images(server.base)
    name = f"set {abs(hash(request.node.name)):x}"
    run_prompt(server.url, graph(name))
    return name


def ask(server, path, query=None, body=None):
    """(status, answer) of a GET, or of a POST of `body`."""
    data = json.dumps(body).encode() if body is not None else None
    address = f"{server.url}/tilewright/{path}" + (f"?{urlencode(query)}" if query else "")
    try:
        headers = {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(address, data, headers), timeout=60) as answer:
            content = answer.read()
            return answer.status, json.loads(content) if "json" in answer.headers["Content-Type"] else content
    except urllib.error.HTTPError as error:
        told = error.read()
        return error.code, json.loads(told) if told.startswith(b"{") else {}  # the host's own refusals are no JSON


def change(server, edits, number, caption, shown, excluded=False):
    key = f"input/edited/wall_{number}.png"
    asked = {"caption": caption, "shown": {"caption": shown, "excluded": excluded}}
    return ask(server, "dataset/edit", body={"edits": edits, "what": "test", "changes": {key: asked}})


def captions(server, edits, **more):
    return run_prompt(server.url, graph(edits, **more))["3"]["text"]


def test_a_listing_tells_every_image_without_paths_of_the_machine(server, edits):
    status, told = ask(server, "dataset", {"edits": edits})
    assert status == 200 and [one["caption"] for one in told["images"]] == [f"caption {n}" for n in range(4)]
    assert told["images"][0]["key"] == "input/edited/wall_0.png" and told["images"][0]["tokens"] == 2
    assert str(server.base) not in json.dumps(told)


def test_thumbnails_are_small_webp(server, edits):
    status, picture = ask(server, "dataset/image", {"edits": edits, "image": 3})
    assert status == 200 and picture[8:12] == b"WEBP"
    assert ask(server, "dataset/image", {"edits": edits, "image": 3, "size": "large"})[0] == 200


def test_an_edit_is_what_a_run_without_the_editor_gives(server, edits):
    assert change(server, edits, 1, " my   wall ", "caption 1")[0] == 200
    assert captions(server, edits) == ["caption 0", "my wall", "caption 2", "caption 3"]
    out = {"input/edited/wall_0.png": {"excluded": True, "shown": {"caption": "caption 0", "excluded": False}}}
    assert ask(server, "dataset/edit", body={"edits": edits, "what": "out", "changes": out})[0] == 200
    assert captions(server, edits) == ["my wall", "caption 2", "caption 3"]
    _, told = ask(server, "dataset", {"edits": edits})
    assert [step["what"] for step in told["done"]] == ["test", "out"]
    assert ask(server, "dataset/undo", body={"edits": edits, "step": told["done"][-1]["step"]})[0] == 200
    assert captions(server, edits)[:2] == ["caption 0", "my wall"]
    assert ask(server, "dataset/redo", body={"edits": edits, "step": told["done"][-1]["step"]})[0] == 200
    assert captions(server, edits)[0] == "my wall"


def test_a_caption_file_changed_outside_leaves_the_edit_and_both_are_told(server, edits):
    change(server, edits, 2, "mine", "caption 2")
    place = write_images(server.base)
    (place / "wall_2.txt").write_text("another program's")
    result = run_prompt(server.url, graph(edits))
    assert result["3"]["text"][2] == "mine"
    assert "yours are used" in result["4"]["text"][0]
    _, told = ask(server, "dataset", {"edits": edits})
    edit = told["changed"]["input/edited/wall_2.png"]
    assert (told["images"][2]["caption"], edit["caption"], edit["seen"]) == ("another program's", "mine", "caption 2")
    write_images(server.base)


def test_of_two_windows_the_second_is_shown_what_the_first_wrote(server, edits):
    assert change(server, edits, 0, "first", "caption 0")[0] == 200
    status, told = change(server, edits, 0, "second", "caption 0")
    assert status == 409 and "Nothing was overwritten" in told["error"]
    assert told["found"]["input/edited/wall_0.png"]["holds"] == "first"
    assert change(server, edits, 0, "second", "first")[0] == 200
    assert captions(server, edits)[0] == "second"


def test_a_change_of_many_is_made_whole_or_not_at_all(server, edits):
    change(server, edits, 3, "other", "caption 3")
    many = {
        f"input/edited/wall_{n}.png": {"caption": "all", "shown": {"caption": f"caption {n}", "excluded": False}}
        for n in range(4)
    }
    status, told = ask(server, "dataset/edit", body={"edits": edits, "what": "all", "changes": many})
    assert status == 409 and list(told["found"]) == ["input/edited/wall_3.png"]
    assert captions(server, edits) == ["caption 0", "caption 1", "caption 2", "other"]


def test_two_windows_that_write_at_once_lose_nothing(server, edits):
    written = []

    def work(number):
        shown = f"caption {number}"
        for turn in range(15):
            caption = f"window {number} turn {turn}"
            assert change(server, edits, number, caption, shown)[0] == 200
            shown = caption
        written.append(shown)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(captions(server, edits)[:2]) == sorted(written)
    assert len(ask(server, "dataset", {"edits": edits})[1]["done"]) == 30


def test_undo_of_what_somebody_else_did_meanwhile_is_refused(server, edits):
    change(server, edits, 0, "first", "caption 0")
    change(server, edits, 1, "another's", "caption 1")
    status, told = ask(server, "dataset/undo", body={"edits": edits, "step": 1})
    assert status == 409 and told["found"]["done"][-1]["step"] == 2


@pytest.mark.parametrize(
    "body",
    [
        {"changes": {}},
        {"changes": []},
        {"changes": {"input/edited/wall_0.png": 1}},
        {"changes": {"input/edited/wall_0.png": {"caption": 1, "shown": {"caption": "caption 0", "excluded": False}}}},
        {"changes": {"input/edited/wall_0.png": {"excluded": 1, "shown": {"caption": "caption 0", "excluded": False}}}},
        {"changes": {"input/edited/wall_0.png": {"caption": "x" * 10_001}}},
        {"changes": {"../../secret": {"caption": "x"}}},
        {"changes": {"input/other.png": {"caption": "x"}}},
        {"changes": {"input/edited/wall_0.png": {"caption": "x"}}, "what": 7},
        {"changes": {"input/edited/wall_0.png": {"caption": "x"}}, "what": "x" * 1000},
        {"changes": {"input/edited/wall_0.png": {"caption": "x"}}, "after": -1},
    ],
)
def test_a_strange_edit_is_refused_and_writes_nothing(server, edits, body):
    status, told = ask(server, "dataset/edit", body={"edits": edits, **body})
    assert status in (400, 409) and told["error"]
    assert not (server.output / "captions" / edits / "edits.jsonl").exists()


@pytest.mark.parametrize("number", ["-1", "99", "1.5", "x", "1e3", "", "9" * 400])
def test_there_is_no_other_image(server, edits, number):
    assert ask(server, "dataset/image", {"edits": edits, "image": number})[0] == 400


def test_tokens_are_counted_and_capped(server):
    assert ask(server, "dataset/tokens", body={"captions": ["red brick wall", ""]}) == (200, {"tokens": [3, 0]})
    for captions in (None, "x", ["x"] * 65, [1], ["x" * 10_001]):
        assert ask(server, "dataset/tokens", body={"captions": captions})[0] == 400


def test_no_hostile_name_is_read_or_written(server, edits):
    secret = server.base.parent / "secret captions"
    secret.mkdir(exist_ok=True)
    (secret / "dataset.json").write_text("{}")
    link = server.output / "captions" / "way out"
    if not link.is_symlink():
        link.symlink_to(secret, target_is_directory=True)
    for name in ["way out", "", ".", "..", *hostile_paths(secret)]:
        for path, query in (
            ("dataset", {"edits": name}),
            ("dataset", {"listing": name}),
            ("dataset/changes", {"edits": name}),
        ):
            if "\ud800" not in name and name != "":
                assert (
                    ask(server, path, {key: value.encode("utf-8", "replace") for key, value in query.items()})[0] != 200
                ), name
        for path, body in (("edit", {"changes": {"x": {}}}), ("undo", {"step": 1}), ("redo", {"step": 1})):
            assert ask(server, f"dataset/{path}", body={"edits": name, **body})[0] in (400, 404, 409), name
    assert sorted(os.listdir(secret)) == ["dataset.json"]
    with pytest.raises(PromptError, match="link that leads out"):
        run_prompt(server.url, graph("way out"))


def test_a_link_in_the_dataset_that_leads_outside_is_not_shown(server, edits):
    secret = server.base.parent / "secret.png"
    Image.new("RGB", (64, 64)).save(secret)
    image = server.base / "input" / "edited" / "wall_1.png"
    image.unlink()
    image.symlink_to(secret)
    try:
        assert ask(server, "dataset/image", {"edits": edits, "image": 1, "size": "large"})[0] in (400, 404)
    finally:
        image.unlink()
        write_images(server.base)


@pytest.mark.slow
def test_killing_the_server_in_mid_edit_loses_nothing_that_was_answered(tmp_path):
    answered = []
    with running_server(HOST, tmp_path / "base", tmp_path / "output") as server:
        write_images(server.base)
        run_prompt(server.url, graph("killed"))

        def work():
            shown = "caption 0"
            for turn in range(100_000):
                try:
                    status, _ = change(server, "killed", 0, f"turn {turn}", shown)
                except (OSError, urllib.error.URLError):
                    return
                assert status == 200
                answered.append(shown := f"turn {turn}")

        thread = threading.Thread(target=work)
        thread.start()
        while len(answered) < 20:
            thread.join(0.01)
        main = psutil.Process(server.process.pid)
        for process in (main, *main.children(recursive=True)):
            process.kill()
        thread.join()
    with running_server(HOST, tmp_path / "base", tmp_path / "output") as server:
        _, told = ask(server, "dataset", {"edits": "killed"})
        held = told["changed"]["input/edited/wall_0.png"]["caption"]
        assert held in (answered[-1], f"turn {len(answered)}")  # the last may have been kept and not answered
        assert len(told["done"]) >= 20
