"""Image and text encoders that a user has: loaded by the host, and refused where their file lacks what a score needs.

A file without its projection loads without an error, and the host then projects with memory that nobody wrote. So the
files' own keys are read before anything is believed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.clip_model
import comfy.clip_vision
import comfy.model_management
import comfy.utils
import folder_paths
import torch
from torch.nn import functional as F

from ..common.errors import InputError
from ..evaluation.aesthetic import EMBEDDING, AestheticHead
from ..evaluation.embeddings import contrast, cosines, likeness, views
from .folders import model_file
from .protocols import Clip
from .weight_files import read_weights

NONE = "none"
AESTHETIC_FOLDER = "aesthetic"  # the folder below ComfyUI's models, and a key for extra_model_paths.yaml
PROJECTION = "visual_projection.weight"
_AT_ONCE = 8  # views in one pass
_TOWERS = ("g", "h", "l")


def vision_files() -> list[str]:
    """What Load CLIP Vision lists, after `NONE`."""
    return [NONE, *folder_paths.get_filename_list("clip_vision")]


def aesthetic_files() -> list[str]:
    """Files in models/aesthetic, after `NONE`."""
    folder_paths.add_model_folder_path(AESTHETIC_FOLDER, str(Path(folder_paths.models_dir, AESTHETIC_FOLDER)))
    return [NONE, *folder_paths.get_filename_list(AESTHETIC_FOLDER)]


@dataclass(frozen=True)
class VisionEncoder:
    """An image encoder and what its file has. width is that of its embeddings."""

    name: str
    model: Any
    projected: bool

    @property
    def is_clip(self) -> bool:
        return self.model.model_type == "clip_vision_model"

    @property
    def label(self) -> str:
        return Path(self.name).stem

    @property
    def side(self) -> int:
        """Pixels of the square that it sees; SigLIP 2 takes any size, scaled to as many patches as a square has."""
        config = self.model.config
        if self.model.image_size > 0:
            return self.model.image_size
        return int(config["num_patches"] ** 0.5) * config["patch_size"]

    @torch.inference_mode()
    def __call__(self, pictures: Sequence[torch.Tensor]) -> torch.Tensor:
        """(B, D) of unit length of pictures (3, H, W): the mean over the whole and crops that wrap."""
        embeddings = []
        for picture in pictures:
            seen = views(picture.nan_to_num(0, 0, 0).clamp(0, 1), self.side)
            whole, crops = self._embed(seen[:1]), self._embed(seen[1:]) if len(seen) > 1 else None
            both = whole if crops is None else torch.cat([whole, crops])
            embeddings.append(F.normalize(both, dim=1).mean(0))
            comfy.model_management.throw_exception_if_processing_interrupted()
        return F.normalize(torch.stack(embeddings), dim=1).cpu().double()

    def _embed(self, seen: Sequence[torch.Tensor]) -> torch.Tensor:
        images = torch.stack(list(seen)).movedim(1, -1)
        return torch.cat([self._forward(part).float() for part in images.split(_AT_ONCE)])

    def _forward(self, images: torch.Tensor) -> torch.Tensor:
        model = self.model
        if model.model_type == "dinov3":  # whose second output is None, on which encode_image stumbles
            comfy.model_management.load_model_gpu(model.patcher)
            pixels = comfy.clip_model.clip_preprocess(
                images.to(model.load_device),
                size=model.image_size,
                mean=model.image_mean,
                std=model.image_std,
                crop=True,
            )
            return model.model(pixel_values=pixels.float())[2]
        output = model.encode_image(images)
        if model.model_type.startswith("siglip"):
            return output["last_hidden_state"].mean(1)
        return output["image_embeds"] if self.projected or not self.is_clip else output["last_hidden_state"][:, 0]


def load_vision(name: str) -> VisionEncoder | None:
    """The encoder of a file in models/clip_vision; None for `NONE`. Raises `InputError` for an unknown kind, and for a
    file without all of its weights."""
    if name == NONE:
        return None
    state = dict(read_weights(model_file("clip_vision", name, "clip_vision"), f"The image encoder {name}")[0])
    if "visual.transformer.resblocks.0.attn.in_proj_weight" in state:  # as open_clip names them
        state = comfy.clip_vision.convert_to_transformers(state, "visual.")
    model = comfy.clip_vision.load_clipvision_from_sd(dict(state))
    if model is None:
        raise InputError(
            f"clip_vision is {name}, whose kind ComfyUI does not know. It knows CLIP ViT-L, ViT-H and ViT-bigG, SigLIP "
            "so400m, DINOv2 large and giant, and DINOv3 ViT-H."
        )
    missing = sorted(model.model.state_dict().keys() - state.keys() - {PROJECTION})
    if missing:
        raise InputError(
            f"clip_vision is {name}, which lacks {len(missing)} of the weights of its kind, {missing[0]} first; "
            "ComfyUI would fill them with unwritten memory. Download the file again."
        )
    return VisionEncoder(name, model, PROJECTION in state)


def file_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a model file's tensors."""
    if path.suffix.lower() in (".safetensors", ".sft"):
        from safetensors import safe_open

        with safe_open(path, "pt") as file:
            return {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
    return {key: tuple(value.shape) for key, value in comfy.utils.load_torch_file(str(path), safe_load=True).items()
            if isinstance(value, torch.Tensor)}  # fmt: skip


def load_aesthetic(name: str, vision: VisionEncoder | None) -> AestheticHead | None:
    """The head of a file in models/aesthetic. Raises `InputError` where the image encoder is not the one it is for."""
    if name == NONE:
        return None
    if vision is None or not vision.is_clip or not vision.projected or _width(vision) != EMBEDDING:
        found = "none" if vision is None else vision.name
        raise InputError(
            f"aesthetic reads embeddings of CLIP ViT-L/14 with its projection, and clip_vision is {found}. Choose "
            "clip-vit-large-patch14 with visual_projection there, or set aesthetic to none."
        )
    aesthetic_files()
    path = model_file(AESTHETIC_FOLDER, name, "aesthetic")
    return AestheticHead.from_state(read_weights(path, f"The aesthetic head {name}")[0], Path(name).name)


def _width(vision: VisionEncoder) -> int:
    return vision.model.config.get("projection_dim", 0)


class TextEncoder:
    """The text tower of a CLIP whose file holds its projection. Raises `InputError` with the reason for one without."""

    def __init__(self, clip: Clip, vision: VisionEncoder) -> None:
        if not vision.is_clip or not vision.projected:
            what = "has no visual_projection" if vision.is_clip else "is no CLIP, so no text lies in its space"
            raise InputError(
                f"clip_vision is {vision.name}, which {what}: prompts cannot be compared with pictures. Choose a CLIP "
                "file with visual_projection, or leave the text CLIP unconnected."
            )
        self.clip, self.kind = clip, _projected_tower(clip, _width(vision), vision.name)
        self.tower = getattr(clip.cond_stage_model, f"clip_{self.kind}")

    @torch.inference_mode()
    def __call__(self, texts: Sequence[str]) -> torch.Tensor:
        """(P, D) projected embeddings."""
        self.clip.load_model()
        self.tower.reset_clip_options()
        self.tower.set_clip_options({"execution_device": self.clip.patcher.load_device, "projected_pooled": False})
        pooled = [self.tower.encode_token_weights(self.clip.tokenize(text)[self.kind])[1] for text in texts]
        self.tower.reset_clip_options()
        weight = self.tower.transformer.text_projection.weight.to("cpu", torch.float64)
        return torch.cat(pooled).to("cpu", torch.float64) @ weight.T


def _projected_tower(clip: Clip, width: int, vision: str) -> str:
    files = _files_of(clip)
    if not files:
        raise InputError(
            "The text CLIP was not loaded by one of ComfyUI's own loaders, so its file cannot be asked whether it "
            "holds the projection that a score needs. Load it with Load CLIP or Load Checkpoint."
        )
    shapes = [shape for file in files for key, shape in file_shapes(file).items() if "text_projection" in key]
    towers = [kind for kind in _TOWERS if hasattr(clip.cond_stage_model, f"clip_{kind}")]
    fitting = [kind for kind in towers if _own_width(clip, kind) == width]
    names = ", ".join(file.name for file in files)
    if not fitting:
        widths = " and ".join(str(_own_width(clip, kind)) for kind in towers) or "no"
        raise InputError(
            f"The text CLIP ({names}) makes embeddings of {widths} numbers, clip_vision ({vision}) of {width}: they "
            "are not a pair. ViT-L/14 goes with a full CLIP-L file, ViT-bigG with an SDXL checkpoint, ViT-H with an "
            "SD2 one."
        )
    if (width, width) not in shapes:
        raise InputError(
            f"The text CLIP ({names}) holds no text_projection for its tower of {width} numbers, as is usual in "
            "checkpoints of SD1 and for Flux; a score would be computed from unwritten memory. Load a full CLIP file, "
            "or leave it unconnected: prompt following is then measured by the held-out renders."
        )
    return fitting[0]


def _own_width(clip: Clip, kind: str) -> int:
    return getattr(clip.cond_stage_model, f"clip_{kind}").transformer.text_projection.weight.shape[0]


def _files_of(clip: Clip) -> list[Path]:
    """The files a CLIP was loaded from, as the host notes them for loading it again."""
    init = getattr(clip.patcher, "cached_patcher_init", None)
    given = init[1][0] if init and init[1] else []
    return [Path(name) for name in ([given] if isinstance(given, str) else given)]


@dataclass(frozen=True)
class Encoders:
    """What a user connected, as scores of pictures by name."""

    vision: VisionEncoder | None = None
    text: TextEncoder | None = None
    aesthetic: AestheticHead | None = None
    renders: torch.Tensor | None = None

    def __bool__(self) -> bool:
        return self.vision is not None

    def __call__(self, pictures: Sequence[torch.Tensor], prompts: Sequence[str]) -> Mapping[str, torch.Tensor]:
        """Numbers (B,) by name, of pictures (3, H, W) and the prompt of each."""
        if self.vision is None:
            return {}
        embeddings, scores = self.vision(pictures), {}
        if self.text:
            known = list(dict.fromkeys(prompts))
            own = [known.index(prompt) for prompt in prompts]
            cosine = cosines(embeddings, self.text(known))
            scores["CLIP score"] = cosine[torch.arange(len(own)), torch.tensor(own)]
            apart = contrast(cosine, own)
            if apart is not None:
                scores["CLIP contrast"] = apart
        if self.renders is not None:
            scores["image likeness"] = likeness(embeddings, self.renders)
        if self.aesthetic:
            scores["aesthetic"] = self.aesthetic(embeddings)
        return scores


def load_encoders(vision: str, clip: Clip, aesthetic: str, renders: Sequence[torch.Tensor] = ()) -> Encoders:
    """All that is connected. Raises `InputError` with the reason where a file cannot be scored with."""
    encoder = load_vision(vision)
    if clip is not None and encoder is None:
        raise InputError(
            "A text CLIP is connected, but clip_vision is none: choose the image encoder it is paired with."
        )
    return Encoders(
        encoder,
        TextEncoder(clip, encoder) if clip is not None else None,
        load_aesthetic(aesthetic, encoder),
        encoder(renders) if encoder and renders else None,
    )
