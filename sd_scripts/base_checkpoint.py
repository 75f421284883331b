"""Which family of Stable Diffusion a checkpoint file is, read off the names of its weights."""

from pathlib import Path

from ..common.errors import InputError

SD1, SD2, SD2_V, SDXL = "SD1", "SD2", "SD2 v-prediction", "SDXL"
FAMILIES = [SD1, SD2, SD2_V, SDXL]
AUTO = "auto"

_MARKS = {  # a weight of its text encoder, by which ComfyUI tells them apart too
    "conditioner.embedders.1.model.ln_final.weight": SDXL,
    "cond_stage_model.model.ln_final.weight": SD2,
    "cond_stage_model.transformer.text_model.final_layer_norm.weight": SD1,
}
_SPREADS_IN_V = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"
_V_SPREAD = 0.09


def checkpoint_family(file: Path, told: str) -> str:
    """One of `FAMILIES`: as `told`, or for "auto" as the file says. Raises `InputError` for another kind of file."""
    if told != AUTO:
        return told
    if file.suffix.lower() not in (".safetensors", ".sft"):
        raise InputError(
            f"{file.name} is no safetensors file, so what it holds cannot be read beforehand. Choose its family "
            "instead of auto."
        )
    return _read_family(file)


def _read_family(file: Path) -> str:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt") as weights:
            names = set(weights.keys())
            family = next((family for mark, family in _MARKS.items() if mark in names), None)
            if family == SD2 and _SPREADS_IN_V in names:
                predicts_v = weights.get_tensor(_SPREADS_IN_V).float().std() > _V_SPREAD
                return SD2_V if predicts_v else SD2
    except (SafetensorError, OSError) as error:
        raise InputError(f"{file} cannot be read ({error}). Download or copy the checkpoint again.") from None
    if family is None:
        raise InputError(
            f"{file.name} is no checkpoint of Stable Diffusion 1, 2 or SDXL with its text encoder, which these scripts "
            "train. Choose such a checkpoint, or its family if you know that it is one."
        )
    return family
