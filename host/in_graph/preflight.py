"""What a run reports about its dataset and models before the first step."""

import torch

from ...common.buckets import NOTICEABLE
from ...common.caption_files import split_phrases
from ...common.dataset_counts import PROMPT_SYNTAX, counted
from ...common.processor import processor_multiplies
from ...training.checkpoint import DTYPES
from ...training.loop import Trainer
from ...training.preflight import Preflight
from .. import training as host_training
from .order import Order
from .text_conditioning import Texts


def dataset_notes(order: Order, trainer: Trainer, texts: Texts, unreadable: list[str]) -> list[str]:
    """In sentences: images and captions, and what is not as it was asked for. unreadable: why images are left out."""
    dataset, findings = order.dataset, order.dataset.findings
    used = trainer.batches.examples
    sizes = (dataset.buckets.enlargement(sample.size, order.config.resolution) for sample in dataset.samples)
    enlarged = [factor for factor in sizes if factor > 1 + NOTICEABLE]
    counts = Preflight(
        images=len(used),
        held_out=len(trainer.measurements.held_out),
        left_out=len(unreadable) + len(findings.unreadable),
        not_finite=len(findings.not_finite),
        clipped=sum(sample.clipped for sample in dataset.samples),
        enlarged=len(enlarged),
        most_enlarged=max(enlarged, default=1.0),
        uncaptioned=sum(not split_phrases(example.caption) for example in used),
        cut=sum(texts.is_cut(example.caption) for example in used),
        tokens=order.config.objective.max_tokens,
        unmatched=len(findings.unmatched_captions),
        unreadable_captions=len(findings.unreadable_captions),
        prompt_syntax=sum(bool(PROMPT_SYNTAX.search(example.caption)) for example in used),
    )
    return [*counts.lines(), *_remarks(order, trainer)]


def _remarks(order: Order, trainer: Trainer) -> list[str]:
    clip_skip = order.config.objective.clip_skip
    remarks = []
    if order.config.saving.validation_share and not trainer.measurements.held_out:
        remarks.append("All images show one material, so none is held back for validation.")
    if clip_skip > 1 and order.clip.layer_idx not in (None, -clip_skip):
        remarks.append(f"clip_skip {clip_skip} of LoRA Objective replaces what CLIP Set Last Layer says.")
    if left := trainer.network.left_out:
        remarks.append(
            f"The LoRA to start from has {counted(len(left), 'tensor')} of layers that are not trained here, such as "
            f"{left[0]}: the new LoRA is without them."
        )
    if patches := host_training.unused_patches(order.model):
        remarks.append(f"Not trained with, since only sampling uses it: {', '.join(patches)}.")
    if is_emulated(order.config.precision, next(trainer.network.parameters()).device):
        remarks.append(
            f"This processor has no instructions for {order.config.precision}: a step takes many times as long as in "
            "float32. Set precision to auto."
        )
    return remarks


def is_emulated(precision: str, device: torch.device) -> bool:
    """Whether `device` is a processor that can multiply numbers of the precision that was asked for only by converting
    them."""
    return precision != "auto" and device.type == "cpu" and not processor_multiplies(DTYPES[precision])
