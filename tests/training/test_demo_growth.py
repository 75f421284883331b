"""A demo model carried into larger networks, to be trained on from there."""

import pytest
import torch
from tilewright.host.demo_model import ARCHITECTURES, WEIGHTS, load_weights, network_states
from tilewright.launch.train_demo_model import grow_networks, initial_networks
from tilewright.training.demo import growth
from tilewright.training.demo.autoencoder import align_latents, decode, encode_moments
from tilewright.training.demo.growth import grown

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shipped():
    """The small autoencoder with the weights that ship, and a picture."""
    network = ARCHITECTURES["small"].networks()["autoencoder"]
    network.load_state_dict(network_states(load_weights(WEIGHTS))["autoencoder"])
    return network, torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1


def grown_autoencoder():
    networks = initial_networks(ARCHITECTURES["wide"])
    grow_networks(networks, load_weights(WEIGHTS))
    return networks["autoencoder"]


@torch.no_grad()
def test_a_larger_network_computes_what_the_smaller_one_did(shipped, monkeypatch):
    monkeypatch.setattr(growth, "BREAK", 0.0)
    small, image = shipped
    wide = grown_autoencoder()
    latents = encode_moments(small, image)[0]
    assert torch.allclose(encode_moments(wide, image)[0], latents, atol=1e-4)
    assert torch.allclose(decode(wide, latents), decode(small, latents), atol=1e-5)


@torch.no_grad()
def test_copied_channels_are_told_apart_without_changing_the_picture_much(shipped):
    small, image = shipped
    wide = grown_autoencoder()
    kernel = wide.state_dict()["encoder.mid.block_1.conv1.weight"]
    assert not torch.equal(kernel[0], kernel[1])
    latents = encode_moments(small, image)[0]
    assert (decode(wide, latents) - decode(small, latents)).square().mean() < 1e-3


def test_widths_that_do_not_divide_are_named():
    with pytest.raises(ValueError, match=r"weight is \(3, 2\)"):
        grown(torch.nn.Linear(2, 4), {"weight": torch.zeros(3, 2), "bias": torch.zeros(3)}, torch.Generator())


@torch.no_grad()
def test_aligned_latents_are_those_that_were_wanted_and_the_pictures_stay(shipped):
    """Wanted latents that are a linear map of the network's own are met."""
    _, image = shipped
    network = grown_autoencoder()
    latents = encode_moments(network, image)[0]
    before = decode(network, latents)
    matrix = torch.tensor([[0.0, 2, 0, 0], [1, 0, 0, 0], [0, 0, 0.5, 0.5], [0, 0, 1, -1]])
    wanted = torch.einsum("oi,bihw->bohw", matrix, latents) + torch.tensor([1.0, 0, -2, 3]).view(1, 4, 1, 1)
    assert align_latents(network, latents, wanted) == pytest.approx(1)
    aligned = encode_moments(network, image)[0]
    assert torch.allclose(aligned, wanted, atol=2e-3)
    assert torch.allclose(decode(network, aligned), before, atol=1e-4)
