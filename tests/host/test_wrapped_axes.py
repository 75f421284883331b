"""Axes that follow what was made seamless before, and are none where nothing was."""

import pytest
from tilewright.common.axes import AXES_OPTIONS, Axes
from tilewright.host.demo_model import load_demo_model
from tilewright.host.wrapped_axes import AUTO, axes_of_model, axes_of_vae
from tilewright.nodes.seamless import SeamlessModel, SeamlessVAE


@pytest.fixture(scope="module")
def demo():
    return load_demo_model()


@pytest.mark.parametrize("name", ["both", "x", "y"])
def test_auto_is_what_the_seamless_node_was_set_to(demo, name):
    model, _, vae = demo
    assert axes_of_model(AUTO, SeamlessModel.execute(model, name)[0]) == Axes.parse(name)
    assert axes_of_vae(AUTO, SeamlessVAE.execute(vae, name)[0]) == Axes.parse(name)


def test_auto_is_none_where_nothing_wraps(demo):
    model, _, vae = demo
    assert axes_of_model(AUTO, model) == axes_of_vae(AUTO, vae) == Axes(False, False)


@pytest.mark.parametrize("name", AXES_OPTIONS)
def test_a_choice_stands_whatever_the_model_does(demo, name):
    model, _, vae = demo
    assert axes_of_model(name, SeamlessModel.execute(model, "x")[0]) == Axes.parse(name)
    assert axes_of_vae(name, vae).name == name
