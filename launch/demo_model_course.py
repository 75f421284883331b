"""What the demo model is taught: which materials and maps, in which words, on which architecture."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from ..captions.from_parameters import caption_record
from ..common.manifest import MaterialRecord
from ..dataset.procedural.catalogue import ALL_MATERIALS, chosen_materials
from ..dataset.procedural.render import render_material
from ..training.demo.pool import Drawing

SIZE = 256
HELD_OUT = 600_000_000  # seeds from here on are never trained on
UNSEEN = "terrazzo"  # left for LoRAs to learn
FLAT = 0.02  # a map that varies less than this teaches nothing


@dataclass(frozen=True)
class Course:
    """materials take turns by seed; shares say how often each kind of map is drawn, together 1."""

    architecture: str
    materials: tuple[str, ...]
    shares: Mapping[str, float]

    def material(self, seed: int) -> int:
        """The number of the seed's material."""
        return seed % len(self.materials)

    def draw(self, seed: int) -> Drawing:
        """A map of the seed's material, with captions from full to short. What would be a flat map, as the metallic of
        stone is, becomes its basecolor."""
        rng = np.random.default_rng([seed, len(self.shares)])
        kind = str(rng.choice(list(self.shares), p=list(self.shares.values())))
        (drawing,) = self.drawn(seed, kind)
        if kind == "metallic" and drawing.image.float().std() < 255 * FLAT:
            (drawing,) = self.drawn(seed, "basecolor")
        return drawing

    def drawn(self, seed: int, *kinds: str) -> tuple[Drawing, ...]:
        """The maps of those kinds of the seed's material, as (3, H, W) of bytes."""
        tile = render_material(self.materials[self.material(seed)], seed, SIZE, maps=kinds)
        bytes_of = {kind: (tile.maps[kind] * 255).round().byte().expand(3, SIZE, SIZE) for kind in kinds}
        return tuple(Drawing(image, captions_of(tile.record, kind)) for kind, image in bytes_of.items())


COURSES = {
    "first": Course("small", tuple(chosen_materials(ALL_MATERIALS, UNSEEN)), {"basecolor": 1.0}),
    "everyday": Course(
        "wide",
        tuple(chosen_materials("everyday")),
        {"basecolor": 0.5, "normal": 0.2, "height": 0.1, "roughness": 0.1, "ao": 0.05, "metallic": 0.05},
    ),
}
SHIPPED = COURSES["first"]  # of the weights that come with the pack


def captions_of(record: MaterialRecord, kind: str = "basecolor") -> tuple[str, ...]:
    """Captions of a map from full to short, so that both long and short prompts work; all but the basecolor's begin
    with the map's name."""
    variants = ((6, True), (4, True), (3, False), (0, True), (0, False))
    return tuple(caption_record(record, kind, details, colors) for details, colors in variants)


def as_input(drawing: Drawing) -> torch.Tensor:
    """(1, 3, H, W) in -1..1."""
    return drawing.image[None].float() / 127.5 - 1
