"""The graph behind a picture of the help pages: an API prompt as it grows, with what most pictures begin with."""

from dataclasses import dataclass, field
from typing import Any

from .client import Prompt

PAINT = {"steps": 20, "cfg": 6.0, "sampler_name": "dpmpp_2m", "scheduler": "karras", "denoise": 1.0}
Link = list[Any]


@dataclass
class Graph:
    """An API prompt as it grows, and which images become panels: those given, and those made."""

    prompt: Prompt = field(default_factory=dict)
    given: list[Link] = field(default_factory=list)
    made: list[Link | str] = field(default_factory=list)

    def node(self, kind: str, **inputs: Any) -> str:
        """Add a node; of the pack's own the id begins with `Tilewright`, which may be left out. Returns its id."""
        self.prompt[str(len(self.prompt) + 1)] = {"class_type": kind, "inputs": inputs}
        return str(len(self.prompt))

    def ours(self, kind: str, **inputs: Any) -> str:
        return self.node(f"Tilewright{kind}", **inputs)

    def show(self, given: list[Link], made: list[Link | str]) -> None:
        """What becomes the panels: images, or the id of a node that shows its own picture."""
        self.given, self.made = given, made

    def material(self, name: str, seed: int, kind: str = "basecolor", size: int = 256) -> Link:
        """A map of one of the pack's materials."""
        settings = {"count": 1, "size": size, "seed": seed, "folder": f"{name}_{seed}_{size}", "map": kind}
        return [self.ours("RenderProcedural", material=name, **settings), 3]

    def photo(self, name: str, seed: int) -> Link:
        """A piece of a larger one, which does not tile: as a photo."""
        whole = self.material(name, seed, size=512)
        return [self.node("ImageCrop", image=whole, width=256, height=256, x=71, y=113), 0]

    def tiles(self, image: Link) -> Link:
        return [self.ours("TilePreview", image=image, columns=2, rows=2), 0]

    def grey(self, mask: Link) -> Link:
        return [self.node("MaskToImage", mask=mask), 0]

    def wrapping(self, demo: str) -> Link:
        """The demo model through Seamless Model."""
        return [self.ours("SeamlessModel", model=[demo, 0], axes="both", start=0.0, end=1.0, roll=False), 0]

    def painted(self, model: Link, demo: str, size: int) -> Link:
        """The latent of a picture by the demo model."""
        words, none = (
            [self.node("CLIPTextEncode", text=text, clip=[demo, 1]), 0]
            for text in ("red brick wall with pale mortar, running bond", "")
        )
        empty = [self.node("EmptyLatentImage", width=size, height=size, batch_size=1), 0]
        drawn = {"model": model, "positive": words, "negative": none, "latent_image": empty, "seed": 5, **PAINT}
        return [self.node("KSampler", **drawn), 0]

    def decoded(self, latent: Link, vae: Link) -> Link:
        return [self.node("VAEDecode", samples=latent, vae=vae), 0]
