"""The pack's HTTP routes. serving holds what all of them promise; each other module is a list `ROUTES` of one concern.

about: the version, by which the editor's views see that the server has these routes.
choices: what inputs of free text may be filled with.
datasets: listings of datasets, thumbnails, edits of captions.
heights: the height that a loader will give, for normals before any run.
grids: LoRA grids with their scores.
runs: trainings, how they stand, their logs and pictures, and what is asked of them. pictures: how a picture is sent.
"""

from . import about, choices, datasets, grids, heights, runs
from .serving import Route, register

ROUTES: list[Route] = [
    *about.ROUTES,
    *choices.ROUTES,
    *datasets.ROUTES,
    *heights.ROUTES,
    *grids.ROUTES,
    *runs.ROUTES,
]


def register_routes() -> None:
    """Offer all of them on the running ComfyUI."""
    register(ROUTES)
