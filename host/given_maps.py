"""Latents of whole materials: empty ones, and ones with maps that are known."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ..common.conventions import clear_convention, flip_green
from ..common.errors import InputError
from ..common.layout import grey_to_rgb, to_bhwc
from ..common.map_kinds import COLOR_MAPS
from ..common.map_words import listed_maps
from ..material.map_inputs import check_same_size, normals_of, read_map, single_channel
from .networks import autoencoder
from .protocols import Vae

CELL = 8  # pixels a side that the host takes an empty latent's cell for, whatever the model's is


def empty_material_sets(width: int, height: int, maps: int, materials: int, shared_noise: bool) -> dict[str, Any]:
    """LATENT of `materials` with so many `maps` each, material by material; the host fits its channels to the model."""
    samples = torch.zeros(maps * materials, 4, height // CELL, width // CELL)
    latent: dict[str, Any] = {"samples": samples, "downscale_ratio_spacial": CELL}
    if shared_noise:
        latent["batch_index"] = [number for number in range(materials) for _ in range(maps)]
    return latent


def given_maps(
    vae: Vae, kinds: Sequence[str], images: Mapping[str, torch.Tensor], convention: str, variations: int
) -> tuple[dict[str, Any], str]:
    """LATENT of materials with the maps `kinds`, in which `images` (IMAGE by kind) are given, and a report.

    An image of a batch is one material; a single one is that of all. convention: of normals, "detect" reads it. Raises
    `InputError` where nothing is given, where nothing is left to paint, and for sizes that do not fit.
    """
    autoencoder(vae)  # which tells of an empty one
    _check_kinds(kinds, images)
    pixels, notes = _read(images, convention)
    count = max(len(map_) for map_ in pixels.values())
    _check_numbers(pixels, count)
    check_same_size({kind: map_[:1] for kind, map_ in pixels.items()})
    _check_size(vae, next(iter(pixels.values())))
    encoded = {kind: _encoded(vae, map_) for kind, map_ in pixels.items()}
    known = next(iter(encoded.values()))
    materials = count * variations
    rows = known.new_zeros(materials, len(kinds), *known.shape[1:])
    mask = torch.ones(materials, len(kinds), *known.shape[-2:])
    for kind, of_map in encoded.items():
        repeated = of_map.expand(count, *of_map.shape[1:]).repeat_interleave(variations, 0)
        rows[:, kinds.index(kind)], mask[:, kinds.index(kind)] = repeated, 0.0
    painted = [kind for kind in kinds if kind not in images]
    lines = [f"Given: {listed_maps(list(images))}. Painted: {listed_maps(painted)}. Materials: {materials}."]
    latent = {"samples": rows.flatten(0, 1), "noise_mask": mask.flatten(0, 1)[:, None]}
    return latent, "\n".join([*lines, *notes])


def _check_kinds(kinds: Sequence[str], images: Mapping[str, torch.Tensor]) -> None:
    if unknown := [kind for kind in images if kind not in kinds]:
        raise InputError(
            f"{listed_maps(unknown)} is connected, but the set's maps are {listed_maps(kinds)}. Take it away, or use a "
            "LoRA that knows it."
        )
    if not images:
        raise InputError("No map is given. Connect one that you have, or start from Empty Material Set Latent.")
    if len(images) == len(kinds):
        raise InputError(f"All maps of the set are given ({listed_maps(kinds)}): nothing is left to paint.")


def _read(images: Mapping[str, torch.Tensor], convention: str) -> tuple[dict[str, torch.Tensor], list[str]]:
    """Maps as they are trained on, (B, 3, H, W) in 0..1, and what was done to them."""
    read: dict[str, torch.Tensor] = {}
    notes: list[str] = []
    for kind, image in images.items():
        pixels, said = read_map(image, f"The {kind}")
        notes += said
        if kind == "normal":
            pixels, said = normals_of(pixels, "The normal map")
            green = clear_convention(pixels) or "OpenGL" if convention == "detect" else convention
            pixels = flip_green(pixels) if green == "DirectX" else pixels
            notes += [*said, f"The normal map was read as {green}."]
        elif kind in COLOR_MAPS and pixels.shape[1] > 2:
            pixels = pixels[:, :3]
        else:
            pixels, used = single_channel(pixels)
            notes += [f"The {kind} is a colour image: its {used} was used."] if used else []
            pixels = grey_to_rgb(pixels)
        read[kind] = pixels.clamp(0, 1)
    return read, notes


def _check_numbers(pixels: Mapping[str, torch.Tensor], count: int) -> None:
    if any(len(map_) not in (1, count) for map_ in pixels.values()):
        found = ", ".join(f"{kind} {len(map_)}" for kind, map_ in pixels.items())
        raise InputError(f"The batches of the given maps differ: {found}. Give as many of each, or one for all.")


def _encoded(vae: Vae, pixels: torch.Tensor) -> torch.Tensor:
    """Latents of (B, 3, H, W), one by one: the host takes a batch for a video where the autoencoder knows videos."""
    return torch.cat([vae.encode(to_bhwc(one[None]).contiguous()) for one in pixels])


def _check_size(vae: Vae, pixels: torch.Tensor) -> None:
    height, width = pixels.shape[-2:]
    cell = int(vae.spacial_compression_encode())
    if height % cell or width % cell:
        raise InputError(
            f"The given maps are {width} x {height} pixels, which the VAE would cut: it takes multiples of {cell}. "
            f"Resize them, such as to {max(cell, width // cell * cell)} x {max(cell, height // cell * cell)}."
        )
