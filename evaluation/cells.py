"""The cells of a grid: a LoRA file at a weight, each painted for the same prompts and seeds."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from ..common.errors import InputError
from ..common.files import natural_order

MOST_CELLS = 1000
FULL_WIDTH = str.maketrans("，、；．－", ",,;.-")  # as an East Asian keyboard writes them
MOST_LISTED = 2  # whoever writes a whole number above it after a comma means 0.4, not a weight of 4


@dataclass(frozen=True)
class Cell:
    """lora is the file's name as ComfyUI lists it, "" for the model without one; step is how long it was trained.

    step is None where neither the file nor its name says so.
    """

    lora: str
    strength: float
    step: int | None = None

    @property
    def is_base(self) -> bool:
        return not self.lora or self.strength == 0

    @property
    def row(self) -> str:
        """What the file is called where there is little room: its step, or its name with the folder it lies in."""
        return "no LoRA" if self.is_base else str(self.step) if self.step is not None else _plain_name(self.lora)

    def __str__(self) -> str:
        return "no LoRA" if self.is_base else f"{self.row}@{self.strength:g}"


BASE = Cell("", 0.0)


def named(cell: Cell, cells: Sequence[Cell]) -> str:
    """What names `cell` among `cells` and no other, for `find_cell`: `500@1`, or `file@1` where two runs have that."""
    alike = {other.lora for other in cells if not other.is_base and str(other) == str(cell)}
    return f"{cell.lora}@{cell.strength:g}" if len(alike) > 1 else str(cell)


def lora_stem(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).stem


def parse_strengths(text: str) -> list[float]:
    """Weights, each once, in order of appearance: `0 0.4 0.7 1`, and `0-1 [5]` for five from 0 to 1.

    Raises `InputError` for anything else, and for `0,4`, which as two weights would be an unlikely pair.
    """
    text = text.translate(FULL_WIDTH)
    if "." not in text and _has_decimal_commas(text):
        raise InputError(
            f"strengths is {text.strip()!r}, where a comma may divide two weights or stand in one. Write spaces "
            "between weights and points in them, such as 0 0.4 0.7 1."
        )
    number = r"-?\d*\.?\d+"
    pattern = rf"\s*(?:({number})\s*-\s*({number})\s*\[(\d+)\]|({number})(?=[\s,;]|$))[\s,;]*"
    weights: list[float] = []
    place = 0
    while place < len(text.rstrip()):
        found = re.compile(pattern).match(text, place)
        if not found:
            raise InputError(
                f"strengths has {text[place:].strip()!r}, which is not a weight. Write weights with spaces between "
                "them, such as 0 0.4 0.7 1, or a range with how many of it, such as 0-1 [5]."
            )
        place = found.end()
        low, high, count, single = found.groups()
        weights += [float(single)] if single else _spread(float(low), float(high), int(count))
    if not weights:
        raise InputError("strengths is empty. Write at which weights to paint, such as 0 0.4 0.7 1.")
    if max(abs(weight) for weight in weights) > 100:
        raise InputError(f"strengths has {max(weights, key=abs):g}; Load LoRA takes weights from -100 to 100.")
    return list(dict.fromkeys(weights))


def _has_decimal_commas(text: str) -> bool:
    """Whether commas stand within weights rather than between: whatever they part comes in twos, and as weights of
    their own these would repeat, begin with a 0 or lie above MOST_LISTED. `0,1` and `0,1,2` are lists."""
    runs = [run.split(",") for run in re.findall(r"\d+(?:,\d+)+", text)]
    listed = [part for run in runs for part in run]
    if any(len(run) % 2 for run in runs):
        return False
    odd = any(len(part) > 1 and part.startswith("0") for part in listed)
    return odd or len(set(listed)) < len(listed) or any(len(run) == 2 and int(run[1]) > MOST_LISTED for run in runs)


def _spread(low: float, high: float, count: int) -> list[float]:
    if not 2 <= count <= MOST_CELLS:
        raise InputError(f"strengths asks for {count} weights in one range. Ask for 2 or more, such as 0-1 [5].")
    return [round(low + (high - low) * n / (count - 1), 6) for n in range(count)]


def match_loras(text: str, listed: Sequence[str]) -> list[str]:
    """Names out of `listed` for each line of `text`: a file, a pattern with * or ?, or a run with all its checkpoints.

    Checkpoints come in order of their steps and the run's last file after them. Raises `InputError` for a line that
    means no file, naming those that are nearest.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise InputError("loras is empty. Write one a line: a file, a pattern such as bricks*, or a run's name.")
    names = [name for line in lines for name in _matching(line, listed)]
    return list(dict.fromkeys(names))


