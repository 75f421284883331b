"""A tiled decode is the untiled decode, whatever the tiles."""

import itertools

import comfy.model_management
import pytest
import torch
from comfy.ldm.models.autoencoder import AutoencoderKL
from comfy.sd import VAE
from comfy.taesd.taesd import TAESD
from tilewright.nodes.common.errors import InputError
from tilewright.nodes.seamless.nodes import SeamlessVAE
from tilewright.nodes.upscale.nodes import TiledVAEDecode

STABLE_DIFFUSION = {"ch": 32, "ch_mult": [1, 2, 4, 4], "num_res_blocks": 2}
DEMO_MODEL = {"ch": 32, "ch_mult": [1, 2, 2, 2], "num_res_blocks": 1}


def random_vae(shape):
    common = {"double_z": True, "z_channels": 4, "resolution": 64, "in_channels": 3, "out_ch": 3}
    params = {"embed_dim": 4, "ddconfig": {**common, **shape, "attn_resolutions": [], "dropout": 0.0}}
    generator = torch.Generator().manual_seed(0)
    state = {
        name: torch.randn(value.shape, generator=generator) * (value[0].numel() ** -0.5 if value.ndim > 1 else 0.3)
        for name, value in AutoencoderKL(**params).state_dict().items()
    }
    return VAE(sd=state, config={"params": params}, dtype=torch.float32)


@pytest.fixture(scope="module")
def vae():
    return random_vae(STABLE_DIFFUSION)


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
    vae, samples = random_vae(DEMO_MODEL), latents(1, 4, 16, 24)
    torch.testing.assert_close(tiled(vae, samples, 64), vae.decode(samples), atol=1e-5, rtol=0)


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
    state = {
        name: torch.full_like(value, 0.01) if value.ndim > 0 else value for name, value in TAESD().state_dict().items()
    }
    taesd, samples = VAE(sd=state, dtype=torch.float32), latents(1, 4, 16, 16)
    image, report = TiledVAEDecode.execute({"samples": samples}, taesd, 64, "none").args
    assert torch.equal(image, taesd.decode_tiled(samples, tile_x=8, tile_y=8, overlap=2))
    assert "TAESD has no exact tiled form" in report
    with pytest.raises(InputError, match="TAESD.*Set axes to none"):
        tiled(taesd, samples, 64, "both")


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (torch.zeros(0, 4, 8, 8), "no images"),
        (torch.zeros(1, 16, 8, 8), "16 channels, this VAE takes 4"),
        (torch.full((1, 4, 8, 8), torch.nan), "NaN"),
    ],
    ids=["empty", "channels", "nan"],
)
def test_bad_latents_are_named(vae, samples, message):
    with pytest.raises(InputError, match=message):
        tiled(vae, samples, 64)
