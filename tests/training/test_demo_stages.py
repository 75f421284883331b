"""Both stages of the demo model's training on networks of a few weights: what learns, when it ends, how it goes on."""

import json

import pytest
import torch
from tilewright.common.axes import Axes
from tilewright.common.wrapped_convolutions import wrap_in_place
from tilewright.training.demo import run
from tilewright.training.demo.autoencoder import autoencoder_loss, bends_by_column, train_autoencoder
from tilewright.training.demo.denoiser import (
    BATCH,
    FIRST_DRAWINGS,
    PATCH,
    PATCH_BATCH,
    PATCHED,
    RENEWAL_STEPS,
    Denoiser,
    denoiser_loss,
    train_denoiser,
)
from tilewright.training.demo.pool import Drawing, Pool
from tilewright.training.lora import is_spatial
from tilewright.training.noise import NoiseSchedule
from torch import nn


class TickingTime:
    """A clock that goes on by half a second whenever it is asked: a run of so many steps on any machine."""

    def __init__(self):
        self.processor = 0.0

    def process_time(self):
        self.processor += 0.5 * torch.get_num_threads()
        return self.processor

    def monotonic(self):
        return 0.0


class PlainAutoencoder(nn.Module):
    """One matrix each way between 8 x 8 pixels and a latent."""

    def __init__(self):
        super().__init__()
        self.encoder, self.quant_conv = nn.Conv2d(3, 8, 8, 8), nn.Conv2d(8, 8, 1)
        self.post_quant_conv, self.decoder = nn.Conv2d(4, 4, 1), nn.ConvTranspose2d(4, 3, 8, 8)


class PlainUnet(nn.Module):
    """One convolution that remembers what it was given: rows, latents a side, and whether it wraps."""

    def __init__(self):
        super().__init__()
        self.conv, self.told, self.seen = nn.Conv2d(4, 4, 3, padding=1), nn.Linear(2, 4), []
        wrap_in_place(self, Axes(True, True), "The test's UNet")

    def forward(self, noisy, timesteps, context):
        wraps = torch.allclose(self.conv(noisy.roll(1, -1)), self.conv(noisy).roll(1, -1), atol=1e-2)
        self.seen.append((len(noisy), noisy.shape[-1], wraps))
        return self.conv(noisy) + self.told(context.mean(1))[:, :, None, None]


class PlainTextEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(9, 2)

    def forward(self, tokens):
        return (self.embedding(tokens),)


def colors(size):
    """Draws images of one colour each."""

    def drawn(seed):
        levels = torch.rand(3, 1, 1, generator=torch.Generator().manual_seed(seed)).expand(3, size, size)
        return Drawing((levels * 255).byte(), (f"number {seed}",))

    return drawn


@pytest.fixture(autouse=True)
def ticking(monkeypatch):
    monkeypatch.setattr(run, "time", TickingTime())
    torch.manual_seed(0)


def state(folder, stage):
    return torch.load(folder / f"{stage}.pt", weights_only=True)


def test_the_autoencoder_learns_until_its_time_is_over_and_is_kept(tmp_path):
    network, pool, sheets = PlainAutoencoder(), Pool(colors(96), capacity=4), []
    images = torch.stack([colors(96)(seed).image for seed in (50, 51)]).float() / 127.5 - 1
    before = autoencoder_loss(network, images)[0].item()
    average = train_autoencoder(network, pool, tmp_path, run.Clock(105), sheets.append)
    assert autoencoder_loss(network, images)[0].item() < 0.9 * before
    kept = state(tmp_path, "autoencoder")
    assert kept["step"] == average.updates == 100  # two looks at the clock a step, three at every tenth
    assert kept["seed"] == pool.next_seed == 25  # one drawing every fourth step
    assert sheets == [average] and average.weights.keys() == network.state_dict().keys()
    lines = [json.loads(line) for line in (tmp_path / "autoencoder.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(10, 101, 10))
    again = train_autoencoder(PlainAutoencoder(), pool, tmp_path, run.Clock(105), sheets.append)
    assert state(tmp_path, "autoencoder")["step"] == 100  # its time was over
    assert all(torch.equal(again.weights[name], value) for name, value in average.weights.items())


def test_the_decoder_alone_leaves_the_latents_as_they_are(tmp_path):
    network = PlainAutoencoder()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    train_autoencoder(network, Pool(colors(96), 4), tmp_path, run.Clock(10), lambda average: None, decoder_only=True)
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"decoder.weight", "decoder.bias"}
    assert (tmp_path / "decoder.pt").is_file() and not (tmp_path / "autoencoder.pt").exists()


def test_the_denoiser_learns_until_its_time_is_over_and_is_kept(tmp_path):
    def tokens(captions):
        return torch.tensor([[len(caption) % 9] * 77 for caption in captions])

    schedule = NoiseSchedule(torch.linspace(0.99, 0.01, 50), "eps")
    denoiser = Denoiser(PlainUnet(), PlainTextEncoder(), tokens, 1.0, schedule)
    pool, sheets = Pool(colors(256), capacity=8), []

    def error():
        generator = torch.Generator().manual_seed(5)
        clean = torch.randn(8, 4, 4, 4, generator=generator) * 0.1
        return denoiser_loss(denoiser, clean, ["a"] * 8, generator)[0].item()

    before = error()
    denoiser.unet.seen.clear()
    average = train_denoiser(denoiser, PlainAutoencoder(), pool, tmp_path, run.Clock(100), sheets.append)
    patches, tiles = (PATCH_BATCH, PATCH, False), (BATCH, 32, True)
    seen = denoiser.unet.seen
    first = seen.count(patches)
    assert seen == [patches] * first + [tiles] * (len(seen) - first)
    assert first / len(seen) == pytest.approx(PATCHED, abs=0.02)
    assert error() < 0.9 * before
    kept = state(tmp_path, "denoiser")
    assert kept["step"] == average.updates and sheets == [average]
    assert pool.next_seed == FIRST_DRAWINGS + -(-kept["step"] // RENEWAL_STEPS)
    assert {name.split(".")[0] for name in average.weights} == {"unet", "text_encoder"}


def test_bends_are_counted_by_the_column_of_a_latent_that_they_lie_in():
    """A line of 1 at every eighth column: its two steps bend by 1.5, those beside it by a half, a ramp does not."""
    lines = (torch.arange(64) % 8 == 4).float().expand(2, 3, 5, 64)
    assert sorted(bends_by_column(lines).tolist()) == pytest.approx([0.001] * 4 + [0.501] * 2 + [1.501] * 2, abs=1e-5)
    assert bends_by_column(torch.arange(64.0).expand(1, 3, 5, 64)).tolist() == pytest.approx([0.001] * 8)
    moved = bends_by_column(lines.roll(3, -1))
    torch.testing.assert_close(moved, bends_by_column(lines).roll(3))


def test_a_layer_is_spatial_where_it_looks_beyond_its_own_pixel():
    assert is_spatial(nn.Conv2d(1, 1, 3)) and is_spatial(nn.Conv2d(1, 1, (1, 3)))
    assert not is_spatial(nn.Conv2d(1, 1, 1)) and not is_spatial(nn.Linear(1, 1))
