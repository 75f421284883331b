"""The autoencoder of Wan and Qwen-Image on single frames: it wraps, and its tiled form is the untiled one."""

import pytest
import torch
from comfy.ldm.wan.vae import WanVAE
from random_networks import random_weights
from tilewright.common.errors import InputError
from tilewright.host.networks import is_frame_autoencoder
from tilewright.nodes.seamless import SeamlessVAE
from tilewright.nodes.upscale import TiledVAEDecode, TiledVAEEncode
from tilewright.upscale.frame_autoencoder import FrameConvolution, channel_norm

pytestmark = pytest.mark.slow
SMALL = {"dim": 8, "z_dim": 16, "dim_mult": [1, 2, 4, 4], "num_res_blocks": 2}


@pytest.fixture(scope="module")
def vae():
    """The host tells its build by the names of the weights and its width by their shapes."""
    return random_weights(WanVAE(**SMALL, attn_scales=[], temperal_downsample=[False, True, True], dropout=0.0))


@pytest.fixture(autouse=True)
def inference():
    with torch.inference_mode():
        yield


def noise(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def test_the_host_takes_it_for_wans(vae):
    assert is_frame_autoencoder(vae.first_stage_model)
    assert vae.latent_dim == 3


@pytest.mark.parametrize("axes", ["none", "x", "both"])
def test_the_tiled_decode_is_the_untiled_one(vae, axes):
    samples = noise(1, 16, 1, 12, 14)
    whole = vae if axes == "none" else SeamlessVAE.execute(vae, axes).args[0]
    expected = whole.decode(samples)[0]
    tiled = TiledVAEDecode.execute({"samples": samples}, vae, 64, axes).args[0]
    torch.testing.assert_close(tiled, expected, atol=1e-5, rtol=0)
    without_time = TiledVAEDecode.execute({"samples": samples[:, :, 0]}, vae, 64, axes).args[0]
    assert torch.equal(without_time, tiled)


@pytest.mark.parametrize("axes", ["none", "both"])
def test_the_tiled_encode_is_the_untiled_one(vae, axes):
    image = noise(1, 96, 112, 3).sigmoid()
    whole = vae if axes == "none" else SeamlessVAE.execute(vae, axes).args[0]
    tiled = TiledVAEEncode.execute(image, vae, 64, axes).args[0]["samples"]
    torch.testing.assert_close(tiled, whole.encode(image), atol=1e-5, rtol=0)


@pytest.mark.parametrize("axes", ["x", "y", "both"])
def test_rolling_what_goes_in_rolls_what_comes_out(vae, axes):
    seamless, samples = SeamlessVAE.execute(vae, axes).args[0], noise(1, 16, 1, 8, 8)
    image = noise(1, 64, 64, 3).sigmoid()
    for axis, name in ((0, "y"), (1, "x")):
        decoded = seamless.decode(samples.roll(3, axis + 3)) - seamless.decode(samples).roll(24, axis + 2)
        encoded = seamless.encode(image.roll(24, axis + 1)) - seamless.encode(image).roll(3, axis + 3)
        wraps = axes in (name, "both")
        assert (decoded.abs().max() < 1e-5) == wraps
        assert (encoded.abs().max() < 1e-5) == wraps


def test_the_given_vae_stays_bit_identical(vae):
    samples = noise(1, 16, 1, 8, 8)
    before = vae.decode(samples)
    SeamlessVAE.execute(vae, "both").args[0].decode(samples)
    TiledVAEDecode.execute({"samples": samples}, vae, 64, "both")
    assert torch.equal(vae.decode(samples), before)


def test_a_video_is_refused(vae):
    with pytest.raises(InputError, match="belongs to a video"):
        TiledVAEDecode.execute({"samples": noise(1, 16, 2, 8, 8)}, vae, 64, "none")


def test_a_single_frame_meets_the_last_tap_alone(vae):
    conv = vae.first_stage_model.decoder.conv1
    frame = FrameConvolution(conv)
    tile = noise(1, 16, 6, 6)
    expected = torch.nn.functional.conv2d(tile, conv.weight[:, :, -1], conv.bias, padding=1)
    torch.testing.assert_close(frame(tile), expected, atol=1e-5, rtol=1e-5)
    assert (frame.kernel_size, frame.padding) == ((3, 3), (1, 1))


def test_each_place_has_one_length(vae):
    norm = vae.first_stage_model.decoder.head[0]
    tile = noise(1, norm.gamma.shape[0], 4, 4)
    torch.testing.assert_close(channel_norm(norm)(tile), norm(tile.unsqueeze(2)).squeeze(2))
