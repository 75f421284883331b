"""Which values each render of a Substance graph gets."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import torch

from ...common.errors import InputError
from ...common.files import check_name
from .description import COMPONENTS, INTEGERS, Numbers, SubstanceGraph, SubstanceInput, SubstanceOutput

RANDOM_SEED = "$randomseed"
DEFAULT_STEPS = 1000  # of a parameter whose archive states no step


@dataclass(frozen=True)
class Variant:
    """One render: the numbers of every parameter that matters, by identifier, and the random seed."""

    values: Mapping[str, Numbers]
    seed: int
    preset: str = ""


def choose_graph(graphs: Sequence[SubstanceGraph], name: str) -> SubstanceGraph:
    """The graph called `name` (label, name or url), the first for "". Raises `InputError`."""
    if not name.strip():
        return graphs[0]
    wanted = name.strip().casefold()
    for graph in graphs:
        if wanted in (graph.label.casefold(), graph.name.casefold(), graph.url.casefold()):
            return graph
    raise InputError(f"The archive has no graph {name!r}. It has: {', '.join(graph.name for graph in graphs)}.")


def choose_outputs(graph: SubstanceGraph, wanted: Collection[str]) -> list[SubstanceOutput]:
    """The outputs of these map kinds or identifiers, all with a known map for none. Raises `InputError`."""
    for output in graph.outputs:
        check_name(output.identifier, "An output of the archive")  # files are named after it
    if not wanted:
        return [output for output in graph.outputs if output.map] or list(graph.outputs)
    chosen = []
    for name in wanted:
        found = [output for output in graph.outputs if name in (output.map, output.identifier)]
        if not found:
            held = ", ".join(f"{output.identifier} ({output.map or 'no known map'})" for output in graph.outputs)
            raise InputError(f"{graph.label or graph.name} has no output {name!r}. It has: {held}.")
        chosen.append(found[0])
    return list(dict.fromkeys(chosen))


def plan_variants(
    graph: SubstanceGraph,
    outputs: Sequence[SubstanceOutput],
    count: int,
    seed: int,
    vary: Collection[str] = (),
    fixed: Mapping[str, str] | None = None,
    presets: bool = True,
) -> list[Variant]:
    """`count` renders: the graph's presets first, then low-discrepancy samples of what may vary.

    Only inputs that affect `outputs` vary, by default all of them; `vary` narrows this to identifiers, labels or
    groups. fixed are values by identifier. The same seed gives the same plan, and more renders begin with the same
    ones. Raises `InputError` for names and values that the graph does not have.
    """
    affecting = [one for one in graph.inputs if _matters(one, outputs)]
    settled = {name: _parse_value(_named_input(graph, name), text) for name, text in (fixed or {}).items()}
    varied = [one for one in _chosen(graph, affecting, vary) if one.identifier not in settled]
    defaults = {one.identifier: one.default for one in affecting if one.default} | settled
    from_presets = [_preset_values(graph, preset.values) | settled for preset in graph.presets] if presets else []
    seeds = torch.Generator().manual_seed(seed)
    points = _points(len(varied), count, seed)
    plan = []
    for index in range(count):
        drawn_seed = int(torch.randint(2**31 - 1, (), generator=seeds))
        if index < len(from_presets):
            plan.append(Variant(defaults | from_presets[index], drawn_seed, graph.presets[index].label))
        else:
            drawn = {one.identifier: value_at(one, point) for one, point in zip(varied, points[index], strict=True)}
            plan.append(Variant(defaults | drawn, drawn_seed))
    return plan


def value_at(one: SubstanceInput, point: Sequence[float]) -> Numbers:
    """The value at 0..1 of the input's range, on its steps. `point` has a number for each component, or more."""
    if one.choices:
        return (float(one.choices[_index(point[0], len(one.choices))][0]),)
    if one.is_boolean:
        return (float(point[0] >= 0.5),)
    if one.is_color:
        channels = tuple(round(number, 4) for number in point[: COMPONENTS[one.type]])
        return channels[:3] + one.default[3:]
    steps = one.step or (1.0 if one.type in INTEGERS else 0.0,) * len(one.minimum)
    return tuple(
        _on_step(number, low, high, step)
        for number, low, high, step in zip(point, one.minimum, one.maximum, steps, strict=False)
    )


