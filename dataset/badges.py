"""What may be wrong with each image of a dataset: shown beside it, while the image stays."""

import hashlib
import threading
from collections.abc import Callable, Sequence

from ..common.texture_dataset import Sample, TextureDataset
from .checks import MARK, Rules
from .clean import check_all, judge_duplicates

SEAM = "seam"
MOST_REMEMBERED = 16

Badges = tuple[str, ...]
_REMEMBERED: dict[str, list[Badges]] = {}
_LOCK = threading.Lock()


def image_badges(dataset: TextureDataset, checked: Callable[[int, int], None]) -> list[Badges]:
    """For every sample what Clean Dataset would say of it: a reason such as "black" or "the same texture as wall.png",
    and "seam" where it shows where it meets its own copy.

    Files that are as they were are not read again. `checked(done, total)` is called after each and may raise to stop.
    """
    key = _key(dataset)
    with _LOCK:
        known = _REMEMBERED.get(key)
    if known is None:
        known = _judged(dataset, checked)
        with _LOCK:
            while len(_REMEMBERED) >= MOST_REMEMBERED:
                _REMEMBERED.pop(next(iter(_REMEMBERED)))
            _REMEMBERED[key] = known
    return known


def _judged(dataset: TextureDataset, checked: Callable[[int, int], None]) -> list[Badges]:
    samples, rules = dataset.samples, Rules(seams=MARK)
    results = check_all(dataset, rules, checked)
    reasons = [result.reason for result in results]
    judge_duplicates(samples, results, reasons, lambda: checked(len(samples), len(samples)))
    return [
        tuple(sign for sign in (reason, SEAM if result.seam else None) if sign)
        for reason, result in zip(reasons, results, strict=True)
    ]


def _key(dataset: TextureDataset) -> str:
    digest = hashlib.sha256(repr(dataset.background).encode())
    for line in _states(dataset.samples):
        digest.update(line.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _states(samples: Sequence[Sample]) -> list[str]:
    return [f"{one.file}\n{_state(one)}\n{one.map}\n{one.material}\n{one.reading}\n" for one in samples]


def _state(sample: Sample) -> tuple[int, int] | None:
    try:
        state = sample.file.stat()
    except OSError:
        return None
    return state.st_size, state.st_mtime_ns