def _matching(line: str, listed: Sequence[str]) -> list[str]:
    by_name = {name.replace("\\", "/"): name for name in listed}
    wanted = line.replace("\\", "/")
    if wanted in by_name:
        return [by_name[wanted]]
    if any(sign in wanted for sign in "*?"):
        pattern = wanted.replace("[", "[[]")  # brackets stand in names, and mean nothing here
        found = [name for name in by_name if fnmatchcase(name, pattern) or fnmatchcase(_without_suffix(name), pattern)]
    else:
        checkpoint = re.compile(re.escape(wanted) + r"(-step\d+|-epoch\d+|-\d{6})?$")  # the latter are kohya's
        found = [name for name in by_name if checkpoint.match(_without_suffix(name))]
    if not found:
        raise InputError(_unknown(line, list(by_name)))
    return [by_name[name] for name in sorted(found, key=_by_step)]


def _by_step(name: str) -> tuple[Any, ...]:
    bare = _without_suffix(name)
    run = re.sub(r"(-step\d+|-epoch\d+|-\d{6})$", "", bare)
    return natural_order(Path(run)), bare == run, natural_order(Path(bare))


def _plain_name(name: str) -> str:
    return _without_suffix(name.replace("\\", "/"))


def _without_suffix(name: str) -> str:
    return re.sub(r"\.(safetensors|sft|pt|pth|ckpt|bin)$", "", name, flags=re.IGNORECASE)


def _unknown(line: str, listed: list[str]) -> str:
    if not listed:
        return f"loras has {line!r}, but there is no LoRA in any of ComfyUI's LoRA folders. Train one or put one there."
    bare = {_without_suffix(name).casefold(): name for name in listed}
    near = get_close_matches(_without_suffix(line).casefold(), list(bare), n=5, cutoff=0.3) or sorted(bare)[:5]
    lines = "\n".join(f"  {bare[name]}" for name in near)
    return f"loras has {line!r}, but no LoRA of that name is in ComfyUI's LoRA folders. The nearest names:\n{lines}"


def step_of(name: str, metadata: Mapping[str, str]) -> int | None:
    """Steps a LoRA was trained for: what its file says (ss_steps), else what its name says."""
    steps = metadata.get("ss_steps", "")
    if steps.isdigit() and int(steps):
        return int(steps)
    named = re.search(r"-step(\d+)$", lora_stem(name))
    return int(named.group(1)) if named else None


def find_cell(choice: str, cells: Sequence[Cell]) -> Cell:
    """The cell that `step@weight` or `file@weight` names. Raises `InputError`, listing the cells, for other texts.

    A file may be named with or without its folder and its ending, as long as only one is meant.
    """
    file, at, weight = choice.strip().rpartition("@")
    wanted = file.strip().replace("\\", "/")
    meant = [cell for cell in cells if at and not cell.is_base and _same_number(weight, cell.strength)]
    for names in [[cell.lora.replace("\\", "/") for cell in meant], [cell.row for cell in meant],
                  [_plain_name(cell.lora) for cell in meant], [lora_stem(cell.lora) for cell in meant]]:  # fmt: skip
        fitting = [cell for cell, name in zip(meant, names, strict=True) if name in (wanted, _without_suffix(wanted))]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            files = ", ".join(f"{cell.lora}@{cell.strength:g}" for cell in fitting)
            raise InputError(f"choice is {choice!r}, which names more than one cell. Write one of: {files}.")
    listed = ", ".join(named(cell, cells) for cell in cells if not cell.is_base)
    raise InputError(f"choice is {choice!r}, but the grid has no such cell. Write one of: {listed}. Or leave it empty.")


def _same_number(text: str, number: float) -> bool:
    try:
        return abs(float(text) - number) < 1e-6
    except ValueError:
        return False
