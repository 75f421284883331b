"""Render materials: one of them to tensors, or many of them into a folder with a manifest."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ...common.errors import InputError
from ...common.image_writing import write_png
from ...common.locks import lock_beside, locked
from ...common.manifest import MaterialRecord, Parameter, other_materials, read_manifest, write_manifest
from ...common.oklab import hex_from_oklab, srgb_from_oklab
from ...common.texture_dataset import Sample, TextureDataset
from .catalogue import MATERIALS
from .color import Palette
from .maps import normal_from_height, occlusion_from_height
from .parameters import draw_parameters
from .surface import Surface
from .torus import Torus

MAPS = ("basecolor", "normal", "roughness", "metallic", "height", "ao")
SEE_THROUGH_MAPS = (*MAPS, "opacity")
MIN_SIZE = 64
VERSION = 2  # of the generators: what they make of a seed may change with it
_BITS = {"normal": 16, "height": 16}


@dataclass(frozen=True)
class Rendered:
    """maps: kind -> (C, S, S) in 0..1, colour maps in sRGB. record has no file names in it yet."""

    maps: Mapping[str, torch.Tensor]
    record: MaterialRecord


def render_material(
    material: str, seed: int, size: int, variation: float = 1.0, maps: Collection[str] | None = None
) -> Rendered:
    """Render the maps asked for of one tile, `size` pixels wide; None for all that the material has.

    The same material, seed and variation is the same tile at every size. Raises `InputError` for an unknown
    material, for a map that it does not have and for a size that is too small to show one.
    """
    if material not in MATERIALS:
        raise InputError(f"There is no material called {material!r}. Choose one of {', '.join(MATERIALS)}.")
    if size < MIN_SIZE:
        raise InputError(f"The size is {size} pixels; a material needs at least {MIN_SIZE}. Choose a larger size.")
    generator = MATERIALS[material]
    maps = maps_of(material, maps)
    torus = Torus(size, seed, material)
    values = draw_parameters(generator.parameters, torus.rng("parameters"), variation)
    palette = _draw_palette(generator.palettes, torus, variation)
    surface = generator.build(torus, values, palette.drawn(torus.rng("palette colors"), variation))
    parameters = {"palette": Parameter(palette.name, "palette")}
    parameters |= {name: generator.parameters[name].record(value) for name, value in values.items()}
    record = MaterialRecord(
        name=f"{material}_{seed}",
        category=material,
        label=generator.label,
        seed=seed,
        tileable=True,
        maps={},
        parameters={name: value for name, value in parameters.items() if name not in surface.unseen},
        colors={part: hex_from_oklab(_mean_color(surface.color, mask)) for part, mask in surface.parts.items()},
        height_cm=float(surface.height.amax() - surface.height.amin()),
        size_cm=surface.size_cm,
    )
    return Rendered({kind: _MAPS[kind](surface) for kind in maps}, record)


def maps_of(material: str, wanted: Collection[str] | None = None) -> tuple[str, ...]:
    """The kinds of maps that a render of the material has, or those `wanted` of them.

    Raises `InputError` for a map that it does not have.
    """
    kinds = SEE_THROUGH_MAPS if MATERIALS[material].see_through else MAPS
    for missing in set(wanted or ()) - set(kinds):
        raise InputError(
            f"The material {material} has no {missing} map, since one cannot see through it. "
            f"Choose one of {', '.join(kinds)}, or another material."
        )
    return kinds if wanted is None else tuple(wanted)


def render_folder(
    folder: Path,
    materials: Sequence[str],
    count: int,
    size: int,
    seed: int,
    variation: float = 1.0,
    kinds: Sequence[str] | None = ("basecolor",),
    rendered: Callable[[Rendered], None] = lambda tile: None,
    waiting: Callable[[], None] = lambda: None,
) -> tuple[TextureDataset, str]:
    """Render `count` tiles of each material with all maps into `folder`, the seeds counting on from `seed`.

    Returns the maps of `kinds`, None for all, as a dataset, and a report. `rendered` is called with each tile and may
    raise to stop; the manifest then lists what is finished. Other files and the manifest's other entries stay, and are
    named in the report. `waiting` is called while another process renders into the folder, and may raise to stop.
    """
    wanted = {material: maps_of(material, kinds) for material in materials}
    with locked(lock_beside(folder), waiting):
        before = {record.name: record for record in read_manifest(folder)}
        records: dict[str, MaterialRecord] = {}
        try:
            for material in materials:
                for index in range(count):
                    tile = render_material(material, seed + index, size, variation)
                    name = f"{material}_{index:04d}"
                    records[name] = _written(folder, name, tile)
                    rendered(tile)
        finally:
            generator = {"name": "Tilewright procedural materials", "version": VERSION}
            write_manifest(folder, generator, [record for _, record in sorted((before | records).items())])
    maps = dict.fromkeys(kind for material in materials for kind in maps_of(material))
    heading = f"{len(records)} tiles of {size} x {size} pixels, each with {', '.join(maps)}, in {folder}"
    lines = [heading, *map(_described, records.values()), *other_materials(before.keys() - records.keys())]
    samples = [_sample(folder, tile, kind, size) for tile in records.values() for kind in wanted[tile.category]]
    return TextureDataset(tuple(samples)), "\n".join(lines)


def _written(folder: Path, name: str, tile: Rendered) -> MaterialRecord:
    files = {kind: f"{name}_{kind}.png" for kind in tile.maps}
    for kind, file in files.items():
        write_png(folder / file, tile.maps[kind], _BITS.get(kind, 8))
    return replace(tile.record, name=name, maps=files)


def _sample(folder: Path, record: MaterialRecord, kind: str, size: int) -> Sample:
    file = folder / record.maps[kind]
    return Sample(file, kind, (size, size), material=record.name, tileable=True, record=record)


def _described(record: MaterialRecord) -> str:
    values = [f"{parameter.label} {parameter.value}" for parameter in record.parameters.values()]
    return f"{record.name} (seed {record.seed}): {', '.join(values)}"


def _draw_palette(palettes: Sequence[Palette], torus: Torus, variation: float) -> Palette:
    rng = torus.rng("palette")
    drawn = palettes[int(rng.integers(len(palettes)))]
    return drawn if rng.random() < variation else palettes[0]


def _mean_color(color: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return (color * mask).sum((1, 2)) / mask.sum().clamp(min=1e-6)


def _height(surface: Surface) -> torch.Tensor:
    lowest, highest = surface.height.aminmax()
    return ((surface.height - lowest) / (highest - lowest))[None]


def _opacity(surface: Surface) -> torch.Tensor:
    opaque = torch.ones_like(surface.height) if surface.opacity is None else surface.opacity
    return opaque.clamp(0, 1)[None]


_MAPS: dict[str, Callable[[Surface], torch.Tensor]] = {
    "basecolor": lambda surface: srgb_from_oklab(surface.color),
    "normal": lambda surface: normal_from_height(surface.height, surface.size_cm),
    "roughness": lambda surface: surface.roughness.clamp(0.02, 1)[None],
    "metallic": lambda surface: surface.metallic.clamp(0, 1)[None],
    "height": _height,
    "ao": lambda surface: occlusion_from_height(surface.height, surface.size_cm)[None],
    "opacity": _opacity,
}
