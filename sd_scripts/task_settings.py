"""What only one of the scripts is told."""

from collections.abc import Mapping
from typing import Any

from ..common.errors import InputError
from ..common.texture_dataset import TextureDataset
from .scripts import CONTROLNET, DREAMBOOTH, TEXTUAL_INVERSION

_NAMED = 5
TEMPLATES = {"captions": None, "object": "use_object_template", "style": "use_style_template"}


def own_settings(task: str, told: Mapping[str, Any], has_conditioning: bool) -> dict[str, Any]:
    """The arguments that belong to one kind of training. Raises `InputError` for what is missing."""
    if task == CONTROLNET and not has_conditioning:
        raise InputError(
            "A ControlNet learns to follow a map, but nothing is connected to conditioning. Connect a dataset of the "
            "same materials with that map, such as their heights."
        )
    if task == DREAMBOOTH:
        return {"no_token_padding": True} if told.get("no_token_padding") else {}
    return _textual_inversion(told) if task == TEXTUAL_INVERSION else {}


def captions_without_token(own: Mapping[str, Any], dataset: TextureDataset) -> list[str]:
    """The images that a textual inversion by captions learns nothing from, as lines for a report; [] for other tasks.

    Raises `InputError` where no caption holds the token.
    """
    token = own.get("token_string")
    if token is None or any(own.get(template) for template in TEMPLATES.values() if template):
        return []
    without = [one for one in dataset.samples if not one.regularisation and token not in one.caption]
    if len(without) == sum(not one.regularisation for one in dataset.samples):
        raise InputError(
            f"No caption holds the token {token!r}, so nothing would be learnt. Put it into the captions with Caption "
            "Template (its trigger), or set template to object or style."
        )
    names = ", ".join(one.file.name for one in without[:_NAMED])
    return (
        [f"{len(without)} captions lack the token {token!r}; their images teach it nothing: {names}"] if without else []
    )


def _textual_inversion(told: Mapping[str, Any]) -> dict[str, Any]:
    token, start = told["token"].strip(), told["init_word"].strip()
    if not token or not start or " " in token:
        raise InputError(
            f"token is {token!r} and init_word is {start!r}. Give one new word without spaces, and a known word to "
            "start from."
        )
    template = TEMPLATES[told["template"]]
    settings = {"token_string": token, "init_word": start, "num_vectors_per_token": told["vectors"]}
    return settings | ({template: True} if template else {})
