"""Files that were left out, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Rejected:
    """A file that is not used. reason is a phrase that may stand alone: "the file is empty"."""

    file: Path
    reason: str


def listed(rejected: Sequence[Rejected], folder: Path) -> list[str]:
    """One line for each reason, with the files it holds for, relative to `folder` where they lie in it."""
    by_reason: dict[str, list[str]] = {}
    for one in rejected:
        inside = one.file.is_relative_to(folder)
        by_reason.setdefault(one.reason, []).append(str(one.file.relative_to(folder) if inside else one.file))
    return [f"{reason}: {', '.join(files)}" for reason, files in by_reason.items()]
