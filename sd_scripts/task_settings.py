"""What only one of the scripts is told."""

from collections.abc import Mapping
from typing import Any

from ..common.errors import InputError
from .scripts import CONTROLNET, DREAMBOOTH, TEXTUAL_INVERSION

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
