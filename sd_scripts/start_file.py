"""The LoRA that a training goes on from: what sd-scripts would pass over in silence, or end at after minutes."""

import re
from collections.abc import Iterable, Mapping, Sequence

from ..common.errors import InputError
from ..training.config import NetworkConfig
from .flow_models import ANIMA, CHROMA, FLUX, LUMINA2, SD3
from .tasks import SD1, SD2, SD2_V, SDXL

OF_A_UNET = re.compile(r"(down_blocks|mid_block|up_blocks|input_blocks|middle_block|output_blocks)_")
OF_FLOWS = {  # how the layers of each begin, behind lora_unet_
    "Flux.1 or Chroma": (re.compile(r"(double|single)_blocks_"), (FLUX, CHROMA)),
    "SD3": (re.compile(r"joint_blocks_"), (SD3,)),
    "Lumina 2": (re.compile(r"(layers|noise_refiner|context_refiner)_\d"), (LUMINA2,)),
    "Anima": (re.compile(r"(net_)?blocks_\d|llm_adapter_"), (ANIMA,)),
}
OF_TEXTS = {768: (SD1,), 1024: (SD2, SD2_V), 2048: (SDXL,)}  # by the width of what a UNet's cross-attention reads
OF_KINDS = {  # what a layer of each has, behind its name
    "LoRA": ("lora_down.weight", "lora_up.weight", "dora_scale", "alpha"),
    "LoHa": ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "dora_scale", "alpha"),
    "LoKr": ("lokr_w1", "lokr_w1_a", "lokr_w1_b", "lokr_w2", "lokr_w2_a", "lokr_w2_b", "dora_scale", "alpha"),
}
_CROSS_ATTENTION = re.compile(r"attn2_to_[kv]\.lora_down\.weight$")


def check_start(name: str, shapes: Mapping[str, Sequence[int]], family: str, network: NetworkConfig) -> None:
    """Raise `InputError` unless a LoRA with weights of these shapes, by name, is one that sd-scripts goes on from.

    family is that of the model. `name` names the file in messages.
    """
    what = f"The LoRA to start from, {name},"
    kept = {key: shape for key, shape in shapes.items() if key.startswith(("lora_unet_", "lora_te"))}
    if not kept:
        raise InputError(
            f"{what} has no layers with the names of sd-scripts (lora_unet_…), but such as {next(iter(shapes))}: "
            "sd-scripts would begin anew without a word. Choose one that sd-scripts or Train Texture LoRA has written, "
            "or convert it."
        )
    made_for = _family(kept)
    if made_for and family not in made_for[1]:
        raise InputError(f"{what} was made for {made_for[0]}, but the model is {family}. Choose one made for {family}.")
    wanted = "LoRA" if network.kind == "DoRA" else network.kind
    kind = next((kind for kind, (mark, *_) in OF_KINDS.items() if any(f".{mark}" in key for key in kept)), wanted)
    if kind != wanted:
        raise InputError(f"{what} is a {kind}, but network type is {network.kind}. Set it to {kind}.")
    if beside := next((key for key in kept if key.partition(".")[2] not in OF_KINDS[kind]), ""):
        raise InputError(
            f"{what} holds {beside}, which sd-scripts passes over for a {network.kind} without a word, so that it "
            "would have another effect. Choose another file, or start from nothing."
        )
    if network.kind != "DoRA" and any(key.endswith("dora_scale") for key in kept):
        raise InputError(f"{what} is a DoRA, but network type is {network.kind}. Set it to DoRA.")
    if wanted == "LoRA":
        _check_ranks(kept, network, what)


def _family(shapes: Mapping[str, Sequence[int]]) -> tuple[str, Iterable[str]] | None:
    """What the layers are of in words, and the families that it fits; None for those that do not tell."""
    paths = [key.removeprefix("lora_unet_") for key in shapes if key.startswith("lora_unet_")]
    if any(map(OF_A_UNET.match, paths)):
        widths = {shape[1] for key, shape in shapes.items() if _CROSS_ATTENTION.search(key) and len(shape) > 1}
        fits = next((OF_TEXTS[width] for width in sorted(widths) if width in OF_TEXTS), None)
        unets = tuple(family for families in OF_TEXTS.values() for family in families)
        return (fits[0], fits) if fits else ("a UNet of Stable Diffusion", unets)
    found = ((words, fits) for words, (begins, fits) in OF_FLOWS.items() if any(map(begins.match, paths)))
    return next(found, None)


def _check_ranks(shapes: Mapping[str, Sequence[int]], network: NetworkConfig, what: str) -> None:
    """Raise `InputError` where a layer has another rank than the network: 3x3 convolutions have one of their own."""
    for key, shape in shapes.items():
        if not key.endswith(".lora_down.weight"):
            continue
        wide = tuple(shape[2:]) == (3, 3)
        name, wanted = ("convolution rank", network.conv_rank) if wide else ("rank", network.rank)
        if shape[0] != wanted:
            raise InputError(
                f"{what} has rank {shape[0]}, but {name} is set to {wanted}. Set it to {shape[0]}, or choose another "
                f"file where layers differ ({key})."
            )
