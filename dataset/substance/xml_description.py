"""The elements of a Substance description to graphs, inputs and outputs."""

import math
import re
from xml.etree.ElementTree import Element

from .description import COMPONENTS, Numbers, SubstanceGraph, SubstanceInput, SubstanceOutput, SubstancePreset


def graphs_of(description: Element) -> list[SubstanceGraph]:
    """The graphs of an <sbsdescription>. Raises KeyError and ValueError where a needed attribute is missing or odd."""
    if description.tag != "sbsdescription":
        raise ValueError(f"it begins with <{description.tag}> and not with <sbsdescription>")
    return [_graph(graph) for graph in description.iterfind("graphs/graph")]


def _graph(graph: Element) -> SubstanceGraph:
    outputs = {output.attrib["uid"]: _output(output) for output in graph.iterfind("outputs/output")}
    names = {uid: output.identifier for uid, output in outputs.items()}
    return SubstanceGraph(
        url=graph.attrib["pkgurl"],
        label=graph.get("label", ""),
        category=graph.get("category", ""),
        keywords=tuple(word.strip() for word in re.split("[;,]", graph.get("keywords", "")) if word.strip()),
        description=graph.get("description", ""),
        author=graph.get("author", ""),
        user_tag=graph.get("usertag", ""),
        inputs=tuple(_input(one, names) for one in graph.iterfind("inputs/input")),
        outputs=tuple(outputs.values()),
        presets=tuple(_preset(preset) for preset in graph.iterfind("sbspresets/sbspreset")),
    )


def _output(output: Element) -> SubstanceOutput:
    usages = " ".join(channel.get("names", "") for channel in output.iterfind("outputgui/channels/channel"))
    gui = output.find("outputgui")
    return SubstanceOutput(
        identifier=output.attrib["identifier"],
        label="" if gui is None else gui.get("label", ""),
        usages=tuple(re.findall(r"[^\s,;]+", usages)),
        width=int(output.get("width", 0)),
        height=int(output.get("height", 0)),
    )


def _input(one: Element, output_names: dict[str, str]) -> SubstanceInput:
    kind = int(one.attrib["type"])
    gui = one.find("inputgui")
    words = {} if gui is None else gui.attrib
    sliders = (one.find(f"inputgui/{tag}") for tag in ("guislider", "guiangle"))
    slider: dict[str, str] = next((found.attrib for found in sliders if found is not None), {})
    size = COMPONENTS.get(kind, 0)
    altered = one.get("alteroutputs", "").split(",")
    items = one.iterfind("inputgui/guicombobox/guicomboboxitem")
    return SubstanceInput(
        identifier=one.attrib["identifier"],
        type=kind,
        widget=words.get("widget", ""),
        label=words.get("label", ""),
        group=words.get("group", ""),
        description=words.get("description", ""),
        default=_numbers(one.get("default"), size),
        minimum=_numbers(slider.get("min"), size),
        maximum=_numbers(slider.get("max"), size),
        step=_numbers(slider.get("step"), size),
        choices=tuple((int(item.attrib["value"]), item.get("text", "")) for item in items),
        outputs=tuple(output_names[uid] for uid in altered if uid in output_names),
    )


def _preset(preset: Element) -> SubstancePreset:
    values = {value.attrib["identifier"]: value.get("value", "") for value in preset.iterfind("presetinput")}
    return SubstancePreset(preset.get("label", ""), values)


def _numbers(text: str | None, size: int) -> Numbers:
    """One number for each component; a single one holds for all. Empty for no text and for types without numbers."""
    if not text or not size:
        return ()
    numbers = tuple(float(part) for part in text.split(","))
    if len(numbers) == 1:
        numbers *= size
    if len(numbers) != size or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{text!r} are not {size} numbers")
    return numbers
