"""Evaluation nodes: which checkpoint, at which weight, and whether it was learnt by heart."""

from comfy_api.latest import io

from .check_overfit import CheckOverfit
from .lora_grid import LoraGridNode
from .score_grid import ScoreGrid
from .score_images import ScoreImages

NODES: list[type[io.ComfyNode]] = [LoraGridNode, ScoreGrid, CheckOverfit, ScoreImages]
