"""Captions out of what a generator wrote down about a render: short phrases, the subject first."""

import re

from ..common.manifest import MaterialRecord, Parameter
from ..common.map_kinds import COLOR_MAPS
from ..common.texture_dataset import Sample, TextureDataset
from .color_names import color_name

_SPOKEN_MAPS = {"ao": "ambient occlusion"}
_NAMES_ITSELF = {
    "palette",
    "type",
    "style",
    "variant",
    "preset",
}  # labels whose value says it all: "oak", not "oak palette"


def caption_dataset(dataset: TextureDataset, details: int, colors: bool) -> tuple[TextureDataset, list[Sample]]:
    """Caption every sample that has a record; also returns those without one, whose captions stay as they were.

    What a person wrote stays as well.
    """

    def caption(sample: Sample) -> str:
        if sample.record is None or sample.hand_edited:
            return sample.caption
        return caption_record(sample.record, sample.map, details, colors)

    return dataset.with_captions(caption), [sample for sample in dataset.samples if sample.record is None]


def caption_record(record: MaterialRecord, map_kind: str, details: int = 6, colors: bool = True) -> str:
    """Subject, category and keywords, colours (of colour maps only), then the `details` most telling parameters."""
    subject = record.label or record.category
    kinds = [_last_part(record.category), *(keyword.lower() for keyword in record.keywords)]
    kinds = [kind for kind in kinds if kind and not _says(record.label, kind)]
    if map_kind != "basecolor":
        subject = f"{_SPOKEN_MAPS.get(map_kind, map_kind)} map of {subject}"
    named = [f"{color_name(color)} {part}" for part, color in record.colors.items()]
    shown = named if colors and map_kind in COLOR_MAPS else []
    return ", ".join(dict.fromkeys([subject, *kinds, *shown, *_telling_phrases(record, details)]))


def _last_part(category: str) -> str:
    """ "Materials/Stone" -> "stone"."""
    return category.split("/")[-1].strip().lower()


def _says(label: str, kind: str) -> bool:
    """Whether the label holds the word, be it singular or plural."""
    return kind.rstrip("s") in label.lower()


def _telling_phrases(record: MaterialRecord, details: int) -> list[str]:
    phrases = [(telling, phrase) for telling, phrase in map(_phrase, record.parameters.values()) if phrase]
    kept = sorted(range(len(phrases)), key=lambda i: -phrases[i][0])[:details]
    return [phrases[i][1] for i in sorted(kept)]


def _phrase(parameter: Parameter) -> tuple[float, str]:
    """How telling a value is (0..1) and its words, "" where there is nothing to say.

    A number speaks in the outer thirds of its range, louder near the ends; a choice always does.
    """
    value = parameter.value
    if isinstance(value, bool):
        return 1.0, parameter.label.lower() if value else ""
    if isinstance(value, str):
        return 1.0, _choice_words(value.strip(), parameter.label)
    if isinstance(value, tuple) or not _has_range(parameter):
        return 0.0, ""
    position = (value - parameter.minimum) / (parameter.maximum - parameter.minimum)
    words = parameter.low_words if position <= 1 / 3 else parameter.high_words if position >= 2 / 3 else ""
    return abs(2 * position - 1), words


def _has_range(parameter: Parameter) -> bool:
    return parameter.minimum is not None and parameter.maximum is not None and parameter.minimum < parameter.maximum


def _choice_words(value: str, label: str) -> str:
    if value.lower() in ("", "none") or re.fullmatch(r"[\d.,x ]+", value):
        return ""
    return value if label.lower() in _NAMES_ITSELF else f"{value} {label.lower()}"
