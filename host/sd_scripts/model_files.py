"""The files that a script trains with: the model, and beside a flow model its text encoders and its VAE."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...common.errors import InputError
from ...sd_scripts.flow_models import FLOW_MODELS, GEMMA_TOKENIZER, LUMINA2, SD3, T5_TOKENIZER, FlowFacts
from ...sd_scripts.tasks import Job
from .. import folders
from ..flow.families import Family, distilled_file_note
from ..scripts import clip_tokenizer_folder, t5_tokenizer_folder
from .files import TEXT_ENCODERS, checkpoint_family
from .flow_files import (
    ENCODERS,
    FAMILIES,
    Header,
    check_transformer,
    check_vae,
    encoder_argument,
    known_flow,
    read_header,
)
from .order import ScriptOrder

_HELD = {  # argument -> where a whole checkpoint has it. SD3's scripts find it there, Lumina's are told the same file
    SD3: {
        "clip_l": "text_encoders.clip_l.",
        "clip_g": "text_encoders.clip_g.",
        "t5xxl": "text_encoders.t5xxl.",
        "vae": "first_stage_model.",
    },
    LUMINA2: {"gemma2": "text_encoders.gemma2_2b.", "ae": "vae."},
}
_UNETS = ("input_blocks.0.0.weight", "model.diffusion_model.input_blocks.0.0.weight")
_SENTENCEPIECE = ("spiece_model", "text_encoders.gemma2_2b.spiece_model")


@dataclass(frozen=True)
class ModelFiles:
    """The model to train, which job that is, the arguments that name its other files, and what to say of them."""

    model: Path
    job: Job
    arguments: Mapping[str, Path] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def tokenizers(self) -> dict[str, Path | bytes]:
        """Where each tokenizer is that the script would ask a hub for. Raises `InputError` where a file has none."""
        found: dict[str, Path | bytes] = {}
        for repository in self.job.flow.tokenizers if self.job.flow else ():
            if repository == GEMMA_TOKENIZER:
                found[repository] = _sentencepiece(self.arguments["gemma2"])
            else:
                found[repository] = t5_tokenizer_folder() if repository == T5_TOKENIZER else clip_tokenizer_folder()
        return found


def model_files(order: ScriptOrder) -> ModelFiles:
    """What `order` names. Raises `InputError` for a file that is missing, or none that the script could train with."""
    model = _model(order)
    family = checkpoint_family(model, order.family)
    if family not in FLOW_MODELS:
        _check_stable_diffusion(model, family)
        if order.diffusion_model or order.text_encoders:
            raise InputError(
                f"{model.name} is {family}, whose checkpoint holds all. diffusion_model and text_encoder are for flow "
                f"models ({', '.join(FLOW_MODELS)}): set them to none."
            )
        vae = {"vae": folders.model_file("vae", order.vae, "vae")} if order.vae else {}
        return ModelFiles(model, Job(order.task, family), vae)
    header = read_header(model)
    kind = _kind(model, header, family)
    check_transformer(model, header, family)
    job = Job(order.task, family, FlowFacts(kind.times, kind.guidance))
    note = distilled_file_note(model.name, kind)
    return ModelFiles(model, job, _flow_files(order, model, header, family), (note,) if note else ())


def _model(order: ScriptOrder) -> Path:
    if order.diffusion_model:
        return folders.model_file("diffusion_models", order.diffusion_model, "diffusion_model")
    if not order.checkpoint:
        raise InputError("No model is chosen. Choose a checkpoint, or for a flow model its file in diffusion_model.")
    return folders.model_file("checkpoints", order.checkpoint, "checkpoint")


def _check_stable_diffusion(file: Path, family: str) -> None:
    if file.suffix.lower() in (".safetensors", ".sft") and (found := known_flow(read_header(file))):
        raise _another_family(file, found.name, family)


def _kind(file: Path, header: Header, family: str) -> Family:
    found = known_flow(header)
    held = next((kind for name, (kind, _) in TEXT_ENCODERS.items() if name in header), "")
    if not held and any(name in header for name in _UNETS):
        held = "a UNet of Stable Diffusion"
    if held or (found and found not in FAMILIES[family]):
        raise _another_family(file, found.name if found else held, family)
    return found or FAMILIES[family][0]


def _another_family(file: Path, found: str, family: str) -> InputError:
    return InputError(f"{file.name} is {found}, not {family}. Set family to auto, or choose another file.")


def _flow_files(order: ScriptOrder, model: Path, header: Header, family: str) -> dict[str, Path]:
    """The text encoders that were chosen, in any order, and the VAE; and what the checkpoint holds of them."""
    flow = FLOW_MODELS[family]
    found: dict[str, Path] = {}
    for name in order.text_encoders:
        file = folders.model_file("text_encoders", name, "text_encoder")
        argument = encoder_argument(file)
        if argument not in flow.encoders or argument in found:
            why = "is chosen twice" if argument in found else f"is {ENCODERS[argument]}, which {family} does not read"
            wanted = ", ".join(ENCODERS[one] for one in flow.encoders)
            raise InputError(f"{name} {why}. {family} has {wanted}: one file for each, in any order.")
        found[argument] = file
    if order.vae:
        found[flow.vae] = folders.model_file("vae", order.vae, "vae")
        check_vae(found[flow.vae], family)
    held = {
        argument
        for argument, prefix in _HELD.get(family, {}).items()
        if argument not in found and any(name.startswith(prefix) for name in header)
    }
    _check_complete(family, {*found, *held})
    return found | ({argument: model for argument in held} if family == LUMINA2 else {})


def _check_complete(family: str, has: set[str]) -> None:
    flow = FLOW_MODELS[family]
    missing = [ENCODERS[one] for one in flow.encoders if one not in has]
    if missing:
        raise InputError(
            f"{family} is trained with {' and '.join(ENCODERS[one] for one in flow.encoders)}, and "
            f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} not chosen. Choose a file of "
            "models/text_encoders for each in text_encoder, text_encoder_2 and text_encoder_3, in any order."
        )
    if flow.vae not in has:
        raise InputError(f"{family} is trained with a VAE of its own file. Choose it in vae.")


def _sentencepiece(file: Path) -> bytes:
    from safetensors import safe_open

    with safe_open(file, "pt") as opened:
        name = next((name for name in _SENTENCEPIECE if name in opened.keys()), None)
        if name is None:
            raise InputError(
                f"{file.name} holds no tokenizer, and nothing is downloaded. Choose ComfyUI's file of Gemma 2 2B "
                "(gemma_2_2b_fp16.safetensors), which holds it."
            )
        return bytes(opened.get_tensor(name).numpy().tobytes())
