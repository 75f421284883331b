"""A tiled decode is the untiled decode, whatever the tiles."""

import itertools

import comfy.model_management
import pytest
import torch
from comfy.ldm.cascade.stage_a import StageA
from comfy.taesd.taesd import TAESD
from random_networks import DEMO_MODEL, STABLE_DIFFUSION, random_autoencoder, random_weights
from tilewright.common.errors import InputError
from tilewright.host import tiled_vae
from tilewright.nodes.seamless import SeamlessVAE
from tilewright.nodes.upscale import TiledVAEDecode
from tilewright.upscale.tiled_layers import TiledLayers

pytestmark = pytest.mark.slow
NO_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
]


@pytest.fixture(scope="module")
def vae():
    return random_autoencoder(STABLE_DIFFUSION)


@pytest.fixture(autouse=True)
def inference():
    with torch.inference_mode():
        yield


def latents(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def tiled(vae, samples, tile_size, axes="none"):
    return TiledVAEDecode.execute({"samples": samples}, vae, tile_size, axes).args[0]


@pytest.mark.parametrize("tile_size", [64, 104, 1024])
@pytest.mark.parametrize("shape", [(1, 4, 24, 24), (2, 4, 17, 13)], ids=["square", "odd"])
def test_equals_the_untiled_decode(vae, shape, tile_size):
    samples = latents(*shape)
    torch.testing.assert_close(tiled(vae, samples, tile_size), vae.decode(samples), atol=1e-5, rtol=0)


@pytest.mark.parametrize("axes", ["x", "y", "both"])
def test_equals_the_untiled_decode_of_a_seamless_vae(vae, axes):
    samples = latents(1, 4, 16, 20)
    seamless = SeamlessVAE.execute(vae, axes).args[0]
    torch.testing.assert_close(tiled(vae, samples, 64, axes), seamless.decode(samples), atol=1e-5, rtol=0)


def test_a_latent_smaller_than_the_reach_of_the_decoder_wraps_too(vae):
    samples = latents(1, 4, 2, 1)
    seamless = SeamlessVAE.execute(vae, "both").args[0]
    torch.testing.assert_close(tiled(vae, samples, 64, "both"), seamless.decode(samples), atol=1e-5, rtol=0)


def test_the_demo_models_autoencoder_too():
    vae, samples = random_autoencoder(DEMO_MODEL), latents(1, 4, 16, 24)
    torch.testing.assert_close(tiled(vae, samples, 64), vae.decode(samples), atol=1e-5, rtol=0)


@pytest.mark.parametrize("axes", ["none", "x", "both"])
def test_taesd_too(axes):
    taesd, samples = random_weights(TAESD()), latents(1, 4, 17, 13)
    whole = taesd if axes == "none" else SeamlessVAE.execute(taesd, axes).args[0]
    torch.testing.assert_close(tiled(taesd, samples, 64, axes), whole.decode(samples), atol=1e-5, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_rounds_as_much_as_untiled(dtype):
    samples = latents(1, 4, 9, 10)
    exact, half = random_autoencoder(DEMO_MODEL).decode(samples), random_autoencoder(DEMO_MODEL, dtype)
    error, untiled = ((image - exact).norm() for image in (tiled(half, samples, 64), half.decode(samples)))
    assert error < 1.2 * untiled


def test_a_seamless_vae_does_not_wrap_tiles(vae):
    """The axes of the node count, and every tile still meets its true neighbours."""
    samples = latents(1, 4, 16, 16)
    seamless = SeamlessVAE.execute(vae, "both").args[0]
    for axes in ("none", "both"):
        assert torch.equal(tiled(seamless, samples, 64, axes), tiled(vae, samples, 64, axes))


def test_rolling_the_latent_rolls_the_image(vae):
    samples = latents(1, 4, 16, 24)
    image = tiled(vae, samples, 64, "both")
    rolled = tiled(vae, samples.roll((3, -5), (2, 3)), 64, "both")
    torch.testing.assert_close(rolled, image.roll((24, -40), (1, 2)), atol=1e-5, rtol=0)


def test_the_vae_decodes_as_before_afterwards(vae):
    samples = latents(1, 4, 12, 12)
    before = vae.decode(samples)
    tiled(vae, samples, 64, "both")
    assert torch.equal(vae.decode(samples), before)


def test_cancelling_leaves_the_vae_as_it_was(vae, monkeypatch):
    samples = latents(1, 4, 12, 12)
    before = vae.decode(samples)
    tiles = itertools.count()

    def cancel_after_three_tiles():
        if next(tiles) == 3:
            raise comfy.model_management.InterruptProcessingException

    monkeypatch.setattr(comfy.model_management, "throw_exception_if_processing_interrupted", cancel_after_three_tiles)
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        tiled(vae, samples, 64, "both")
    assert torch.equal(vae.decode(samples), before)


@pytest.mark.parametrize(
    "place", [(TiledLayers, "attention"), (tiled_vae, "macs_per_byte")], ids=["at work", "planning"]
)
@pytest.mark.parametrize("error", NO_MEMORY, ids=["device", "main memory"])
def test_out_of_memory_tries_smaller_tiles_and_says_so(vae, monkeypatch, place, error):
    samples = latents(1, 4, 12, 12)
    calls, in_full = itertools.count(), getattr(*place)

    def with_little_memory(*arguments):
        if next(calls) < 2:
            raise error
        return in_full(*arguments)

    monkeypatch.setattr(*place, with_little_memory)
    image, report = TiledVAEDecode.execute({"samples": samples}, vae, 512, "none").args
    torch.testing.assert_close(image, vae.decode(samples), atol=1e-5, rtol=0)
    assert "tiles of 128 px" in report


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ((TiledLayers, "attention"), NO_MEMORY[0]),
        ((TiledLayers, "attention"), NO_MEMORY[1]),
        ((torch.nn.Conv2d, "_conv_forward"), NO_MEMORY[0]),
    ],
    ids=["within, device", "within, main memory", "around, device"],
)
def test_out_of_memory_with_the_smallest_tiles_is_told(vae, monkeypatch, place, error):
    def fail(*arguments):
        raise error

    monkeypatch.setattr(*place, fail)
    with pytest.raises(InputError, match="out of memory even with tiles of 64"):
        tiled(vae, latents(1, 4, 12, 12), 64)


