"""What the manifest says of a Substance render, in the words that captions are made of."""

from collections.abc import Mapping

from ...common.manifest import MaterialRecord, Parameter
from ...common.oklab import hex_from_srgb
from .description import Numbers, SubstanceGraph, SubstanceInput
from .plan import Variant

_SAYS_NOTHING = {
    "",
    "color",
    "colors",
    "colour",
    "colours",
    "tint",
    "general",
    "main",
    "other",
    "parameters",
    "settings",
}


def record_of(
    name: str,
    graph: SubstanceGraph,
    variant: Variant,
    maps: Mapping[str, str],
    tileable: bool,
) -> MaterialRecord:
    """The manifest's entry of one render, with every parameter that affects its outputs."""
    inputs = {one.identifier: one for one in graph.inputs}
    mentioned = {inputs[identifier]: value for identifier, value in variant.values.items()}
    preset = {"preset": Parameter(variant.preset, "preset")} if variant.preset else {}
    return MaterialRecord(
        name=name,
        category=graph.category,
        label=(graph.label or graph.name).lower(),
        seed=variant.seed,
        tileable=tileable,
        maps=dict(maps),
        parameters=preset | {one.identifier: _parameter(one, value) for one, value in mentioned.items()},
        colors={
            _spoken(one): hex_from_srgb(value[:3]) for one, value in mentioned.items() if _is_visible_color(one, value)
        },
        keywords=graph.keywords,
    )


def _parameter(one: SubstanceInput, value: Numbers) -> Parameter:
    label = _spoken(one)
    if one.choices:
        texts = {number: text for number, text in one.choices}
        return Parameter(texts.get(round(value[0]), str(round(value[0]))).lower(), label)
    if one.is_boolean:
        return Parameter(value[0] >= 0.5, label)
    if len(value) > 1:
        return Parameter(value, label)
    if one.minimum and one.maximum:
        return Parameter(value[0], label, one.minimum[0], one.maximum[0], f"low {label}", f"high {label}")
    return Parameter(value[0], label)


def _spoken(one: SubstanceInput) -> str:
    """ "tiles rough" for the input "Tiles" of the group "Rough". Colours need no group unless called "Color"."""
    label = (one.label or one.identifier).lower()
    group = one.group.lower()
    if group in _SAYS_NOTHING or group in label:
        return label
    if one.is_color:
        return group if label in _SAYS_NOTHING else label
    return f"{label} {group}"


def _is_visible_color(one: SubstanceInput, value: Numbers) -> bool:
    return one.is_color and len(value) >= 3 and (len(value) < 4 or value[3] > 0)
