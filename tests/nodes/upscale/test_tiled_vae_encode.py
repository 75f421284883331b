"""A tiled encode is the untiled encode, whatever the tiles."""

import pytest
import torch
from comfy.ldm.cascade.stage_a import StageA
from comfy.taesd.taesd import TAESD
from random_networks import DEMO_MODEL, STABLE_DIFFUSION, random_autoencoder, random_weights
from tilewright.common.errors import InputError
from tilewright.nodes.seamless import SeamlessVAE
from tilewright.nodes.upscale import TiledVAEDecode, TiledVAEEncode

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def vae():
    return random_autoencoder(STABLE_DIFFUSION)


@pytest.fixture(autouse=True)
def inference():
    with torch.inference_mode():
        yield


def picture(height, width, batch=1):
    return torch.rand(batch, height, width, 3, generator=torch.Generator().manual_seed(1))


def tiled(vae, image, tile_size, axes="none"):
    return TiledVAEEncode.execute(image, vae, tile_size, axes).args[0]["samples"]


@pytest.mark.parametrize("tile_size", [64, 104, 1024])
def test_equals_the_untiled_encode(vae, tile_size):
    image = picture(136, 200, batch=2)
    torch.testing.assert_close(tiled(vae, image, tile_size), vae.encode(image), atol=1e-5, rtol=0)


@pytest.mark.parametrize("axes", ["x", "y", "both"])
def test_equals_the_untiled_encode_of_a_seamless_vae(vae, axes):
    image, seamless = picture(128, 160), SeamlessVAE.execute(vae, axes).args[0]
    expected = seamless.encode(image)
    torch.testing.assert_close(tiled(vae, image, 64, axes), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(tiled(seamless, image, 64, axes), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_rounds_as_much_as_untiled(dtype):
    image = picture(72, 80)
    exact, half = random_autoencoder(DEMO_MODEL).encode(image), random_autoencoder(DEMO_MODEL, dtype)
    error, untiled = ((latent - exact).norm() for latent in (tiled(half, image, 64), half.encode(image)))
    assert error < 1.2 * untiled


def test_rolling_the_image_rolls_the_latent(vae):
    image = picture(128, 160)
    rolled = tiled(vae, image.roll((24, -40), (1, 2)), 64, "both")
    torch.testing.assert_close(rolled, tiled(vae, image, 64, "both").roll((3, -5), (2, 3)), atol=1e-5, rtol=0)


def test_what_the_host_crops_is_cropped(vae):
    image = picture(100, 70)
    torch.testing.assert_close(tiled(vae, image, 64), vae.encode(image), atol=1e-5, rtol=0)


def test_cropping_a_texture_that_tiles_is_refused(vae):
    with pytest.raises(InputError, match="70 x 128 pixels.*multiples of 8"):
        tiled(vae, picture(128, 70), 64, "x")


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_grey_is_encoded_as_colour_and_alpha_left_out(vae, channels):
    image = picture(64, 72)
    given = torch.cat([image, image[..., :1]], -1)[..., :channels] if channels > 3 else image[..., :channels]
    latent, report = TiledVAEEncode.execute(given, vae, 64, "none").args
    expected = image if channels > 3 else image[..., :1].expand(-1, -1, -1, 3)
    torch.testing.assert_close(latent["samples"], vae.encode(expected), atol=1e-5, rtol=0)
    assert ("alpha was left out" in report) == (channels in (2, 4))


@pytest.mark.parametrize("crops", [True, False])
def test_what_the_hosts_own_tiling_leaves_out_is_said_too(crops):
    other, given = random_weights(StageA()), torch.cat([picture(70, 66), torch.ones(1, 70, 66, 1)], -1)
    other.crop_input = crops
    _, report = TiledVAEEncode.execute(given, other, 64, "none").args
    assert "StageA has no exact tiled form: encoded" in report and "; alpha was left out" in report
    assert ("; cropped from 66 x 70 to 64 x 68 pixels, multiples of 4" in report) == crops


def test_a_grey_map_without_a_channel_axis_is_encoded(vae):
    assert torch.equal(tiled(vae, picture(64, 64)[..., 0], 64), tiled(vae, picture(64, 64)[..., :1], 64))


def test_no_vae_is_named():
    with pytest.raises(InputError, match="The VAE is empty"):
        tiled(None, picture(64, 64), 64)


def test_taesd_too():
    taesd, image = random_weights(TAESD()), picture(104, 136)
    whole = SeamlessVAE.execute(taesd, "both").args[0]
    torch.testing.assert_close(tiled(taesd, image, 64, "both"), whole.encode(image), atol=1e-5, rtol=0)


def test_decoding_after_encoding_uses_the_right_half(vae):
    latent = TiledVAEEncode.execute(picture(64, 64), vae, 64, "none").args[0]
    image = TiledVAEDecode.execute(latent, vae, 64, "none").args[0]
    torch.testing.assert_close(image, vae.decode(vae.encode(picture(64, 64))), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.zeros(0, 64, 64, 3), "image is an empty batch"),
        (torch.zeros(1, 4, 64, 3), "64 x 4 pixels.*multiples of 8"),
        (torch.zeros(1, 5, 5, 3), "5 x 5 pixels.*Connect a larger image"),
        (torch.full((1, 64, 64, 3), torch.nan), "NaN or infinite"),
        (torch.full((1, 64, 64, 3), torch.inf), "NaN or infinite"),
    ],
    ids=["empty", "too small", "tiny", "nan", "infinite"],
)
def test_bad_images_are_named(vae, image, message):
    with pytest.raises(InputError, match=message):
        tiled(vae, image, 64)
