"""Self-attention that the rows of a material share, as options for the host's networks: in sampling and in training.

Flux, Chroma, Qwen-Image and Krea 2 have a place for it, the patch before self-attention. In UNets, Lumina (Z-Image),
SD3 and Anima it stands around the attention function.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from comfy.ldm.cosmos.predict2 import MiniTrainDIT
from comfy.ldm.lumina.model import NextDiT
from comfy.ldm.modules.diffusionmodules.mmdit import MMDiT
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel

from ..common.errors import InputError
from ..sets.same_places import told_by_siblings
from ..sets.shared_rows import joined_rows

WINDOWS = "tilewright_windows"  # in the transformer options: into how many windows each row was cut
OVERRIDE = "optimized_attention_override"

Attention = Callable[..., torch.Tensor]
IsShared = Callable[[Mapping[str, Any], torch.Tensor], bool]


def sharing_options(network: torch.nn.Module, maps: int, options: Mapping[str, Any]) -> dict[str, Any]:
    """`options` for a transformer or UNet of the host, with self-attention shared by `maps` rows at a time.

    What `options` already have of patches and of an attention function stays in force.
    """
    if maps == 1:
        return dict(options)
    inner = options.get(OVERRIDE)
    if isinstance(network, NextDiT | MMDiT):
        told_apart = _after_refiners if isinstance(network, NextDiT) else _always
        return {**options, OVERRIDE: _around(maps, told_apart, inner)}
    if isinstance(network, MiniTrainDIT):
        mark = _SelfAttentionMark()
        return {**_patched(options, mark), OVERRIDE: _around(maps, mark.taken, inner)}
    if isinstance(network, UNetModel):
        mark = _UnetMark()
        return {**_patched(options, mark), OVERRIDE: _at_same_places(maps, mark.taken, inner)}
    return _patched(options, _HeadPatch(maps))


def _patched(options: Mapping[str, Any], patch: Callable[..., Any]) -> dict[str, Any]:
    """The options with a patch before self-attention, in front of others."""
    patches = dict(options.get("patches", {}))
    patches["attn1_patch"] = [patch, *patches.get("attn1_patch", [])]
    return {**options, "patches": patches}


class _HeadPatch:
    """For transformers that give keys and values by heads, (B, H, L, D), before positions are applied."""

    def __init__(self, maps: int) -> None:
        self.maps = maps

    def __call__(
        self,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        pe: torch.Tensor | None = None,
        attn_mask: torch.Tensor | None = None,
        extra_options: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        _refuse_mask(attn_mask)
        windows = (extra_options or {}).get(WINDOWS, 1)
        together = {name: joined_rows(part, self.maps, windows, dim=2) for name, part in {"k": k, "v": v}.items()}
        return {**together, "pe": _repeated_positions(pe, self.maps)}


class _SelfAttentionMark:
    """For networks whose patch comes before their keys are made: it only marks which attention comes next.

    For each device by itself: the host has threads that run prompts on several GPUs at once. A copy of the options
    holds the same mark, which the attention function reads.
    """

    def __init__(self) -> None:
        self.is_next: dict[torch.device, bool] = {}

    def __deepcopy__(self, _memo: Any) -> "_SelfAttentionMark":
        return self

    def __call__(self, q: torch.Tensor, *given: Any, **named: Any) -> Any:
        self.is_next[q.device] = True
        return {}

    def taken(self, _options: Mapping[str, Any], q: torch.Tensor) -> bool:
        """Whether this is the attention that was marked."""
        return self.is_next.pop(q.device, False)


class _UnetMark(_SelfAttentionMark):
    """UNets want the tokens, the context and the values back."""

    def __call__(self, q: torch.Tensor, *given: Any, **named: Any) -> Any:
        super().__call__(q)
        return q, given[0], given[1]


def _repeated_positions(pe: torch.Tensor | None, maps: int) -> torch.Tensor | None:
    """Positions (1, 1, L, ...) once for each map; queries, which are fewer, take the first of them."""
    return None if pe is None else torch.cat([pe] * maps, 2)


def _always(_options: Mapping[str, Any], _q: torch.Tensor) -> bool:
    return True


def _after_refiners(options: Mapping[str, Any], _q: torch.Tensor) -> bool:
    """Whether a network that first works on text and image apart has come to its blocks for both."""
    return "block_type" in options


def _around(maps: int, is_shared: IsShared, inner: Callable[..., torch.Tensor] | None) -> Attention:
    """The attention function, given the keys and values of all rows. inner: what already stands around it.

    is_shared says by the transformer options and the queries whether the coming attention is one of the image's tokens.
    """

    def attend(
        attention: Attention, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, *args: Any, **named: Any
    ) -> torch.Tensor:
        options = named.get("transformer_options") or {}
        if is_shared(options, q):
            _refuse_mask(named.get("mask"))
            dim = 2 if named.get("skip_reshape") else 1
            k, v = (joined_rows(part, maps, options.get(WINDOWS, 1), dim) for part in (k, v))
        return attention(q, k, v, *args, **named) if inner is None else inner(attention, q, k, v, *args, **named)

    return attend


def _at_same_places(maps: int, is_shared: IsShared, inner: Callable[..., torch.Tensor] | None) -> Attention:
    """The attention function of a UNet, which adds what the siblings have at each place."""

    def attend(
        attention: Attention, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, heads: int, *args: Any, **named: Any
    ) -> torch.Tensor:
        options = named.get("transformer_options") or {}
        shared = is_shared(options, q)
        run = attention if inner is None else partial(inner, attention)
        own = run(q, k, v, heads, *args, **named)
        if not shared:
            return own
        _refuse_mask(named.get("mask"))
        return own + told_by_siblings(q, k, v, heads, maps, options.get(WINDOWS, 1))

    return attend


def _refuse_mask(mask: torch.Tensor | None) -> None:
    if mask is not None:
        raise InputError(
            "Material Set Model cannot share attention that is masked, as regional prompts do it. Take the mask away "
            "(areas, regions, attention masks)."
        )
