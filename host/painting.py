"""Pictures exactly as CLIP Text Encode, Empty Latent, KSampler and VAE Decode paint them, many in one batch."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import comfy.model_management
import comfy.sample
import comfy.samplers
import latent_preview
import torch

from ..common.errors import InputError
from ..evaluation.grid import Sampling
from .out_of_memory import is_out_of_memory
from .protocols import Clip, Model, Vae

SAMPLERS: list[str] = comfy.samplers.KSampler.SAMPLERS
SCHEDULERS: list[str] = comfy.samplers.KSampler.SCHEDULERS
_MOST_ROWS = 32  # further rows gain nothing, and a picture that is finished late is lost with a crash

# These draw no noise while they sample and choose no step by what they see, so a row does not depend on its neighbours.
BATCHABLE = {
    "euler", "euler_cfg_pp", "heun", "heunpp2", "dpm_2", "lms", "dpmpp_2m", "dpmpp_2m_cfg_pp", "ipndm", "ipndm_v",
    "deis", "res_multistep", "res_multistep_cfg_pp", "gradient_estimation", "gradient_estimation_cfg_pp", "ddim",
    "uni_pc", "uni_pc_bh2",
}  # fmt: skip

Conditioning = list
"""The host's: [[tensor (1, L, D), options], ...]"""

Row = tuple[int, int]
"""(number of the prompt, seed)"""


def encode_texts(clip: Clip, texts: Sequence[str]) -> list[Conditioning]:
    """As CLIP Text Encode gives them."""
    return [clip.encode_from_tokens_scheduled(clip.tokenize(text)) for text in texts]


class Painter:
    """Paints rows for one patched model after another; progress takes (sampler steps made, preview) as it goes."""

    def __init__(self, vae: Vae, sampling: Sampling, batch_size: int, progress: Callable[[int, Any], None]) -> None:
        self.vae, self.sampling, self.progress = vae, sampling, progress
        self.limit = batch_size or _MOST_ROWS
        self.is_asked_for = batch_size > 0
        self.batchable = sampling.sampler_name in BATCHABLE
        self.halved = False

    @torch.inference_mode()
    def paint(
        self, model: Model, prompts: Sequence[Conditioning], negative: Conditioning, rows: Sequence[Row]
    ) -> Iterator[tuple[list[int], torch.Tensor]]:
        """Numbers of rows, and their pictures (B, H, W, 3), batch by batch."""
        waiting = list(range(len(rows)))
        while waiting:
            size = min(len(waiting), self._batch_size(model))
            batch = _alike(waiting, rows, prompts)[:size]
            try:
                pictures = self._paint_batch(model, prompts, negative, [rows[number] for number in batch])
            except Exception as error:
                self._smaller_batches(error, len(batch))
                continue
            yield batch, pictures
            waiting = [number for number in waiting if number not in batch]

    def _batch_size(self, model: Model) -> int:
        if not self.batchable:
            return 1
        if self.is_asked_for or model.load_device.type == "cpu":
            return self.limit
        latent = self._empty(model, 1)
        row = model.model.memory_required([2, *latent.shape[1:]])
        free = comfy.model_management.get_free_memory(model.load_device)
        return max(1, min(self.limit, int(0.7 * free / row)))

    def _smaller_batches(self, error: Exception, size: int) -> None:
        """Go on with half the batch where memory was too small for all of it; raise anything else."""
        if not is_out_of_memory(error):
            raise error
        if size == 1:
            raise InputError(
                "The device ran out of memory with a single picture. The pictures so far are saved; choose a smaller "
                "width and height, and run it again."
            ) from None
        self.limit, self.halved = size // 2, True
        comfy.model_management.soft_empty_cache()

    def _paint_batch(
        self, model: Model, prompts: Sequence[Conditioning], negative: Conditioning, rows: Sequence[Row]
    ) -> torch.Tensor:
        sampling, one = self.sampling, self._empty(model, 1)
        noise = torch.cat([comfy.sample.prepare_noise(one, seed) for _, seed in rows])
        positive = _stacked([prompts[number] for number, _ in rows])
        samples = comfy.sample.sample(
            model, noise, sampling.steps, sampling.cfg, sampling.sampler_name, sampling.scheduler, positive, negative,
            self._empty(model, len(rows)), callback=self._callback(model, len(rows)), disable_pbar=True,
            seed=rows[0][1],
        )  # fmt: skip
        pictures = self.vae.decode(samples)
        return pictures.reshape(-1, *pictures.shape[-3:])[..., :3]

    def _empty(self, model: Model, count: int) -> torch.Tensor:
        """The latent of Empty Latent Image as KSampler fits it to the model."""
        device, dtype = comfy.model_management.intermediate_device(), comfy.model_management.intermediate_dtype()
        size = [count, 4, self.sampling.height // 8, self.sampling.width // 8]
        return comfy.sample.fix_empty_latent_channels(model, torch.zeros(size, device=device, dtype=dtype), 8, None)

    def _callback(self, model: Model, rows: int) -> Callable[..., None]:
        previewer = latent_preview.get_previewer(model.load_device, model.model.latent_format)

        def after_step(_step: int, clean: torch.Tensor, _noisy: torch.Tensor, _total: int) -> None:
            self.progress(rows, previewer.decode_latent_to_preview_image("JPEG", clean) if previewer else None)

        return after_step


def _alike(waiting: Sequence[int], rows: Sequence[Row], prompts: Sequence[Conditioning]) -> list[int]:
    """Those of the waiting rows that can stand in one batch with the first."""
    first = prompts[rows[waiting[0]][0]]
    return [number for number in waiting if number == waiting[0] or _stackable(first, prompts[rows[number][0]])]


def _stackable(one: Conditioning, other: Conditioning) -> bool:
    if len(one) != 1 or len(other) != 1:
        return False
    (a, options), (b, others) = one[0], other[0]
    if a.shape != b.shape or options.keys() != others.keys():
        return False
    return all(_same_kind(value, others[name]) for name, value in options.items())


def _same_kind(a: Any, b: Any) -> bool:
    """Rows of a tensor each, or the same value for both."""
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.shape == b.shape and a.ndim > 0 and a.shape[0] == 1
    return isinstance(a, str | int | float | bool | type(None)) and a == b


def _stacked(conditionings: Sequence[Conditioning]) -> Conditioning:
    """One conditioning with a row for each."""
    if len(conditionings) == 1:
        return conditionings[0]
    options = conditionings[0][0][1]
    rows = {
        name: torch.cat([one[0][1][name] for one in conditionings]) if isinstance(value, torch.Tensor) else value
        for name, value in options.items()
    }
    return [[torch.cat([one[0][0] for one in conditionings]), rows]]
