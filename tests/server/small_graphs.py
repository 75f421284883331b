"""Small graphs of a test, run on the server with their widgets at the defaults, and all that they say."""

import json
import urllib.request

import numpy as np
from PIL import Image
from tilewright.launch.client import PromptError, run_prompt


def node(class_type, /, **inputs):
    return {"class_type": class_type, "inputs": inputs}


def text_of(name, slot):
    """A node that shows an output as text."""
    return node("PreviewAny", source=[name, slot])


class Runner:
    """Runs graphs given as nodes by their names. "image" is a picture and "demo" the demo model, where used."""

    def __init__(self, server):
        with urllib.request.urlopen(f"{server.url}/object_info") as answer:
            self.defaults = {name: dict(_defaults(info)) for name, info in json.load(answer).items()}
        self.url = server.url
        folder = server.base / "input"
        folder.mkdir(exist_ok=True)
        noise = np.random.default_rng(11).integers(0, 256, (96, 128, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / "odd.png")

    def __call__(self, **graph):
        """All texts of a run, or "refused: " and the reason."""
        known = {"image": node("LoadImage", image="odd.png"), "demo": node("TilewrightDemoModel")}
        used = {name: one for name, one in known.items() if _is_used(name, graph)} | graph
        prompt = {
            name: one | {"inputs": self.defaults[one["class_type"]] | one["inputs"]} for name, one in used.items()
        }
        try:
            outputs = run_prompt(self.url, prompt)
        except PromptError as error:
            return f"refused: {error}"
        return "\n".join(str(text) for shown in outputs.values() for text in shown.get("text", ()))


def _defaults(info):
    for name, (kind, *facts) in info["input"].get("required", {}).items():
        facts = facts[0] if facts else {}
        if "default" in facts:
            yield name, facts["default"]
        elif kind == "COMBO" and facts.get("options"):
            yield name, facts["options"][0]


def _is_used(name, graph):
    return any([name, slot] in one["inputs"].values() for one in graph.values() for slot in range(8))
