"""The host's objects have what the protocols say that the pack uses of them."""

import pytest
import torch
from tilewright.host import protocols
from tilewright.host.demo_model import load_demo_model


@pytest.fixture(scope="module")
def demo():
    with torch.inference_mode():
        model, clip, vae = load_demo_model()
    return {"Model": model, "Patcher": vae.patcher, "Network": model.model, "Clip": clip, "Vae": vae}


def names_of(protocol):
    own = [name for kind in protocol.__mro__ for name in (*vars(kind), *getattr(kind, "__annotations__", ()))]
    return {name for name in own if not name.startswith("_")}


@pytest.mark.parametrize("name", ["Model", "Patcher", "Network", "Clip", "Vae"])
def test_the_host_has_every_attribute(demo, name):
    names = names_of(getattr(protocols, name))
    assert len(names) >= 4
    assert [attribute for attribute in sorted(names) if not hasattr(demo[name], attribute)] == []
