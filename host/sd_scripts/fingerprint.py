"""By what a run through sd-scripts is found again: all that makes its weights."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...common.map_files import Reading
from ...common.texture_dataset import Sample
from ...sd_scripts.settings import KohyaOptions
from ...sd_scripts.tasks import Job
from .files import file_stamp
from .order import ScriptOrder

_UNKNOWN_TO_SCRIPTS = ("maps", "sharing_dropout")  # of the objective; versions without them have runs too


def script_fingerprint(
    order: ScriptOrder,
    job: Job,
    options: KohyaOptions,
    checkpoint: Path,
    arguments: Sequence[str],
    held_back: Collection[int] | None,
    others: Sequence[Path] = (),
) -> str:
    """Of all that makes the weights; not of the length of the run nor of what is saved on its way.

    options are as they are used, arguments those that the user has added, held_back the samples that are only measured,
    others a flow model's text encoders and VAE.
    """
    config, used = asdict(order.config), asdict(options)
    for aside in ("steps", "epochs", "saving", "cache", "acceleration", "memory"):
        config.pop(aside, None)
    for aside in _UNKNOWN_TO_SCRIPTS:
        config["objective"].pop(aside)
    for aside in ("workers", "threads", "tensorboard"):
        used.pop(aside)
    dataset = order.dataset
    hints = order.conditioning.samples if order.conditioning else ()
    images = [_image(one) for one in (*dataset.samples, *hints)]
    facts = [job.script, job.family, config, used, str(checkpoint), file_stamp(checkpoint), images]
    facts += [asdict(dataset.buckets), dataset.background, arguments, dict(order.own)]
    facts += [] if held_back is None else [sorted(held_back)]
    facts += [[str(file), file_stamp(file)] for file in others]
    return hashlib.sha256(json.dumps(facts, default=str, sort_keys=True).encode()).hexdigest()


def _image(sample: Sample) -> list[Any]:
    facts = [str(sample.file), *file_stamp(sample.file), sample.caption, sample.repeats, sample.regularisation]
    return facts if sample.reading == Reading() else [*facts, asdict(sample.reading)]
