"""Rotary positions of the host's transformers that close on themselves: for a network that trains or samples a torus.

With every frequency rounded to whole turns over the image, the right edge lies next to the left one. Where text stands
in line with the image, its own position is the only thing that still tells a place. So the image may be moved against
it: that is, exactly, a torus rolled under it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from comfy.ldm.chroma.model import Chroma
from comfy.ldm.cosmos.predict2 import MiniTrainDIT
from comfy.ldm.flux.model import Flux
from comfy.ldm.krea2.model import SingleStreamDiT
from comfy.ldm.lumina.model import NextDiT
from comfy.ldm.qwen_image.model import QwenImageTransformer2DModel

from ...common.axes import Axes
from ...seamless.harmonic_positions import rotary_positions

ROWS, COLUMNS = 1, 2  # which axes of a position are the image's


class PeriodicPositions:
    """In place of a rotary embedding: positions with a period in patches along `axes`.

    Each pass begins with `begin`, which says how large the image is; `end` makes it the plain embedding again.
    """

    def __init__(self, embedder: Any, axes: Axes, patch: int, joint: bool) -> None:
        self.embedder, self.axes, self.patch, self.joint = embedder, axes, patch, joint
        self.periods: dict[int, int] = {}
        self.offset: dict[int, int] = {}
        self.words = 0

    def begin(
        self, size: Sequence[int], words: int = 0, offset: Sequence[int] = (0, 0), axes: Axes | None = None
    ) -> None:
        """For latents of `size` (height, width), after `words` of text in one row with them.

        offset (rows, columns), in latent pixels and whole patches: by how much the latents are seen rolled.
        axes: those that wrap in this pass, if they are not the ones of all.
        """
        axes = axes or self.axes
        along = {ROWS: (size[0], axes.y), COLUMNS: (size[1], axes.x)}
        self.periods = {axis: -(-length // self.patch) for axis, (length, wraps) in along.items() if wraps}
        self.offset = dict(zip((ROWS, COLUMNS), (cells // self.patch for cells in offset), strict=True))
        self.words = words

    def end(self) -> None:
        """As if nothing wrapped."""
        self.periods, self.offset = {}, {}

    def __call__(self, ids: torch.Tensor, *given: Any, **named: Any) -> torch.Tensor:
        if ids.ndim == 5:
            return self._of_grid(ids)
        if any(self.offset.values()) and self.joint:
            ids = ids.clone()
            for axis, moved in self.offset.items():
                ids[:, self.words :, axis] += moved
        parts = [
            rotary_positions(ids[..., axis], channels, self.embedder.theta, self.periods.get(axis))
            for axis, channels in enumerate(self.embedder.axes_dim[: ids.shape[-1]])
        ]
        return torch.cat(parts, dim=-3).unsqueeze(1)

    def _of_grid(self, tokens: torch.Tensor) -> torch.Tensor:
        """For tokens (B, T, H, W, D), whose shape an embedding of Cosmos's kind (Anima) reads: (T H W, D / 2, 2, 2)."""
        embedder, lengths = self.embedder, tokens.shape[1:4]
        spatial, temporal = 2 * len(embedder.dim_spatial_range), 2 * len(embedder.dim_temporal_range)
        channels = (temporal, spatial, spatial)
        factors = (embedder.t_ntk_factor, embedder.h_ntk_factor, embedder.w_ntk_factor)
        grid = torch.meshgrid(*(torch.arange(length, device=tokens.device) for length in lengths), indexing="ij")
        parts = [
            rotary_positions(place.reshape(1, -1), width, 10000.0 * factor, self.periods.get(axis))[0]
            for axis, (place, width, factor) in enumerate(zip(grid, channels, factors, strict=True))
        ]
        return torch.cat(parts, dim=-3)


@dataclass(frozen=True)
class RotaryEmbedding:
    """Where a network has its rotary embedding. joint: text and image go through it together, the text first."""

    path: str
    joint: bool


def rotary_embedding(network: torch.nn.Module) -> RotaryEmbedding | None:
    """That of a network of the host; None for one that knows places otherwise, or that is not known here."""
    if isinstance(network, Flux | Chroma | QwenImageTransformer2DModel | SingleStreamDiT):
        return RotaryEmbedding("pe_embedder", joint=True)
    if isinstance(network, NextDiT):
        return RotaryEmbedding("rope_embedder", joint=False)
    if isinstance(network, MiniTrainDIT) and not network.extra_per_block_abs_pos_emb:
        return RotaryEmbedding("pos_embedder", joint=False)
    return None


def periodic_positions(network: Any, axes: Axes) -> PeriodicPositions:
    """Positions for a network that has rotary ones; they are not put in place yet."""
    embedding = rotary_embedding(network)
    assert embedding is not None
    return PeriodicPositions(getattr(network, embedding.path), axes, patch_of(network), embedding.joint)


def patch_of(network: Any) -> int:
    """How many latent pixels a side one token has."""
    return next(getattr(network, name) for name in ("patch_size", "patch", "patch_spatial") if hasattr(network, name))
