"""Training the demo model: the parts that must be right before an hour of CPU time is spent on them."""

import pytest
import torch
from tilewright.host.demo_model import ARCHITECTURE
from tilewright.launch.train_demo_model import denoiser_of, draw, initial_networks
from tilewright.training.demo import run
from tilewright.training.demo.autoencoder import (
    autoencoder_loss,
    decode,
    encode_moments,
    grid_contrast,
    normalise_latents,
)
from tilewright.training.demo.denoiser import denoiser_loss
from tilewright.training.demo.evaluation import NearestClass, psnr, texture_statistics
from tilewright.training.demo.pool import Drawing, Pool


@pytest.fixture(scope="module")
def networks():
    return initial_networks()


def drawn(seed):
    return Drawing(torch.full((3, 16, 16), seed % 256, dtype=torch.uint8), (f"number {seed}",))


def test_a_full_pool_gives_up_its_oldest_drawings():
    pool = Pool(drawn, capacity=3)
    assert pool.renew(4) == [0, 1, 2, 0]
    assert [drawing.captions[0] for drawing in pool.drawings] == ["number 3", "number 1", "number 2"]


def test_drawings_are_textures_with_captions_from_long_to_short():
    drawing = draw(0)
    assert drawing.image.shape == (3, 256, 256) and drawing.image.dtype == torch.uint8
    assert all("brick" in caption for caption in drawing.captions)
    assert len(drawing.captions[0]) >= len(drawing.captions[-1])


def test_the_clock_sets_the_learning_rate(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(run.time, "monotonic", lambda: now[0])
    clock = run.Clock(100)
    rates = []
    for now[0] in (0.0, 4.0, 52.0, 100.0):
        rates.append(clock.learning_rate(1.0))
    assert rates == pytest.approx([0.02, 1.0, 0.505, 0.01])


def test_a_saved_state_goes_on_where_it_was(tmp_path):
    def fresh():
        network = torch.nn.Linear(2, 2)
        return (
            network,
            torch.optim.AdamW(network.parameters()),
            run.Average(network, 0.9),
            run.Clock(60),
            Pool(drawn, 4),
        )

    first, second = fresh(), fresh()
    first[0](torch.ones(1, 2)).sum().backward()
    first[1].step()
    first[4].renew(3)
    run.save_state(tmp_path / "state.pt", *first, step=12)
    assert run.resume_state(tmp_path / "state.pt", *second) == 12
    assert torch.equal(first[0].weight, second[0].weight)
    assert second[4].next_seed == 3
    assert run.resume_state(tmp_path / "nothing.pt", *fresh()) == 0


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
    images = torch.stack([draw(seed).image for seed in (0, 1)]).float()[:, :, :64, :64] / 127.5 - 1
    autoencoder_loss(networks["autoencoder"], images)[0].backward()
    denoiser = denoiser_of(networks)
    generator = torch.Generator().manual_seed(0)
    denoiser_loss(denoiser, torch.randn(2, 4, 16, 16), ["bricks", ""], generator)[0].backward()
    # Residual branches start at zero, so at first only their last layers learn: those of the output all do.
    assert networks["autoencoder"].decoder.conv_out.weight.grad.abs().sum() > 0
    assert networks["autoencoder"].quant_conv.weight.grad.abs().sum() > 0
    assert networks["unet"].out[-1].weight.grad.abs().sum() > 0


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


def test_psnr_of_a_known_error():
    """An error of 0.2 in a range of 2 is 20 dB."""
    assert psnr(torch.full((1, 3, 4, 4), 0.2), torch.zeros(1, 3, 4, 4)).item() == pytest.approx(20)


def test_statistics_tell_stripes_from_stripes_turned_and_from_noise():
    generator = torch.Generator().manual_seed(0)
    stripes = torch.sin(torch.arange(64) * torch.pi / 4).expand(64, 64)

    def examples(pattern, count):
        noise = 0.3 * torch.randn(count, 3, 64, 64, generator=generator)
        return pattern * (0.5 + torch.rand(count, 1, 1, 1, generator=generator)) + noise

    def all_three(count):
        return torch.cat([examples(pattern, count) for pattern in (stripes, stripes.T, torch.zeros(64, 64))])

    judge = NearestClass.fitted(texture_statistics(all_three(10)), torch.arange(3).repeat_interleave(10))
    assert torch.equal(judge.classify(texture_statistics(all_three(4))), torch.arange(3).repeat_interleave(4))
