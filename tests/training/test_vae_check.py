"""VAEs of another family, with stand-ins that encode colours by the inverse of each family's published factors."""

import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.host.in_graph.latents import latent_families
from tilewright.training.vae_check import LatentFamily, another_family, color_card

pytestmark = pytest.mark.slow

pytest_plugins = ["small_runs"]
FAMILIES = latent_families()


def encoded_by(name, noise=0.0):
    """The colour card as latents of a family: the least-squares solution of its colours."""
    family = FAMILIES[name]
    colors = torch.nn.functional.avg_pool2d(color_card() * 2 - 1, 8) - family.bias.view(3, 1, 1)
    latents = torch.einsum("rhw,rc->chw", colors, torch.linalg.pinv(family.factors)) / family.scale
    return latents + noise * torch.randn(latents.shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_knows_its_own_latents_even_when_the_fit_is_rough(name):
    assert another_family(encoded_by(name), name, FAMILIES) is None
    assert another_family(encoded_by(name, noise=1.0), name, FAMILIES) is None


@pytest.mark.parametrize(("own", "other"), [("SD1", "SDXL"), ("SDXL", "SD1")])
def test_latents_of_the_other_family_are_told(own, other):
    assert another_family(encoded_by(other), own, FAMILIES) == other
    assert another_family(encoded_by(other, noise=0.5), own, FAMILIES) == other


def test_latents_of_no_known_family_are_nobodys():
    latents = torch.randn(4, 16, 16, generator=torch.Generator().manual_seed(1))
    assert another_family(latents, "SD1", FAMILIES) is None


def test_a_vae_of_another_family_is_refused(runs, monkeypatch):
    monkeypatch.setattr(type(runs.vae), "encode", lambda *_: encoded_by("SDXL")[None])
    with pytest.raises(InputError, match="VAE is that of SDXL.*model is of the family SD1.*own checkpoint"):
        runs.train()


def test_a_vae_with_other_latents_is_refused(runs, monkeypatch):
    monkeypatch.setattr(runs.vae, "latent_channels", 16)
    with pytest.raises(InputError, match="VAE makes latents of 16 channels.*model takes 4"):
        runs.train()


def test_a_latent_family_says_which_colours_its_latents_stand_for():
    factors = torch.tensor([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    family = LatentFamily(0.5, factors, torch.tensor([0.0, 0.0, 0.25]))
    colors = family.colors(torch.tensor([0.4, 0.6]).view(2, 1, 1))
    torch.testing.assert_close(colors.flatten(), torch.tensor([0.2, 0.6, 0.25]))
