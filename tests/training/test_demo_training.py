"""Training the demo model: the parts that must be right before an hour of CPU time is spent on them."""

import contextlib

import pytest
import torch
from tilewright.dataset.procedural.catalogue import chosen_materials
from tilewright.host.demo_model import ARCHITECTURE, ARCHITECTURES, WEIGHTS, load_weights, weights_metadata
from tilewright.launch import demo_model_report, train_demo_model
from tilewright.launch.demo_model_course import COURSES, SHIPPED, Course
from tilewright.launch.train_demo_model import denoiser_of, initial_networks, load_networks
from tilewright.training.demo import run
from tilewright.training.demo.autoencoder import (
    autoencoder_loss,
    decode,
    decode_wrapped,
    encode_moments,
    encode_wrapped,
    grid_contrast,
    neighbour_correlation,
    normalise_latents,
)
from tilewright.training.demo.denoiser import denoiser_loss
from tilewright.training.demo.pool import Pool

pytestmark = pytest.mark.slow


class TickingTime:
    """Clocks that go on by so many seconds whenever they are asked: a run of so many steps on any machine."""

    def __init__(self):
        self.processor, self.wall = 0.0, 0.0

    def process_time(self):
        self.processor += 0.5 * torch.get_num_threads()
        return self.processor

    def monotonic(self):
        self.wall += 1
        return self.wall


@pytest.fixture(scope="module")
def networks():
    return initial_networks()


def test_drawings_are_textures_with_captions_from_long_to_short():
    drawing = SHIPPED.draw(0)
    assert drawing.image.shape == (3, 256, 256) and drawing.image.dtype == torch.uint8
    assert all("brick" in caption for caption in drawing.captions)
    assert len(drawing.captions[0]) >= len(drawing.captions[-1])


def test_the_everyday_course_draws_every_map_under_its_name():
    course = COURSES["everyday"]
    assert course.materials == tuple(chosen_materials("everyday"))
    assert sum(course.shares.values()) == pytest.approx(1)
    for kind in course.shares:
        seed = course.materials.index("tread")  # metal, so that no map is flat
        (drawing,) = course.drawn(seed, kind)
        assert drawing.image.shape == (3, 256, 256) and drawing.image.dtype == torch.uint8
        spoken = {"basecolor": "diamond", "ao": "ambient occlusion map of"}.get(kind, f"{kind} map of")
        assert all(caption.startswith(spoken) for caption in drawing.captions), kind
    drawn_kinds = {course.draw(seed).captions[-1].split(" of ")[0] for seed in range(3, 90, 14)}
    assert len(drawn_kinds) > 1


def test_a_map_that_would_be_flat_becomes_a_basecolor():
    course = Course("small", ("rock",), {"metallic": 1.0})
    assert course.draw(0).captions[-1] == "rock face"


@pytest.fixture
def smallest(monkeypatch):
    """The whole command in seconds: two materials, few of everything, and clocks that go on by themselves. Called with
    an architecture."""

    def shrink(architecture):
        course = Course(architecture, ("rock", "tread"), COURSES["everyday"].shares)
        for module, name, value in (
            (train_demo_model, "POOL", 6),
            (train_demo_model, "SPOKEN", 1),
            (train_demo_model, "COURSES", {"everyday": course}),
            (demo_model_report, "COURSES", {"everyday": course}),
            (demo_model_report, "KNOWN", 3),
            (demo_model_report, "UNKNOWN", 1),
            (demo_model_report, "PAINTED", 1),
            (demo_model_report, "RENDERED", 1),
        ):
            monkeypatch.setattr(module, name, value)
        monkeypatch.setattr("tilewright.training.demo.denoiser.FIRST_DRAWINGS", 4)
        monkeypatch.setattr(run, "time", TickingTime())
        monkeypatch.setattr(Pool, "renew", lambda self, count, renew=Pool.renew: renew(self, min(count, 4)))

    return shrink


def test_a_training_stopped_by_its_time_limit_goes_on(tmp_path, smallest):
    """Each stage in two calls; the file at the end loads as a checkpoint."""
    smallest("small")
    folder = ["--folder", str(tmp_path)]
    train_demo_model.main(["autoencoder", "denoiser", *folder, "--time-limit", "0.1", "--autoencoder-minutes", "0.3"])
    steps = torch.load(tmp_path / "autoencoder.pt", weights_only=True)["step"]
    assert steps > 0 and not (tmp_path / "latents.pt").exists() and not (tmp_path / "denoiser.pt").exists()
    train_demo_model.main(["evaluate", *folder])
    assert "paintings_told_apart" not in (tmp_path / "evaluation.json").read_text()
    short = [f"--{stage}-minutes={minutes}" for stage, minutes in (("autoencoder", 0.3), ("denoiser", 0.1))]
    train_demo_model.main(["autoencoder", "denoiser", "pack", "evaluate", *folder, *short])
    assert torch.load(tmp_path / "autoencoder.pt", weights_only=True)["step"] > steps
    packed = tmp_path / "demo_model.safetensors"
    assert (
        weights_metadata(packed)["architecture"] == "small" and weights_metadata(packed)["materials"] == "rock, tread"
    )
    model, clip, vae = ARCHITECTURE.load(load_weights(packed))
    with torch.inference_mode():
        assert vae.decode(torch.zeros(1, 4, 8, 8)).shape == (1, 64, 64, 3)
    assert "paintings_told_apart" in (tmp_path / "demo_model.json").read_text()


