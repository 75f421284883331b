"""A long tiled decode ends soon after the user cancels it, and the server decodes again afterwards."""

import urllib.request

import pytest
from tilewright.launch.client import PromptError, run_prompt


def decode(size, tile_size):
    return {
        "1": {"class_type": "TilewrightDemoModel", "inputs": {}},
        "2": {"class_type": "EmptyLatentImage", "inputs": {"width": size, "height": size, "batch_size": 1}},
        "3": {
            "class_type": "TilewrightTiledVAEDecode",
            "inputs": {"samples": ["2", 0], "vae": ["1", 2], "tile_size": tile_size, "axes": "both", "memory": 0.0},
        },
        "4": {"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}},
    }


class Canceller:
    """Interrupts the server as soon as the decode has begun, and follows how far it goes all the same."""

    def __init__(self, url):
        self.url = url
        self.cancelled_at = None
        self.reached = 0.0

    def __call__(self, kind, data):
        if kind == "progress" and data["node"] == "3":
            self.reached = data["value"] / data["max"]
            if self.cancelled_at is None:
                self.cancelled_at = self.reached
                urllib.request.urlopen(urllib.request.Request(f"{self.url}/interrupt", b"", method="POST")).close()


def test_a_cancelled_decode_ends_within_a_few_tiles(server):
    canceller = Canceller(server.url)
    with pytest.raises(PromptError, match="cancelled"):
        run_prompt(server.url, decode(2048, 64), canceller)
    assert canceller.cancelled_at < 0.1
    assert canceller.reached < canceller.cancelled_at + 0.1
    assert run_prompt(server.url, decode(256, 64))["4"]["images"]
