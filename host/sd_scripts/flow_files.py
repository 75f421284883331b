"""What a file of a flow model, a text encoder or a VAE is, by its header alone and the host's own rules.

sd-scripts takes what it is given: the text encoder of another model, or 8-bit weights whose scales it does not read,
would train without an error.
"""

from collections.abc import Mapping
from pathlib import Path

import comfy.model_detection
import comfy.sd
import comfy.utils
import torch

from ...common.errors import InputError
from ...sd_scripts.flow_models import ANIMA, CHROMA, FLUX, LUMINA2, SD3
from ..flow import families

FAMILIES = {  # of sd-scripts, with what the host has for each; Flux.1 is dev unless a file says that it is schnell
    FLUX: (families.FLUX, families.SCHNELL),
    CHROMA: (families.CHROMA,),
    SD3: (families.SD3,),
    LUMINA2: (families.LUMINA2,),
    ANIMA: (families.ANIMA,),
}
ENCODERS = {  # the argument that names it -> what it is called
    "clip_l": "CLIP-L",
    "clip_g": "CLIP-G",
    "t5xxl": "T5-XXL",
    "gemma2": "Gemma 2 2B",
    "qwen3": "Qwen3 0.6B",
}
_ARGUMENTS = {
    comfy.sd.TEModel.CLIP_L: "clip_l",
    comfy.sd.TEModel.CLIP_G: "clip_g",
    comfy.sd.TEModel.T5_XXL: "t5xxl",
    comfy.sd.TEModel.GEMMA_2_2B: "gemma2",
    comfy.sd.TEModel.QWEN3_06B: "qwen3",
}
_UNET = "model.diffusion_model."
_PREFIXES = {SD3: (_UNET,), ANIMA: ("net.", "")}  # of the others: with it or without
_SCALES = (".scale_weight", ".weight_scale", ".weight_scale_2", ".comfy_quant", "scaled_fp8")
_RENAMED = {FLUX: "norm.query_norm.weight", CHROMA: "norm.query_norm.weight"}  # by hosts; the files' authors have scale
_LATENT_CHANNELS = 16
_EMBEDDINGS = ("shared.weight", "encoder.embed_tokens.weight")
_T5_WORDS = 32128  # with some that pad; UMT5, which is built alike, has 256384

Header = Mapping[str, torch.Tensor]


def read_header(file: Path) -> Header:
    """The tensors of a safetensors file without their values. Raises `InputError` for another kind of file."""
    from safetensors import SafetensorError, safe_open

    if file.suffix.lower() not in (".safetensors", ".sft"):
        raise InputError(f"{file.name} is not a safetensors file, which the scripts for flow models need.")
    try:
        with safe_open(file, "pt") as opened:
            shapes = {name: opened.get_slice(name).get_shape() for name in opened.keys()}
    except (SafetensorError, OSError) as error:
        raise InputError(f"{file} cannot be read ({error}). Download or copy it again.") from None
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


def known_flow(header: Header) -> families.Family | None:
    """The family of the transformer in a file, by the host's rules; None for no flow model."""
    prefix = comfy.model_detection.unet_prefix_from_state_dict(header)
    bare = {name.removeprefix(prefix): value for name, value in header.items() if name.startswith(prefix)} or header
    try:
        unet_config = comfy.model_detection.detect_unet_config(bare, "")
        config = unet_config and comfy.model_detection.model_config_from_unet_config(unet_config, bare)
    except (KeyError, IndexError, ZeroDivisionError, TypeError, RuntimeError, NotImplementedError):
        return None  # the host's rules take a file for what it is not, or ask for a value
    return families.family_of_config(config) if config else None


def script_family(file: Path, known: families.Family) -> str:
    """What sd-scripts' nodes call a family. Raises `InputError` for one that it does not train."""
    name = next((name for name, ours in FAMILIES.items() if known in ours), None)
    if name is None:
        raise InputError(
            f"{file.name} is {known.name}, for which sd-scripts has no script. Use Train Texture LoRA, or choose "
            f"{', '.join(FAMILIES)} or Stable Diffusion."
        )
    return name


def check_transformer(file: Path, header: Header, family: str) -> None:
    """Raise `InputError` for weights that the scripts of `family` would not read, or not as they are meant."""
    check_scales(file, header)
    prefixes = _PREFIXES.get(family, (_UNET, ""))
    has = next((prefix for prefix in (_UNET, "net.") if any(name.startswith(prefix) for name in header)), "")
    renamed = _RENAMED.get(family)
    if has not in prefixes or (renamed and any(name.endswith(renamed) for name in header)):
        wanted = "a whole checkpoint" if family == SD3 else "the file of the transformer alone, as its authors offer it"
        raise InputError(
            f"{file.name} names its weights in a way that sd-scripts' {family} does not read. Use {wanted}."
        )


def check_scales(file: Path, header: Header) -> None:
    """Raise `InputError` for weights of few bits that come with scales."""
    if any(name.endswith(_SCALES) for name in header):
        raise InputError(
            f"{file.name} has weights of 8 bits or less with scales beside them, and sd-scripts would read it without "
            "these. Choose the file in bf16 or fp16; --fp8_base in arguments then saves as much memory."
        )


def encoder_argument(file: Path) -> str:
    """The argument that a text encoder's file belongs to. Raises `InputError` for another file."""
    header = read_header(file)
    check_scales(file, header)
    argument = _ARGUMENTS.get(comfy.sd.detect_te_model(header))
    if argument is None:
        raise InputError(
            f"{file.name} is none of the text encoders {', '.join(ENCODERS.values())}. Choose another file."
        )
    words = next((header[name].shape[:1].numel() for name in _EMBEDDINGS if name in header), _T5_WORDS)
    if argument == "t5xxl" and words != _T5_WORDS:
        raise InputError(
            f"{file.name} is built like T5-XXL but knows {words} words, not {_T5_WORDS}, as UMT5-XXL of Wan does. "
            "Choose the file of T5-XXL, such as t5xxl_fp16.safetensors."
        )
    return argument


def check_vae(file: Path, family: str) -> None:
    """Raise `InputError` for a VAE that is built otherwise than that of `family`."""
    header = read_header(file)
    named = header.get("decoder.conv_in.weight")
    image = named is not None and named.ndim == 4 and named.shape[1] == _LATENT_CHANNELS and _is_original(header)
    video = any(value.ndim == 5 for name, value in header.items() if name.startswith("decoder."))
    if not (video if family == ANIMA else image):
        fitting = {ANIMA: "that of Qwen-Image", SD3: "that of SD3"}.get(family, "that of Flux.1 (ae.safetensors)")
        raise InputError(f"{file.name} is not a VAE of the kind that {family} has. Choose {fitting} in vae.")


def _is_original(header: Header) -> bool:
    return "encoder.down.0.block.0.conv1.weight" in header  # diffusers calls it another name