@torch.no_grad()
def test_a_training_goes_on_from_the_file_that_ships_in_larger_networks(tmp_path, smallest):
    """A short while of learning leaves what the shipped file knows: its latents, pictures and noise."""
    smallest("wide")
    minutes = [f"--{stage}-minutes=0.1" for stage in ("autoencoder", "denoiser")]
    with torch.enable_grad():
        stages = ["autoencoder", "denoiser", "pack"]
        train_demo_model.main([*stages, "--folder", str(tmp_path), "--start-from", str(WEIGHTS), *minutes])
    packed = tmp_path / "demo_model.safetensors"
    assert weights_metadata(packed)["architecture"] == "wide"
    learnt, shipped = (initial_networks(ARCHITECTURES[name]) for name in ("wide", "small"))
    load_networks(learnt, load_weights(packed))
    load_networks(shipped, load_weights(WEIGHTS))
    image = SHIPPED.draw(3).image[None].float() / 127.5 - 1
    latents = [encode_wrapped(network["autoencoder"], image) for network in (learnt, shipped)]
    images = [decode_wrapped(network["autoencoder"], latents[1]) for network in (learnt, shipped)]
    times, context = torch.tensor([500.0]), torch.zeros(1, 77, 128)
    noises = [network["unet"](latents[1] * 0.18, times, context=context) for network in (learnt, shipped)]
    for new, old in (latents, images, noises):
        assert torch.corrcoef(torch.stack([new.flatten(), old.flatten()]))[0, 1] > 0.9


def test_the_wide_architecture_is_an_sd1_too_and_fits_the_repository(tmp_path):
    architecture = ARCHITECTURES["wide"]
    networks = initial_networks(architecture)
    numbers = sum(value.numel() for name, value in networks.state_dict().items() if "token_embedding" not in name)
    assert 2 * numbers < 32_000_000
    model, clip, vae = architecture.load(train_demo_model.checkpoint_state(networks))
    with torch.inference_mode():
        assert vae.encode(torch.full((1, 64, 64, 3), 0.5)).shape == (1, 4, 8, 8)
        context = clip.encode_from_tokens(clip.tokenize("normal map of bricks"))
        assert model.model.diffusion_model(torch.zeros(1, 4, 8, 8), torch.ones(1), context.float()).shape == (
            1,
            4,
            8,
            8,
        )


