import pytest
import torch
from tilewright.training.data import Conditioning
from tilewright.training.noise import NoiseSchedule
from tilewright.training.sampling import sample

NOTHING = Conditioning(torch.zeros(1, 1, 1))


@pytest.mark.parametrize("prediction", ["eps", "v"])
def test_a_perfect_denoiser_of_one_picture_leads_to_that_picture(prediction):
    schedule = NoiseSchedule(torch.linspace(0.999, 0.002, 100), prediction)
    picture = torch.randn(1, 4, 8, 8)

    def knows_the_picture(noisy, timesteps, conditioning):
        alphas = schedule.alphas_cumprod[timesteps].view(-1, 1, 1, 1)
        noise = (noisy - alphas.sqrt() * picture) / (1 - alphas).sqrt()
        return schedule.target(picture.expand_as(noisy), noise, timesteps)

    drawn = sample(knows_the_picture, schedule, torch.randn(1, 4, 8, 8), NOTHING, NOTHING, steps=10)
    torch.testing.assert_close(drawn, picture, atol=1e-3, rtol=1e-3)


def test_guidance_goes_beyond_what_the_prompt_alone_would_give():
    schedule = NoiseSchedule(torch.tensor([0.9, 0.5]), "eps")
    seen = []

    def denoise(noisy, timesteps, conditioning):
        seen.append(conditioning.context.flatten().tolist())
        return conditioning.context.view(-1, 1, 1, 1).expand_as(noisy)

    told, untold = Conditioning(torch.ones(1, 1, 1)), NOTHING
    noise = torch.zeros(1, 1, 1, 1)
    one, three = (sample(denoise, schedule, noise, told, untold, steps=1, guidance=g) for g in (1.0, 3.0))
    assert seen[0] == [1.0, 0.0]
    torch.testing.assert_close(three, 3 * one)
