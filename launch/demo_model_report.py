"""The figures and the pictures that say how good a demo model is."""

import copy
from pathlib import Path

import torch

from ..common.files import write_json
from ..common.image_writing import write_png
from ..dataset.procedural.render import MAPS
from ..training.demo.autoencoder import decode_wrapped, encode_wrapped, neighbour_correlation
from ..training.demo.denoiser import Denoiser
from ..training.demo.evaluation import NearestClass, line_unevenness, normal_error, psnr, texture_statistics
from ..training.demo.run import Average
from .demo_model_course import COURSES, HELD_OUT, SIZE, Course, as_input

KNOWN = 80  # held-out renders of each material, from which the judge learns what it looks like
UNKNOWN = 20  # and those on which it shows how well it learnt that
PAINTED = 8  # paintings of each material from held-out captions
RENDERED = 6  # held-out renders of each material, with all maps, for the autoencoder


@torch.no_grad()
def autoencoder_figures(network: torch.nn.Module, course: Course) -> dict:
    """What is lost of held-out renders: dB by kind of map and, for basecolors, by material; the normals' error in
    degrees; how unevenly fine lines are kept (0.01 is 1 %); and how alike neighbouring latents of basecolors are."""
    seeds = range(HELD_OUT, HELD_OUT + RENDERED * len(course.materials))
    drawings = [dict(zip(MAPS, course.drawn(seed, *MAPS), strict=True)) for seed in seeds]
    lost, uneven, angles = {}, {}, None
    for kind in MAPS:
        images = torch.cat([as_input(maps[kind]) for maps in drawings])
        if kind not in ("basecolor", "normal"):
            images = images[images.flatten(1).std(1) > 0.02]  # a flat map is no test
        results = torch.cat([through_autoencoder(network, image[None]) for image in images])
        if kind not in ("basecolor", "normal"):
            results = results.mean(1, keepdim=True).expand_as(images)
        lost[kind] = psnr(results, images).mean().item()
        uneven[kind] = line_unevenness(results, images)
        if kind == "basecolor":
            lost |= _by_material(psnr(results, images), torch.arange(len(images)) % len(course.materials), course)
        if kind == "normal":
            angles = normal_error(results, images).mean().item()
    latents = torch.cat([encode_wrapped(network, as_input(maps["basecolor"])) for maps in drawings])
    alike = neighbour_correlation(latents).item()
    return {"psnr": lost, "normal_degrees": angles, "line_unevenness": uneven, "neighbour_correlation": alike}


@torch.no_grad()
def painting_figures(
    denoiser: Denoiser, network: torch.nn.Module, course: Course
) -> tuple[dict, list[list[torch.Tensor]]]:
    """How many paintings of held-out captions are recognised as what they show, and how many renders; and the
    paintings, a row for each round of the materials."""
    count = len(course.materials)
    drawings = [course.drawn(HELD_OUT + index, "basecolor")[0] for index in range(count * (KNOWN + UNKNOWN))]
    classes = torch.tensor([course.material(HELD_OUT + index) for index in range(len(drawings))])
    statistics = torch.cat([texture_statistics(through_autoencoder(network, as_input(one))) for one in drawings])
    known = count * KNOWN
    judge = NearestClass.fitted(statistics[:known], classes[:known])
    predicted = judge.classify(statistics[known:])
    painted, shown = count * PAINTED, classes[known : known + count * PAINTED]
    prompts = [drawing.captions[1] for drawing in drawings[known : known + painted]]
    latents = [denoiser.paint([prompt], SIZE // 8, seed) for seed, prompt in enumerate(prompts)]
    paintings = [decode_wrapped(network, latent) for latent in latents]
    painted_told = judge.classify(texture_statistics(torch.cat(paintings)))
    figures = {
        "renders_told_apart": _by_material((predicted == classes[known:]).float(), classes[known:], course),
        "paintings_told_apart": _by_material((painted_told == shown).float(), shown, course),
    }
    return figures, [paintings[row : row + count] for row in range(0, painted, count)]


def report(
    network: torch.nn.Module, denoiser: Denoiser | None, course: Course, folder: Path, name: str = "evaluation"
) -> None:
    """Write folder/<name>.json and, where there is a denoiser, its paintings as folder/<name>.png."""
    figures = autoencoder_figures(network, COURSES["everyday"])  # the same renders whatever the model was taught
    if denoiser is not None:
        more, rows = painting_figures(denoiser, network, course)
        figures |= more
        write_sheet(folder / f"{name}.png", rows)
    write_json(folder / f"{name}.json", figures)


def reconstructions(network: torch.nn.Module, average: Average, course: Course, path: Path) -> None:
    """Held-out maps above what the averaged autoencoder makes of them."""
    averaged = copy.deepcopy(network)
    averaged.load_state_dict(average.weights)
    kinds = [kind for kind in course.shares if kind != "metallic"]
    images = [as_input(*course.drawn(HELD_OUT + index, kinds[index % len(kinds)])) for index in range(2 * len(kinds))]
    with torch.no_grad():
        results = [through_autoencoder(averaged, image) for image in images]
    write_sheet(path, [images, results])


def paintings(denoiser: Denoiser, network: torch.nn.Module, course: Course, path: Path) -> None:
    """A held-out caption of each material, above it the render it belongs to; below it the shortest caption."""
    drawings = [course.drawn(HELD_OUT + index, "basecolor")[0] for index in range(len(course.materials))]
    long = denoiser.paint([drawing.captions[1] for drawing in drawings], SIZE // 8)
    short = denoiser.paint([drawing.captions[-1] for drawing in drawings], SIZE // 8, seed=1)
    rows = [[decode_wrapped(network, latent[None]) for latent in row] for row in (long, short)]
    write_sheet(path, [[as_input(drawing) for drawing in drawings], *rows])


def through_autoencoder(network: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Tiles (B, 3, H, W) in -1..1 as the autoencoder gives them back: nothing sharper can be painted."""
    return decode_wrapped(network, encode_wrapped(network, images))


def write_sheet(path: Path, rows: list[list[torch.Tensor]]) -> None:
    """Rows of images (1, 3, H, W) in -1..1 as one PNG."""
    write_png(path, torch.cat([torch.cat(row, 3) for row in rows], 2)[0] / 2 + 0.5)


def _by_material(values: torch.Tensor, classes: torch.Tensor, course: Course) -> dict[str, float]:
    means = {name: values[classes == number].mean().item() for number, name in enumerate(course.materials)}
    return {"all": values.mean().item(), **means}
