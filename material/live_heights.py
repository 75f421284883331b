"""A height, or a channel of a picture, for maps that the browser makes live: as it is, and without its stair-steps."""

from typing import Any

import torch

from .viewed_maps import height_file, scaled_down


def live_height(heights: torch.Tensor, smooth: torch.Tensor | None) -> tuple[dict[str, bytes], dict[str, Any]]:
    """PNG files (`height_file`) of the first of (B, 1, H, W), and facts: "height", and "smooth" where that differs.

    smooth is the height without its stair-steps, None where that is not known. Large heights are scaled down.
    """
    kept = {"height": heights[:1]}
    if smooth is not None and not torch.equal(smooth[:1], kept["height"]):
        kept["smooth"] = smooth[:1]
    made = {name: height_file(scaled_down(height)[0]) for name, height in kept.items()}
    facts = {
        "pixels": [heights.shape[-1], heights.shape[-2]],
        "range": {name: [file.low, file.high] for name, file in made.items()},
        "debanded": smooth is not None,
    }
    return {name: file.png for name, file in made.items()}, facts
