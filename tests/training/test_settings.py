"""A configuration of two settings, and all that is made from it."""

from dataclasses import dataclass

import pytest
from tilewright.training.settings import (
    OWN_NAME,
    ConfigError,
    Setting,
    check_settings,
    configured,
    kohya_arguments,
    metadata_entries,
    setting,
    settings,
    widget_values,
)


@dataclass(frozen=True)
class Kiln:
    degrees: int = setting(900, "How hot.", within=(0, 1300), kohya="heat", metadata="ss_heat")
    glaze: float = setting(0.0, "How thick.", within=(0.0, 1.0), kohya=OWN_NAME, kohya_default=None, needs="degrees")
    cone: int = setting(6, "Which cone.", choices=(4, 6), widget="seger_cone")
    salt: bool = setting(False, "Throw salt in.", excludes="glaze")
    plain: str = "no setting"

    def __post_init__(self):
        check_settings(self)


def test_settings_are_the_fields_that_say_so_in_their_order():
    declared = settings(Kiln)
    assert [(one.name, one.id, one.kind, one.default) for one in declared] == [
        ("degrees", "degrees", int, 900),
        ("glaze", "glaze", float, 0.0),
        ("cone", "seger_cone", int, 6),
        ("salt", "salt", bool, False),
    ]
    assert [one.kohya for one in declared] == ["heat", "glaze", "", ""]


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"degrees": 1400}, "degrees is 1400, but must be a whole number from 0 to 1300."),
        ({"degrees": 2.5}, "degrees is 2.5, but must be a whole number from 0 to 1300."),
        ({"glaze": float("nan")}, "glaze is nan, but must be from 0 to 1."),
        ({"cone": 5}, "seger_cone is 5. Choose one of 4, 6."),
        ({"salt": True, "glaze": 0.5}, "glaze and salt do the same in two ways. Set one of them to 0 or off."),
    ],
)
def test_a_value_out_of_its_range_is_told(values, complaint):
    with pytest.raises(ConfigError) as told:
        Kiln(**values)
    assert str(told.value) == complaint


def test_widgets_become_the_values_of_fields():
    widgets = {"degrees": 1000, "seger_cone": "4", "glaze": None, "another node's": 1}
    assert widget_values(Kiln, widgets) == {"degrees": 1000, "cone": 4}
    assert configured(Kiln, widgets) == Kiln(1000, cone=4)


def test_sd_scripts_is_told_what_differs_from_its_default_and_matters():
    assert kohya_arguments(Kiln()) == {"glaze": 0.0}
    assert kohya_arguments(Kiln(1000, 0.2)) == {"heat": 1000, "glaze": 0.2}
    assert kohya_arguments(Kiln(0, 0.2)) == {"heat": 0}


def test_a_file_is_told_every_value_that_has_a_key():
    assert metadata_entries(Kiln(1000)) == {"ss_heat": 1000}
    assert Setting("", kohya="x", recorded=True).metadata_key == "ss_x"
