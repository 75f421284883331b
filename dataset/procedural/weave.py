"""Woven cloth: warp and weft that really pass over and under each other, in the classic bindings."""

import math
from dataclasses import dataclass

import torch

from .color import DrawnPalette, Palette, lighter, over
from .parameters import Choice, Count, Parameters, Range, Values
from .profiles import smoothstep
from .surface import Material, Surface
from .torus import Torus

PARAMETERS: Parameters = {
    "binding": Choice("binding", ("plain", "twill", "satin twill", "basket", "herringbone"), (4, 3, 1.5, 2, 2)),
    "threads": Count("threads across", 16, 48, 24, "coarse cloth", "fine cloth", step=8),
    "width": Range("thread width", 0.72, 1.0, 0.9, "open weave", "dense weave"),
    "thickness": Range("thread relief", 0.5, 1.0, 0.8, "flat threads", "plump threads"),
    "irregularity": Range("irregularity", 0.05, 1.0, 0.35, "even threads", "slubby threads"),
    "twist": Range("twist", 0.0, 1.0, 0.5, "smooth fibres", "twisted yarn"),
    "fuzz": Range("fuzz", 0.0, 1.0, 0.35, "clean", "fuzzy"),
    "scheme": Choice("colour scheme", ("two-tone", "single", "stripes", "check"), (3, 4, 1.5, 2)),
    "fading": Range("fading", 0.0, 1.0, 0.3, "fresh colour", "faded"),
    "roughness": Range("roughness", 0.6, 0.95, 0.85, "silky", "matt"),
}

PALETTES = (
    Palette("denim", ("#3a4a66", "#b9b8b0", "#2c3850"), "#1c2029"),
    Palette("natural linen", ("#b8a88a", "#cabda3", "#a08f70"), "#5b4f3c"),
    Palette("jute", ("#a1824f", "#8c6d3f", "#b69a68"), "#40301c"),
    Palette("grey wool", ("#6d6d70", "#8f8f90", "#4c4c50"), "#29292b"),
    Palette("red tartan", ("#8a2b2e", "#28402f", "#1f2230"), "#1a1416"),
    Palette("white canvas", ("#d6d1c5", "#cbc4b5", "#a9b0b8"), "#7d766a"),
    Palette("olive", ("#6a6a43", "#57573a", "#8a845c"), "#2c2b1d"),
    Palette("mustard", ("#b58a35", "#8a6729", "#d4bb83"), "#4a3717"),
    Palette("navy", ("#2c3450", "#414c6c", "#8d2f35"), "#141824"),
    Palette("teal", ("#3d6f70", "#2d5557", "#c3b895"), "#18292a"),
    Palette("brown tweed", ("#6b5442", "#8c7355", "#4d4a3a"), "#2a211a"),
    Palette("rose", ("#a96a6c", "#c19a92", "#7b484e"), "#4a2c2e"),
)

THREAD_CM = 0.16


@dataclass(frozen=True)
class Threads:
    """One system of threads: number (H, W) of the nearest, along and across in thread widths, and how high its middle
    runs, -1 under to 1 over."""

    number: torch.Tensor
    along: torch.Tensor
    across: torch.Tensor
    middle: torch.Tensor


def build(torus: Torus, p: Values, colors: DrawnPalette) -> Surface:
    count = p["threads"]
    binding = _binding(p["binding"], count)
    u, v = torus.moved(0.5 / count, 0.5 / count)
    warp = _threads(torus, p, "warp", binding, u, v)
    weft = _threads(torus, p, "weft", -binding.T, v, u)
    warp_height, weft_height = (
        _thread_height(torus, p, name, threads) for name, threads in (("warp", warp), ("weft", weft))
    )
    edge = max(0.12, 0.8 * count * torus.pixel)
    on_top = smoothstep(warp_height - weft_height, -edge, edge)
    top = torch.maximum(warp_height, weft_height)
    covered = smoothstep(top, -1.35, -0.75)
    warp_color, weft_color = _colors(torus, p, colors, warp, weft)
    color = over(
        colors.between[:, None, None].expand_as(warp_color), torch.lerp(weft_color, warp_color, on_top), covered
    )
    fuzz = torus.noise("fuzz", count, 6 * count, 0.4)
    faded = torus.noise("faded", 1, count / 2, 1.5)
    color = lighter(
        color, 0.02 * p["fuzz"] * fuzz + 0.035 * p["fading"] * (faded + 0.3 + 0.7 * smoothstep(top, 0.0, 1.6))
    )
    height = THREAD_CM * p["thickness"] * (top.clamp(min=-1.4) + 0.06 * p["fuzz"] * fuzz)
    roughness = p["roughness"] + 0.03 * fuzz + 0.05 * (1 - covered)
    parts = {"warp": on_top * covered, "weft": (1 - on_top) * covered}
    return Surface(count * 2 * THREAD_CM, color, height, roughness, torch.zeros_like(height), parts)


