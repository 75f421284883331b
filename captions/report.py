"""Reports of captioning."""

from collections.abc import Mapping, Sequence

from ..common.dataset_counts import counted
from ..common.files import shown_name
from ..common.texture_dataset import Sample, TextureDataset
from .phrases import phrase_frequencies


def caption_report(dataset: TextureDataset, left_out: Sequence[Sample], why: str) -> str:
    """How many samples were captioned, how many kept what a person wrote, those left out by name, then every file with
    its caption."""
    passed = {sample.file for sample in left_out}
    by_hand = sum(sample.hand_edited for sample in dataset.samples if sample.file not in passed)
    lines = [f"{len(dataset) - len(left_out) - by_hand} of {len(dataset)} images captioned."]
    if by_hand:
        lines.append(f"{counted(by_hand, 'image')} kept what a person had written.")
    if left_out:
        lines.append(f"{len(left_out)} {why}: {', '.join(shown_name(sample.file.name) for sample in left_out)}")
    return "\n".join([*lines, "", *(f"{shown_name(sample.file.name)}: {sample.caption}" for sample in dataset.samples)])


def template_report(dataset: TextureDataset, written: Mapping[str, int]) -> str:
    """What was written to caption files, then how many captions hold each phrase, the commonest first."""
    lines = [f"{len(dataset)} captions."]
    if written:
        lines.append("Caption files: " + ", ".join(f"{count} {what}" for what, count in sorted(written.items())) + ".")
    phrases = [f"{count:6}  {phrase}" for phrase, count in phrase_frequencies(dataset.captions)]
    return "\n".join([*lines, "", "Images with each phrase:", *phrases])
