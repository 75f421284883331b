"""A setting is declared once, as a field of a configuration.

`setting(...)` gives the field all its facts. The widget, the check, sd-scripts' argument, the entry in a
file's metadata and the line on the help page are made from that.
"""

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any, TypeVar

from ..common.errors import InputError

SAME = object()
"""As a kohya_default: sd-scripts' own default is ours"""

OWN_NAME = "="
"""As a kohya: the argument is called like the field"""

Config = TypeVar("Config")


class ConfigError(InputError):  # type: ignore[misc, unused-ignore]
    """A setting that cannot be trained with. The message is whole sentences for an artist."""


@dataclass(frozen=True)
class Setting:
    """The facts of a field. Its name, type and default are the field's own.

    within, step: range of a number, and the step of its widget.
    choices: all values that it may have, where they are few.
    widget: id of the input where that is not the field's name; label: what the editor shows in its place.
    kohya: sd-scripts' argument for it, "" where there is none or where it takes more than handing on the value.
    kohya_default: the value at which the argument is left out; None never leaves it out.
    needs: a setting without which this one does nothing; needs_choice: those of its choices with which it does.
    excludes: one that cannot be on at the same time.
    metadata: its key in a LoRA file, "" for none; recorded: that is kohya's name after "ss_".
    """

    tooltip: str
    within: tuple[float, float] = (0, 0)
    step: float | None = None
    choices: tuple[str | int, ...] = ()
    widget: str = ""
    label: str = ""
    kohya: str = ""
    kohya_default: Any = SAME
    needs: str = ""
    needs_choice: tuple[str, ...] = ()
    excludes: str = ""
    metadata: str = ""
    recorded: bool = False
    optional: bool = False
    advanced: bool = False
    multiline: bool = False
    name: str = ""
    kind: type = str
    default: Any = None

    @property
    def id(self) -> str:
        """The input's id, which graphs hold."""
        return self.widget or self.name

    @property
    def named(self) -> str:
        """Its name in messages: what the editor shows, with the input's id where that differs."""
        return f"{self.label} ({self.id})" if self.label else self.id

    @property
    def metadata_key(self) -> str:
        return f"ss_{self.kohya}" if self.recorded else self.metadata

    def value(self, given: Any) -> Any:
        """The setting's value for a widget's value: a combo gives its choice as text."""
        return next((choice for choice in self.choices if str(choice) == given), given)

    def check(self, value: Any) -> None:
        """Raise `ConfigError` for a value outside the choices or the range."""
        low, high = self.within
        if self.choices:
            if value not in self.choices:
                options = ", ".join(str(choice) for choice in self.choices)
                raise ConfigError(f"{self.named} is {value!r}. Choose one of {options}.")
        elif self.kind is int:
            if not isinstance(value, int) or not low <= value <= high:
                raise ConfigError(f"{self.named} is {value}, but must be a whole number from {low} to {high}.")
        elif self.kind is float and not low <= value <= high:
            raise ConfigError(f"{self.named} is {value}, but must be from {low:g} to {high:g}.")


def setting(default: Any, tooltip: str, **facts: Any) -> Any:
    """A dataclass field that is a setting; see `Setting` for `facts`."""
    return field(default=default, metadata={"setting": Setting(tooltip, **facts)})


def settings(kind: type) -> list[Setting]:
    """The settings of a configuration's class, in the order of their declaration."""
    declared = [one for one in fields(kind) if "setting" in one.metadata]
    return [_of_field(one, one.metadata["setting"]) for one in declared]


def _of_field(field: Field[Any], declared: Setting) -> Setting:
    kohya = field.name if declared.kohya == OWN_NAME else declared.kohya
    kind = field.type if isinstance(field.type, type) else str
    return replace(declared, name=field.name, kind=kind, default=field.default, kohya=kohya)


def check_settings(config: Any) -> None:
    """Raise `ConfigError` for the first setting of `config` that is out of its range, or excluded by another."""
    for one in settings(type(config)):
        one.check(getattr(config, one.name))
        if one.excludes and getattr(config, one.name) and getattr(config, one.excludes):
            raise ConfigError(f"{one.excludes} and {one.id} do the same in two ways. Set one of them to 0 or off.")


def widget_values(kind: type, widgets: Mapping[str, Any]) -> dict[str, Any]:
    """What widgets, by their ids, say of the fields of a configuration's class, by their names.

    One that is None is linked, and the graph has not run: it says nothing yet.
    """
    return {one.name: one.value(widgets[one.id]) for one in settings(kind) if widgets.get(one.id) is not None}


def configured(kind: type[Config], widgets: Mapping[str, Any]) -> Config:
    """The configuration that widgets describe; what they leave out has its default. Raises `ConfigError`."""
    return kind(**widget_values(kind, widgets))


def kohya_arguments(config: Any) -> dict[str, Any]:
    """sd-scripts' arguments for the settings that are passed on as they are."""
    arguments = {}
    for one in settings(type(config)):
        value, default = getattr(config, one.name), one.default if one.kohya_default is SAME else one.kohya_default
        if one.kohya and value != default and (not one.needs or getattr(config, one.needs)):
            arguments[one.kohya] = value
    return arguments


def metadata_entries(config: Any) -> dict[str, Any]:
    """The settings that a LoRA file's metadata name, by their keys there."""
    return {one.metadata_key: getattr(config, one.name) for one in settings(type(config)) if one.metadata_key}
