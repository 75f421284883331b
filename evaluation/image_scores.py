"""Scores of a batch of pictures, each by itself and summed up: the table that fine-tuners publish."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from ..common.dataset_counts import counted
from ..common.errors import InputError
from ..common.seams import LEAST_SIDE, SEAMLESS_Q, seam_statistics
from .summary import Summary, summarise


@dataclass(frozen=True)
class ImageScores:
    """scores has numbers (B,) by name. name says which model painted the pictures, prompts what each was asked for."""

    name: str
    prompts: Sequence[str]
    scores: Mapping[str, torch.Tensor]

    @property
    def summaries(self) -> dict[str, Summary]:
        return {kind: summarise(values[values.isfinite()].tolist()) for kind, values in self.scores.items()
                if values.isfinite().any()}  # fmt: skip

    @property
    def means(self) -> str:
        """The mean of each score in a line, and up to which seam a single picture shows no line."""
        notes = {"seam": f" (for one picture: up to {SEAMLESS_Q} no line shows)"}
        return "\n".join(
            [
                self._heading,
                *(_mean(kind, given) + notes.get(kind, "") for kind, given in self.summaries.items()),
                *self._unknown(),
            ]
        )

    @property
    def _heading(self) -> str:
        return f"{self.name}: {counted(len(self.prompts), 'picture')} of {counted(len(set(self.prompts)), 'prompt')}"

    def _unknown(self) -> list[str]:
        """Lines on scores that pictures do not have."""
        reasons = {"seam": f": it needs {LEAST_SIDE} px a side"}
        missing = {kind: int((~values.isfinite()).sum()) for kind, values in self.scores.items()}
        return [
            f"{kind}: not known of {number} of {counted(len(self.prompts), 'picture')}{reasons.get(kind, '')}"
            for kind, number in missing.items()
            if number
        ]

    def report(self) -> str:
        """The summary of each score, with the errors that say how far skewness and kurtosis can be believed."""
        count = len(self.prompts)
        lines = [self._heading]
        for kind, given in self.summaries.items():
            lines += [
                _mean(kind, given),
                f"  deviation {given.deviation:.4f}, from {given.least:.4f} to {given.most:.4f}",
                f"  quartiles {given.lower_quartile:.4f} / {given.median:.4f} / {given.upper_quartile:.4f}",
                f"  skewness {given.skewness:.2f} ± {given.skewness_error:.2f}, "
                f"kurtosis {given.kurtosis:.2f} ± {given.kurtosis_error:.2f}",
            ]
        lines += self._unknown()
        if count < 100:
            lines.append(
                f"With {count} pictures skewness and kurtosis are mostly chance: believe them where they are at least "
                "twice their ±. Tables with other numbers of pictures or other prompts do not compare with this one."
            )
        return "\n".join(lines)

    def csv(self) -> str:
        """A line for each picture, then a line for each number of the summary."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        kinds = list(self.scores)
        writer.writerow(["model", "picture", "prompt", *kinds])
        for number, prompt in enumerate(self.prompts):
            values = [float(self.scores[kind][number]) for kind in kinds]
            writer.writerow([self.name, number + 1, prompt, *(_number(value) for value in values)])
        for row in ("count", "mean", "mean_error", "deviation", "least", "lower_quartile", "median", "upper_quartile",
                    "most", "skewness", "skewness_error", "kurtosis", "kurtosis_error"):  # fmt: skip
            values = [getattr(self.summaries[kind], row) if kind in self.summaries else float("nan") for kind in kinds]
            writer.writerow([self.name, row, "", *(_number(value) for value in values)])
        return file.getvalue()


def prompts_of(text: str, pictures: int) -> list[str]:
    """The prompt of each picture: one line for all, or as many lines as fit, each for as many pictures in a row.

    Raises `InputError` where the numbers do not go together.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [""]
    if pictures % len(lines):
        raise InputError(
            f"prompts has {len(lines)} lines for {pictures} images. Give one line for all, one for each image, or a "
            "number that divides theirs: images of one prompt stand together."
        )
    each = pictures // len(lines)
    return [line for line in lines for _ in range(each)]


def plain_scores(pictures: torch.Tensor) -> dict[str, torch.Tensor]:
    """What needs no encoder, of (B, 3, H, W): the seam (the larger Q of both wraps), contrast and colourfulness."""
    seams = torch.full((len(pictures),), torch.nan, dtype=torch.float64)
    if min(pictures.shape[-2:]) >= LEAST_SIDE:
        worst = [max(seam_statistics(one[None], axis).q for axis in ("x", "y")) for one in pictures]
        seams = torch.tensor(worst, dtype=torch.float64)
    return {
        "seam": seams,
        "contrast": pictures.double().mean(1).flatten(1).std(1),
        "colourfulness": pictures.double().std(1).mean((1, 2)),
    }


def _mean(kind: str, given: Summary) -> str:
    return f"{kind}: mean {given.mean:.4f} ± {given.mean_error:.4f}"


def _number(value: float) -> str:
    return "" if value != value else f"{value:.6f}"
