"""A Substance archive in words for people and in JSON for programs."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from .description import TYPE_NAMES, Numbers, SubstanceGraph, SubstanceInput


def describe(graphs: Sequence[SubstanceGraph]) -> str:
    """Graphs with their outputs, inputs by group, and presets, one line each."""
    return "\n\n".join("\n".join(_graph_lines(graph)) for graph in graphs)


def as_json(graphs: Sequence[SubstanceGraph]) -> list[dict[str, Any]]:
    """The graphs as plain lists and dictionaries; types by name, outputs with their map kind."""
    return [
        {
            **asdict(graph),
            "inputs": [{**asdict(one), "type": TYPE_NAMES.get(one.type, str(one.type))} for one in graph.inputs],
            "outputs": [{**asdict(output), "map": output.map} for output in graph.outputs],
        }
        for graph in graphs
    ]


def _graph_lines(graph: SubstanceGraph) -> list[str]:
    facts = [graph.category, ", ".join(graph.keywords), graph.description, graph.author and f"by {graph.author}"]
    lines = [f"{graph.label or graph.name} ({graph.url})", *(f"  {fact}" for fact in facts if fact), "  Outputs:"]
    for output in graph.outputs:
        usage = f" for {', '.join(output.usages)}" if output.usages else ""
        lines.append(f"    {output.identifier}{usage}: {output.map or 'no known map'}")
    groups = dict.fromkeys(one.group for one in graph.inputs if not one.is_system)
    for group in groups:
        lines.append(f"  Inputs{f' of {group}' if group else ''}:")
        lines += [_input_line(one) for one in graph.inputs if one.group == group and not one.is_system]
    system = [one.identifier for one in graph.inputs if one.is_system]
    lines += [f"  Set by Substance: {', '.join(system)}"] if system else []
    lines += [f"  Preset {preset.label!r}: {len(preset.values)} values" for preset in graph.presets]
    return lines


def _input_line(one: SubstanceInput) -> str:
    kind = "boolean" if one.is_boolean else "color" if one.is_color else TYPE_NAMES.get(one.type, f"type {one.type}")
    parts = [kind]
    if one.choices:
        parts.append("one of " + ", ".join(f"{value} = {text}" for value, text in one.choices))
    elif one.minimum and one.maximum:
        parts.append(f"{spoken(one.minimum)} to {spoken(one.maximum)}")
    if one.default:
        parts.append(f"default {spoken(one.default)}")
    parts.append(f"affects {', '.join(one.outputs) or 'nothing'}")
    return f"    {one.identifier}{f' ({one.label})' if one.label else ''}: {'; '.join(parts)}"


def spoken(numbers: Numbers) -> str:
    """(0.5, 1.0) -> "0.5, 1"."""
    return ", ".join(f"{number:.6g}" for number in numbers)
