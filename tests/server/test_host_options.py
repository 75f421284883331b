"""The pack under the options that people start ComfyUI with, and two servers on one output folder."""

import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file
from small_graphs import Runner, node
from tilewright.launch.client import run_prompt
from tilewright.launch.hosts import Host
from tilewright.launch.server import running_server

HALF_PRECISION = 0.05  # of the largest value: what 16 bits may make of a picture
OPTIONS = {
    "nothing kept, nothing shown": ["--cache-none", "--preview-method", "none", "--disable-metadata"],
    "several users, other folders": ["--multi-user", "--input-directory", "in", "--temp-directory", "passing"],
    "half precision": ["--force-fp16"],
}


def graph(name, seed=1):
    """A training, the texture that its LoRA paints, and the texture's maps, with the files that these write."""
    models = {"model": ["demo", 0], "clip": ["demo", 1], "vae": ["demo", 2]}
    return {
        "renders": node("TilewrightRenderProcedural", material="bricks", count=2, size=64, folder=name),
        "demo": node("TilewrightDemoModel"),
        "train": node("TilewrightTrainLora", **models, dataset=["renders", 0], name=name, steps=2, resolution=64,
                      rank=2, seed=seed),
        "text": node("CLIPTextEncode", clip=["train", 1], text="brick wall"),
        "seamless": node("TilewrightSeamlessModel", model=["train", 0], axes="both"),
        "empty": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "sample": node("KSampler", model=["seamless", 0], positive=["text", 0], negative=["text", 0], steps=2, cfg=1.0,
                       latent_image=["empty", 0], seed=3, sampler_name="euler", scheduler="normal", denoise=1.0),
        "vae": node("TilewrightSeamlessVAE", vae=["demo", 2], axes="both"),
        "picture": node("VAEDecode", samples=["sample", 0], vae=["vae", 0]),
        "height": node("TilewrightHeightFromImage", image=["picture", 0]),
        "normal": node("TilewrightHeightToNormal", height=["height", 0]),
        "kept picture": node("SaveImage", images=["picture", 0], filename_prefix=f"{name}/picture"),
        "kept normal": node("SaveImage", images=["normal", 0], filename_prefix=f"{name}/normal"),
    }  # fmt: skip


def painted(server, name, seed=1):
    """The pictures (H, W, 3) in 0..1 that the graph left in the server's output."""
    defaults = Runner(server).defaults
    filled = {
        key: one | {"inputs": defaults[one["class_type"]] | one["inputs"]} for key, one in graph(name, seed).items()
    }
    outputs = run_prompt(server.url, filled)
    files = [outputs[key]["images"][0] for key in ("kept picture", "kept normal")]
    return [np.asarray(Image.open(server.output / file["subfolder"] / file["filename"])) / 255 for file in files]


@pytest.fixture(scope="module")
def usual(server):
    return painted(server, "usual options")


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_the_pictures_are_the_same_under_options_of_the_host(usual, tmp_path, options):
    own = [str(tmp_path / option) if option in ("in", "passing") else option for option in options]
    host = Host(Path(os.environ["COMFYUI_PATH"]), Path(sys.executable), ours=True)
    with running_server(host, tmp_path / "base", tmp_path / "elsewhere" / "output", own) as server:
        found = painted(server, "other options")
        log = server.log.read_text(encoding="utf-8", errors="replace")
    for picture, other in zip(usual, found, strict=True):
        if "--force-fp16" in options:
            assert np.abs(picture - other).mean() < HALF_PRECISION
        else:
            assert np.array_equal(picture, other)
    assert "Traceback" not in log
    files = {file.suffix for file in (tmp_path / "elsewhere" / "output").rglob("*") if file.is_file()}
    assert {".png", ".safetensors"} <= files
    strays = [file for file in (tmp_path / "base" / "output").rglob("*") if file.is_file()]
    assert not strays


@pytest.mark.slow
def test_two_servers_on_one_output_folder_lose_no_run(server, tmp_path):
    """Three clients ask at once for a run of one name, each with a seed of its own."""
    host, failed = Host(Path(os.environ["COMFYUI_PATH"]), Path(sys.executable), ours=True), []

    def ask(asked, seed):
        try:
            painted(asked, "one name", seed)
        except Exception as error:  # of a thread, to be raised in the test
            failed.append(error)

    with running_server(host, tmp_path / "base", server.output) as other:
        clients = [threading.Thread(target=ask, args=one) for one in ((server, 11), (other, 12), (server, 13))]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    assert not failed
    loras = sorted((server.output / "loras").glob("one name*.safetensors"))
    weights = [load_file(file) for file in loras]
    assert len(loras) == 3 and len({tuple(one[key].sum().item() for key in sorted(one)) for one in weights}) == 3
