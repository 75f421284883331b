"""The sample pictures of a run by the names that the trainers give them: output/training/<name>/samples/."""

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = "samples"
_OWN = re.compile(r"step(?P<step>\d{8})_(?P<prompt>\d+)")
_SCRIPTS = re.compile(r".*_(?P<step>\d{6})_(?P<prompt>\d\d)_\d{14}(_\d+)?")  # <name>_<step>_<prompt>_<time>_<seed>


@dataclass(frozen=True)
class SampleFile:
    """A picture of the prompt of that number, painted after `step`."""

    file: Path
    step: int
    prompt: int


def sample_files(folder: Path) -> list[SampleFile]:
    """The samples of the run in `folder` by step and prompt; of several of one step and prompt the newest."""
    found: dict[tuple[int, int], SampleFile] = {}
    for file in sorted((folder / FOLDER).glob("*.png")):
        named = _OWN.fullmatch(file.stem) or _SCRIPTS.fullmatch(file.stem)
        if named:
            step, prompt = int(named["step"]), int(named["prompt"])
            found[step, prompt] = SampleFile(file, step, prompt)
    return [found[key] for key in sorted(found)]
