"""Templates that captions are filled into. They come from shared workflows: nothing in them is ever evaluated."""

import re

from ..common.errors import InputError
from ..common.texture_dataset import Sample

FILEWORDS = "[filewords]"
FIELDS = ("trigger", "class", "map", "material", "name")
_PLACEHOLDER = re.compile(r"\[filewords\]|\{([^{}]*)\}")


def fill_template(template: str, sample: Sample, trigger: str, class_name: str) -> str:
    """The template with its placeholders replaced.

    What is filled in is taken literally: a caption that holds "{class}" keeps it. A caption that a person wrote is
    never dropped: where the template does not ask for it, it stays as it is.
    """
    if sample.hand_edited and FILEWORDS not in template:
        return sample.caption
    values = dict(zip(FIELDS, (trigger, class_name, sample.map, sample.material, sample.file.stem), strict=True))
    return _PLACEHOLDER.sub(
        lambda found: sample.caption if found[0] == FILEWORDS else values[found[1].strip()], template
    )


def check_template(template: str) -> None:
    """Raise `InputError` for a field that does not exist or a brace that does not close."""
    unknown = [field for field in re.findall(r"\{([^{}]*)\}", template) if field.strip() not in FIELDS]
    fields = f"{FILEWORDS}, " + ", ".join(f"{{{field}}}" for field in FIELDS)
    if unknown:
        raise InputError(f"The template holds {{{unknown[0]}}}, which is not a field. The fields are: {fields}.")
    if set("{}") & set(_PLACEHOLDER.sub("", template)):
        raise InputError(f"The template has a '{{' or '}}' without its partner. The fields are: {fields}.")