def test_normalised_latents_have_unit_spread_and_the_images_stay(networks):
    network = networks["autoencoder"]
    images = torch.rand(2, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        before = decode(network, encode_moments(network, images)[0])
        normalise_latents(network, encode_moments(network, images)[0], scale=0.18215)
        latents = encode_moments(network, images)[0]
        after = decode(network, latents)
    scaled = latents * 0.18215
    assert scaled.mean((0, 2, 3)).tolist() == pytest.approx([0] * 4, abs=1e-4)
    assert scaled.std((0, 2, 3)).tolist() == pytest.approx([1] * 4, abs=1e-3)
    assert torch.allclose(before, after, atol=1e-4)


def test_both_losses_reach_every_trained_weight(networks):
    images = torch.stack([SHIPPED.draw(seed).image for seed in (0, 1)]).float()[:, :, :64, :64] / 127.5 - 1
    autoencoder_loss(networks["autoencoder"], images)[0].backward()
    denoiser = denoiser_of(networks)
    generator = torch.Generator().manual_seed(0)
    denoiser_loss(denoiser, torch.randn(2, 4, 16, 16), ["bricks", ""], generator)[0].backward()
    # Residual branches start at zero, so at first only their last layers learn: those of the output all do.
    assert networks["autoencoder"].decoder.conv_out.weight.grad.abs().sum() > 0
    assert networks["autoencoder"].quant_conv.weight.grad.abs().sum() > 0
    assert networks["unet"].out[-1].weight.grad.abs().sum() > 0


def test_mixed_precision_changes_a_loss_by_less_than_a_hundredth(networks, monkeypatch):
    monkeypatch.setattr(run, "processor_multiplies", lambda dtype: True)
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    losses = []
    for precision in (contextlib.nullcontext(), run.mixed_precision()):
        torch.manual_seed(0)
        with precision:
            losses.append(autoencoder_loss(networks["autoencoder"], images)[0])
    exact, mixed = losses
    assert mixed.dtype == torch.float32
    assert mixed != exact
    assert mixed.item() == pytest.approx(exact.item(), rel=0.01)


def test_a_processor_that_has_no_bfloat16_trains_in_float32(monkeypatch):
    monkeypatch.setattr(run, "processor_multiplies", lambda dtype: False)
    with run.mixed_precision():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


def test_neighbours_are_alike_in_a_slow_wave_opposite_in_a_chequer_and_strangers_in_noise():
    place = torch.arange(32)
    wave = torch.sin(2 * torch.pi * place / 32)[:, None] + torch.sin(2 * torch.pi * place / 32)
    chequer = (-1.0) ** (place[:, None] + place)
    noise = torch.randn(4, 4, 32, 32, generator=torch.Generator().manual_seed(0))
    assert neighbour_correlation(wave[None, None] + 5) > 0.95  # the channel's mean has no part in it
    assert neighbour_correlation(chequer[None, None]) == pytest.approx(-1)
    assert neighbour_correlation(noise).abs() < 0.05


def test_latents_whose_halves_are_not_the_halved_image_cost_more():
    class Blocks(torch.nn.Module):
        """Carries blocks of 8 x 8 pixels as they are, a latent each; with `chequer` every other one negated."""

        def __init__(self, chequer):
            super().__init__()
            self.chequer = chequer
            self.quant_conv = self.post_quant_conv = torch.nn.Identity()

        def signs(self, latents):
            rows, columns = (torch.arange(side) for side in latents.shape[-2:])
            return (-1.0) ** (rows[:, None] + columns) if self.chequer else 1.0

        def encoder(self, images):
            mean = torch.nn.functional.avg_pool2d(images[:, :1], 8)
            return torch.cat([mean * self.signs(mean), torch.full_like(mean, -60)], 1)

        def decoder(self, latents):
            blocks = latents * self.signs(latents)
            return torch.nn.functional.interpolate(blocks, scale_factor=8.0).expand(-1, 3, -1, -1)

    blocks = torch.rand(2, 1, 5, 5, generator=torch.Generator().manual_seed(0)) * 2 - 1
    images = torch.nn.functional.interpolate(blocks, scale_factor=16.0).expand(-1, 3, -1, -1)
    smooth, chequered = (autoencoder_loss(Blocks(chequer), images)[1] for chequer in (False, True))
    assert smooth["psnr"] > 60 and chequered["psnr"] > 60
    assert smooth["scaled_psnr"] > 60 > 15 > chequered["scaled_psnr"]


def test_a_line_on_every_eighth_column_is_a_grid_and_blur_is_not():
    fine = torch.rand(2, 3, 80, 80, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert grid_contrast(fine / 2, fine) < 1e-6
    lines = torch.zeros(80)
    lines[::8] = 0.5
    assert grid_contrast(fine / 2 + lines, fine) > 100 * grid_contrast(fine / 2 + lines[:, None], fine)
    assert grid_contrast(fine + lines, fine + lines) == 0


def test_the_schedule_is_sd1s(networks):
    """Known values of SD1's alphas_cumprod: 0.99915 at the first step and 0.00466 at the last."""
    shares = denoiser_of(networks).schedule.alphas_cumprod
    assert len(shares) == 1000
    assert shares[0].item() == pytest.approx(0.99915, abs=1e-5)
    assert shares[-1].item() == pytest.approx(0.00466, abs=1e-5)


def test_captions_are_learnt(networks):
    """The text encoder is trained too: its token embedding gets a gradient for the words of the caption."""
    denoiser = denoiser_of(networks)
    table = denoiser.text_encoder.text_model.embeddings.token_embedding.weight
    denoiser.conditioning(["brick wall"]).context.square().mean().backward()
    met = ARCHITECTURE.tokens(["brick wall"]).unique()
    assert sorted(table.grad.abs().sum(1).nonzero().flatten().tolist()) == met.tolist()
    assert all(parameter.requires_grad for parameter in denoiser.networks.parameters())


def test_painted_latents_have_the_shape_asked_for_and_know_no_edge(networks):
    denoiser = denoiser_of(networks)
    latents = denoiser.paint(["rock face", "planks"], 16)
    assert latents.shape == (2, 4, 16, 16) and latents.isfinite().all()
    noisy, told = torch.randn(1, 4, 16, 16), denoiser.conditioning(["planks"])
    with torch.no_grad():
        torch.nn.init.normal_(denoiser.unet.out[-1].weight)
        before, rolled = (denoiser(x, torch.tensor([500]), told) for x in (noisy, noisy.roll((4, 8), (2, 3))))
    assert torch.allclose(rolled, before.roll((4, 8), (2, 3)), atol=1e-4)


def test_wrapped_tiles_know_no_edge(networks):
    network = networks["autoencoder"]
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    latents = encode_wrapped(network, images)
    assert latents.shape == (1, 4, 8, 8)
    rolled = encode_wrapped(network, images.roll((16, 24), (2, 3)))
    assert (rolled - latents.roll((2, 3), (2, 3))).abs().max() < 0.05 * latents.abs().max()
    assert decode_wrapped(network, latents).shape == images.shape