def _matters(one: SubstanceInput, outputs: Sequence[SubstanceOutput]) -> bool:
    affects = any(output.identifier in one.outputs for output in outputs)
    return affects and not one.is_system and one.type in COMPONENTS


def _has_range(one: SubstanceInput) -> bool:
    bounded = bool(one.minimum and one.maximum) and all(map(math.isfinite, one.minimum + one.maximum))
    return bool(one.choices) or one.is_boolean or one.is_color or bounded


def _chosen(graph: SubstanceGraph, affecting: list[SubstanceInput], vary: Collection[str]) -> list[SubstanceInput]:
    ranged = [one for one in affecting if _has_range(one)]
    for name in vary:
        if not any(name in (one.identifier, one.label, one.group) for one in graph.inputs):
            raise InputError(f"There is no input or group {name!r} to vary. {_known_inputs(graph)}")
    return [one for one in ranged if not vary or {one.identifier, one.label, one.group} & set(vary)]


def _named_input(graph: SubstanceGraph, name: str) -> SubstanceInput:
    for one in graph.inputs:
        if one.identifier == name and one.type in COMPONENTS and not one.is_system:
            return one
    raise InputError(f"There is no input {name!r} to fix. {_known_inputs(graph)}")


def _known_inputs(graph: SubstanceGraph) -> str:
    return "The graph has: " + ", ".join(one.identifier for one in graph.inputs if not one.is_system) + "."


def _parse_value(one: SubstanceInput, text: str) -> Numbers:
    """Numbers separated by commas, or the text of a choice."""
    by_text = {label.casefold(): value for value, label in one.choices}
    words = {"true": 1, "false": 0, "on": 1, "off": 0} if one.is_boolean else by_text
    if text.strip().casefold() in words:
        return (float(words[text.strip().casefold()]),)
    size = COMPONENTS[one.type]
    if not re.fullmatch(r"[\d\s.,eE+-]+", text) or len(text.split(",")) != size:
        choices = f" or one of {', '.join(words)}" if words else ""
        raise InputError(
            f"The value {text!r} for {one.identifier} must be {size} numbers separated by commas{choices}."
        )
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"The value {text!r} for {one.identifier} is not made of numbers.") from None


def _preset_values(graph: SubstanceGraph, texts: Mapping[str, str]) -> dict[str, Numbers]:
    """Only numbers: a preset's text or image could name any file."""
    known = {one.identifier: one for one in graph.inputs if one.type in COMPONENTS and not one.is_system}
    return {name: _parse_value(known[name], text) for name, text in texts.items() if name in known}


def parse_fixed(text: str) -> dict[str, str]:
    """One value a line, as \"identifier = value\". Raises `InputError`."""
    fixed = {}
    for line in filter(str.strip, text.splitlines()):
        name, equals, value = line.partition("=")
        if not equals:
            raise InputError(f"The fixed value {line.strip()!r} is not of the form: identifier = value.")
        fixed[name.strip()] = value.strip()
    return fixed


def _points(inputs: int, count: int, seed: int) -> list[list[list[float]]]:
    """[count][inputs][4] in 0..1: scrambled Sobol points, one coordinate for each component that an input may have."""
    if not inputs:
        return [[]] * count
    engine = torch.quasirandom.SobolEngine(4 * inputs, scramble=True, seed=seed)
    return engine.draw(count).view(count, inputs, 4).tolist()


def _on_step(number: float, low: float, high: float, step: float) -> float:
    steps = round((high - low) / step) if step > 0 else DEFAULT_STEPS
    value = low + _index(number, steps + 1) * (high - low if steps == 0 else (high - low) / steps)
    return round(min(max(value, min(low, high)), max(low, high)), 6)


def _index(number: float, count: int) -> int:
    return min(int(number * count), count - 1)