def _binding(name: str, count: int) -> torch.Tensor:
    """(weft, warp) matrix: 1 where the warp runs over the weft, -1 where under. Repeats at most every 8 threads."""
    weft, warp = torch.arange(count)[:, None], torch.arange(count)[None, :]
    diagonal = weft + warp
    turned = weft + torch.where(warp % 8 < 4, warp % 4, 3 - warp % 4)
    over_weft = {
        "plain": diagonal % 2 == 0,
        "twill": diagonal % 4 < 2,
        "satin twill": diagonal % 4 < 3,
        "basket": (weft // 2 + warp // 2) % 2 == 0,
        "herringbone": turned % 4 < 2,
    }[name]
    return torch.where(over_weft, 1.0, -1.0)


def _threads(
    torus: Torus, p: Values, name: str, over_under: torch.Tensor, across: torch.Tensor, along: torch.Tensor
) -> Threads:
    count = p["threads"]
    stretch = (1.0, 5.0) if name == "warp" else (5.0, 1.0)
    wobble = torus.noise(f"{name} wobble", 2, count * 1.5, 1.0, stretch)
    across = across * count + 0.09 * p["irregularity"] * wobble
    number = across.floor()
    position = along * count - 0.5
    before = position.floor()
    step = smoothstep(position - before, 0.0, 1.0)
    this = number.long() % count
    first, second = over_under[before.long() % count, this], over_under[(before.long() + 1) % count, this]
    return Threads(this, along * count, across - number - 0.5, torch.lerp(first, second, step))


def _thread_height(torus: Torus, p: Values, name: str, threads: Threads) -> torch.Tensor:
    """In thread radii: the run of the middle over and under plus a round section, whose width varies along it."""
    stretch = (1.0, 6.0) if name == "warp" else (6.0, 1.0)
    slub = torus.noise(f"{name} slub", 2, p["threads"], 0.8, stretch)
    width = p["width"] * (1 + 0.13 * p["irregularity"] * slub.clamp(-2, 2))
    width = width * torus.table(f"{name} width", p["threads"], 1 - 0.15 * p["irregularity"], 1.0)[threads.number]
    section = (1 - (2 * threads.across / width).square()).clamp(min=-1)
    round_section = torch.where(section > 0, section.clamp(min=0).sqrt(), 2 * section)
    return 0.75 * threads.middle + round_section + 0.05 * p["twist"] * _twist(torus, p, threads)


def _twist(torus: Torus, p: Values, threads: Threads) -> torch.Tensor:
    """Plies that wind around the thread; too fine for the pixels, they fade away."""
    visible = min(max(2 - 12 * p["threads"] * torus.pixel * 0.9, 0.0), 1.0)
    return visible * torch.sin(2 * math.pi * (2 * threads.along + 1.4 * threads.across))


def _colors(
    torus: Torus, p: Values, colors: DrawnPalette, warp: Threads, weft: Threads
) -> tuple[torch.Tensor, torch.Tensor]:
    count, elements = p["threads"], colors.elements
    bands = _bands(torus, count)
    plain = torch.zeros(count, dtype=torch.long)
    warp_index, weft_index = {
        "two-tone": (plain, plain + 1),
        "single": (plain, plain),
        "stripes": (bands, plain),
        "check": (bands, bands),
    }[p["scheme"]]
    return (
        _thread_color(torus, p, "warp", warp, elements[warp_index].T),
        _thread_color(torus, p, "weft", weft, elements[weft_index].T),
    )


def _bands(torus: Torus, count: int) -> torch.Tensor:
    """(count,) colour numbers 0..2 in a mirrored sett of bands, two of them a tile."""
    half = count // 4
    cuts = sorted(torus.rng("bands").integers(1, half, 3).tolist())
    band = torch.bucketize(torch.arange(half), torch.tensor(cuts), right=True)
    sett = torch.tensor([0, 1, 0, 2])[band]
    return torch.cat([sett, sett.flip(0)]).repeat(2)


def _thread_color(torus: Torus, p: Values, name: str, threads: Threads, colors: torch.Tensor) -> torch.Tensor:
    """colors (3, count) -> (3, H, W) with each thread its own shade, and streaks along it."""
    count = p["threads"]
    shade = 0.02 * (0.4 + p["irregularity"]) * torus.normal_table(f"{name} shade", count)[threads.number]
    stretch = (1.0, 7.0) if name == "warp" else (7.0, 1.0)
    fibres = torus.noise(f"{name} fibres", count, 8 * count, 0.4, stretch)
    mottled = torus.noise(f"{name} mottled", count / 4, 2 * count, 0.7, stretch)
    amount = shade + 0.022 * fibres + 0.018 * mottled + 0.02 * p["twist"] * _twist(torus, p, threads)
    return lighter(colors[:, threads.number], amount)


WEAVE = Material("woven fabric", PARAMETERS, PALETTES, build)