def test_progress_reaches_the_end_and_never_falls(vae, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "comfy.utils.PROGRESS_BAR_HOOK", lambda value, total, *rest, **options: seen.append(value / total)
    )
    tiled(vae, latents(2, 4, 12, 12), 64)
    assert seen == sorted(seen)
    assert 0 < seen[len(seen) // 2] < 1
    assert seen[-1] == 1


def test_other_autoencoders_go_through_the_host_and_say_so():
    vae, samples = random_weights(StageA()), latents(1, 4, 16, 16)
    image, report = TiledVAEDecode.execute({"samples": samples}, vae, 64, "none").args
    assert torch.equal(image, vae.decode_tiled(samples, tile_x=16, tile_y=16, overlap=4))
    assert "StageA has no exact tiled form" in report
    with pytest.raises(InputError, match="StageA.*Set axes to none"):
        tiled(vae, samples, 64, "both")


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (torch.zeros(0, 4, 8, 8), "no images"),
        (torch.zeros(1, 4, 2, 8, 8), "5 axes.*video"),
        (None, "The latent is empty"),
        (torch.zeros(1, 16, 8, 8), "16 channels, this VAE takes 4"),
        (torch.full((1, 4, 8, 8), torch.nan), "NaN"),
    ],
    ids=["empty", "video", "none", "channels", "nan"],
)
def test_bad_latents_are_named(vae, samples, message):
    with pytest.raises(InputError, match=message):
        tiled(vae, samples, 64)


def test_no_latent_and_no_vae_are_named(vae):
    with pytest.raises(InputError, match="The latent is empty"):
        TiledVAEDecode.execute(None, vae, 64, "none")
    with pytest.raises(InputError, match="The VAE is empty"):
        tiled(None, latents(1, 4, 8, 8), 64)


def test_a_vae_that_gives_no_numbers_is_named():
    """As one that overflows in half precision: a bias of its last layer is infinite."""
    broken = random_autoencoder(STABLE_DIFFUSION)
    broken.first_stage_model.decoder.conv_out.bias.data.fill_(torch.nan)
    with pytest.raises(InputError, match="The decoded image has 4096 of 4096 pixels.*--fp32-vae"):
        tiled(broken, latents(1, 4, 8, 8), 64)
