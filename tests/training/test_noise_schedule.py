import torch
from tilewright.training.noise import NoiseSchedule, sample_timesteps

HALF = torch.tensor([0.5, 0.2])  # alphas_cumprod of a schedule of two timesteps
LATENT = torch.full((1, 1, 1, 1), 3.0)
NOISE = torch.full((1, 1, 1, 1), -1.0)


def test_noisy_latent_by_hand():
    noisy = NoiseSchedule(HALF, "eps").add_noise(LATENT, NOISE, torch.tensor([1]))
    torch.testing.assert_close(noisy.item(), 0.2**0.5 * 3 - 0.8**0.5)


def test_eps_target_is_the_noise():
    assert torch.equal(NoiseSchedule(HALF, "eps").target(LATENT, NOISE, torch.tensor([1])), NOISE)


def test_v_target_by_hand():
    v = NoiseSchedule(HALF, "v").target(LATENT, NOISE, torch.tensor([1]))
    torch.testing.assert_close(v.item(), -(0.2**0.5) - 0.8**0.5 * 3)


def test_latent_and_noise_can_be_read_back_from_noisy_latent_and_v():
    schedule = NoiseSchedule(torch.tensor([0.3]), "v")
    latents, noise, first = torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8), torch.zeros(2, dtype=torch.long)
    noisy, v = schedule.add_noise(latents, noise, first), schedule.target(latents, noise, first)
    torch.testing.assert_close(0.3**0.5 * noisy - 0.7**0.5 * v, latents)
    torch.testing.assert_close(0.3**0.5 * v + 0.7**0.5 * noisy, noise)


def test_sigma_one_is_equal_parts_of_signal_and_noise():
    schedule = NoiseSchedule.from_sigmas(torch.tensor([1.0]), "eps")
    assert schedule.alphas_cumprod.item() == 0.5
    assert schedule.snr(torch.tensor([0])).item() == 1.0


def test_each_row_has_its_own_timestep():
    latents, noise = torch.ones(2, 1, 1, 1), torch.zeros(2, 1, 1, 1)
    noisy = NoiseSchedule(HALF, "eps").add_noise(latents, noise, torch.tensor([0, 1]))
    torch.testing.assert_close(noisy.flatten(), HALF.sqrt())


def test_timesteps_cover_the_schedule_evenly():
    counts = sample_timesteps(8000, 8, torch.Generator().manual_seed(0)).bincount()
    assert len(counts) == 8
    assert counts.min() > 900 and counts.max() < 1100
