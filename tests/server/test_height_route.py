"""The height of a loader's file before any run: what the node would read, to a 16-bit step."""

import base64
import io
import json
import os
import urllib.error
import urllib.parse
import urllib.request

import numpy as np
import pytest
import torch
from PIL import Image
from tilewright.common.image_writing import write_png

LOAD_MAP = {"loader": "TilewrightLoadMap", "axes": "both", "kind": "height", "light": "auto", "layer": ""}


def ask(server, **asked):
    query = urllib.parse.urlencode(asked)
    try:
        with urllib.request.urlopen(f"{server.url}/tilewright/height?{query}", timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def decoded(answer, name):
    head, data = answer["files"][name].split(",")
    assert head == "data:image/png;base64"
    red, green, blue = np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))).astype(np.int64).transpose(2, 0, 1)
    low, high = answer["range"][name]
    return low + (65536 * red + 256 * green + blue) / (2**24 - 1) * (high - low)


def test_the_height_of_a_file_in_input(server):
    height = (torch.arange(65536) / 65535).reshape(1, 256, 256)
    write_png(server.base / "input" / "route_height.png", height, 16)
    status, answer = ask(server, **LOAD_MAP, file="route_height.png")
    assert status == 200 and answer["pixels"] == [256, 256] and set(answer["files"]) == {"height"}
    assert np.abs(decoded(answer, "height") - height[0].numpy()).max() < 0.1 / 65535


def test_eight_bits_come_with_and_without_their_steps(server):
    height = torch.linspace(0, 1, 256).expand(1, 64, 256)
    write_png(server.base / "input" / "route_steps.png", height * 0.25, 8)
    _, answer = ask(server, **LOAD_MAP | {"axes": "none"}, file="route_steps.png")
    assert set(answer["files"]) == {"height", "smooth"}
    assert len(np.unique(decoded(answer, "height"))) == 65 < len(np.unique(decoded(answer, "smooth")))


def test_a_channel_of_a_picture_as_height_from_image_takes_it(server):
    colours = torch.tensor([0.2, 0.4, 0.6]).reshape(3, 1, 1).expand(3, 16, 24)
    write_png(server.base / "input" / "route_colours.png", colours, 8)
    asked = {"loader": "LoadImage", "axes": "both", "file": "route_colours.png"}
    for channel, value in (("blue", 0.6), ("red", 0.2), ("green", 0.4)):
        status, answer = ask(server, **asked, channel=channel)
        assert status == 200 and set(answer["files"]) == {"height"} and answer["debanded"] is False
        assert decoded(answer, "height")[0, 0] == pytest.approx(value, abs=1e-6)


def test_load_image_is_read_as_comfyui_reads_it(server):
    write_png(server.base / "input" / "route_grey.png", torch.full((3, 16, 16), 0.5), 8)
    status, answer = ask(server, loader="LoadImage", axes="both", file="route_grey.png")
    assert status == 200 and decoded(answer, "height")[0, 0] == pytest.approx(128 / 255)


def test_a_file_that_is_as_it_was_is_not_read_again(server):
    path = server.base / "input" / "route_stamped.png"
    write_png(path, torch.full((1, 16, 16), 0.25), 8)
    _, first = ask(server, **LOAD_MAP, file=path.name)
    assert ask(server, **LOAD_MAP, file=path.name, stamp=first["stamp"]) == (200, {"same": True})
    write_png(path, torch.full((1, 16, 16), 0.75), 8)
    os.utime(path, ns=(1, 1))  # an older one, put back over it, is another too
    status, second = ask(server, **LOAD_MAP, file=path.name, stamp=first["stamp"])
    assert status == 200 and second["stamp"] != first["stamp"] and second["range"] != first["range"]
    path.unlink()
    assert ask(server, **LOAD_MAP, file=path.name, stamp=second["stamp"])[0] == 400


def test_load_image_reads_input_and_no_more_pictures_than_fit(server):
    write_png(server.output / "route_elsewhere.png", torch.full((1, 16, 16), 0.5), 8)
    asked = {"loader": "LoadImage", "axes": "both"}
    assert ask(server, **asked, file="route_elsewhere.png")[0] == 400
    assert ask(server, **asked, file="route_elsewhere.png [output]")[0] == 200
    frames = [Image.new("P", (1500, 1500), shade) for shade in range(30)]
    frames[0].save(server.base / "input" / "route_moving.gif", save_all=True, append_images=frames[1:])
    status, answer = ask(server, **asked, file="route_moving.gif")
    told = "route_moving.gif is 1500 x 1500 pixels, 30 times: too large to be shown before a run."
    assert status == 400 and answer["error"] == told


def test_a_picture_that_is_too_large_is_not_called_damaged(server):
    Image.new("L", (8200, 8200)).save(server.base / "input" / "route_large.png")
    status, answer = ask(server, **LOAD_MAP, file="route_large.png")
    told = "route_large.png is 8200 x 8200 pixels: too large to be shown before a run."
    assert status == 400 and answer["error"] == told


@pytest.mark.parametrize(
    "changes",
    [
        {"file": "../secret.png"},
        {"file": "/etc/passwd"},
        {"file": "//elsewhere/share/x.png"},
        {"file": "no_such_file.png"},
        {"file": ""},
        {"file": "x" * 2000},
        {"file": "route_text.png"},
        {"loader": "LoadLatent"},
        {"axes": "z"},
        {"kind": "everything"},
        {"light": "blue"},
        {"channel": "hue"},
    ],
    ids=str,
)
def test_what_it_refuses(server, changes):
    write_png(server.base / "input" / "route_grey.png", torch.full((3, 16, 16), 0.5), 8)
    (server.base / "input" / "route_text.png").write_text("no image")
    status, answer = ask(server, **{**LOAD_MAP, "file": "route_grey.png", **changes})
    assert status == 400 and answer["error"] and "Traceback" not in answer["error"]
