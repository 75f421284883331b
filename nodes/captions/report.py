"""What captioning did, in words."""

from collections.abc import Sequence

from ..common.texture_dataset import Sample, TextureDataset


def caption_report(dataset: TextureDataset, left_out: Sequence[Sample], why: str) -> str:
    """How many samples were captioned, those left out by name, then every file with its caption."""
    lines = [f"{len(dataset) - len(left_out)} of {len(dataset)} images captioned."]
    if left_out:
        lines.append(f"{len(left_out)} {why}: {', '.join(sample.file.name for sample in left_out)}")
    return "\n".join([*lines, "", *(f"{sample.file.name}: {sample.caption}" for sample in dataset.samples)])
