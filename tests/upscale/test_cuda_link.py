"""Maps travel to a device and back by streams. Here on a stand-in, where every copy arrives as late as it may."""

import pytest
import torch
from fake_cuda_streams import late_streams
from random_networks import DEMO_MODEL, random_autoencoder
from tilewright.common.axes import Axes
from tilewright.common.wrapped_convolutions import replaced
from tilewright.host.networks import norm_weights
from tilewright.upscale import tiled_autoencoder, tiled_layers
from tilewright.upscale.convolution_geometry import unpadded_convolutions
from tilewright.upscale.memory_plan import MemoryPlan
from tilewright.upscale.offloading import CudaLink
from tilewright.upscale.tiled_layers import TiledLayers

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def streams(monkeypatch):
    with torch.inference_mode(), late_streams(monkeypatch):
        yield


def noise(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def doubled_over(link, image):
    """`image` times two, carried there and back in strips of 8 rows, the next one on its way while one is worked on."""
    result = torch.full_like(image, torch.nan)
    strips = [(image[:, row : row + 8], result[:, row : row + 8]) for row in range(0, image.shape[1], 8)]
    sent = link.prefetch(strips[0][0])
    for number, (_, place) in enumerate(strips):
        here = sent
        if number + 1 < len(strips):
            sent = link.prefetch(strips[number + 1][0])
        link.offload(link.receive(here) * 2, place)
    link.wait()
    return result


def test_what_travels_arrives_whole():
    image = noise(4, 64, 16)
    assert torch.equal(doubled_over(CudaLink(CPU), image), image * 2)


class Hasty(CudaLink):
    """Takes what was sent without asking whether it has arrived."""

    def receive(self, sent):
        return sent[0]


class Forgetful(CudaLink):
    """Does not wait for what is still on its way back."""

    def wait(self):
        pass


class OneBuffer(CudaLink):
    """Writes into the buffer that still travels."""

    def prefetch(self, values):
        self.leaving.turn, self.leaving.travelled = 0, [None, None]
        return super().prefetch(values)


class Careless(CudaLink):
    """Lets go of what a stream still reads."""

    def offload(self, values, place):
        super().offload(values.clone(), place)
        self.back.kept_alive.clear()


@pytest.mark.parametrize("link", [Hasty, Forgetful, OneBuffer, Careless])
def test_a_link_that_does_not_wait_is_found_out(link):
    image = noise(4, 64, 16)
    assert not torch.equal(doubled_over(link(CPU), image), image * 2)


@pytest.mark.parametrize("axes", ["none", "both"])
def test_a_whole_decode_over_late_streams(monkeypatch, axes):
    decoder, latents = random_autoencoder(DEMO_MODEL).first_stage_model.decoder, noise(1, 4, 9, 10)

    def decoded(plan):
        layers = TiledLayers(CPU, 32, Axes.parse(axes), norm_weights, lambda work: None, plan)
        with replaced(decoder, unpadded_convolutions(decoder)):
            return tiled_autoencoder.decode(decoder, latents, layers)

    kept = decoded(MemoryPlan())
    monkeypatch.setattr(tiled_layers, "link_to", CudaLink)
    away = decoded(MemoryPlan(macs_per_byte=0.0, largest_map=0))
    torch.testing.assert_close(away, kept, atol=1e-5, rtol=0)
