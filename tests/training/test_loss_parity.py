"""The loss of a step under every option of the objective, against its published formula written out here."""

import pytest
import torch
from test_training_loop import trainer
from tilewright.training.config import ObjectiveConfig
from tilewright.training.noise import NoiseSchedule

SCHEDULES = {
    prediction: NoiseSchedule(torch.linspace(0.99, 0.01, 50).double(), prediction) for prediction in ("eps", "v")
}


def case(prediction, objective):
    """A run, its first batch as it reaches the device, and what the network predicts for it."""
    run = trainer(batch_size=3, objective=objective, schedule=SCHEDULES[prediction])
    for parameter in run.parameters:
        torch.nn.init.normal_(parameter, std=0.1)
    inputs = run.inputs(run.batches[0])
    a = run.schedule.alphas_cumprod[inputs["timesteps"]].view(-1, 1, 1, 1)
    noisy = a.sqrt() * inputs["latents"] + (1 - a).sqrt() * inputs["noise"]
    predicted = run.denoise(noisy.float(), inputs["timesteps"], None).double()
    velocity = a.sqrt() * inputs["noise"] - (1 - a).sqrt() * inputs["latents"]
    target = inputs["noise"].double() if prediction == "eps" else velocity
    return run, inputs, a, predicted, target


def per_row(values):
    return values.mean((1, 2, 3))


@pytest.mark.parametrize("prediction", SCHEDULES)
@pytest.mark.parametrize(
    ("loss", "formula"),
    [
        ("mse", lambda e: e**2),
        ("l1", lambda e: e.abs()),
        ("huber", lambda e: 2 * 0.2 * ((e**2 + 0.2**2).sqrt() - 0.2)),
    ],
)
def test_distances(prediction, loss, formula):
    run, inputs, _, predicted, target = case(prediction, ObjectiveConfig(loss=loss, huber_delta=0.2))
    assert run.batch_loss(inputs).item() == pytest.approx(formula(predicted - target).mean().item(), rel=1e-5)


@pytest.mark.parametrize("prediction", SCHEDULES)
@pytest.mark.parametrize("option", [{"min_snr_gamma": 2.0}, {"debiased": True}])
def test_timestep_weights(prediction, option):
    run, inputs, a, predicted, target = case(prediction, ObjectiveConfig(**option))
    snr = (a / (1 - a)).flatten()
    if "debiased" in option:
        weight = 1 / snr.sqrt() if prediction == "eps" else 1 / (snr + 1)
    else:
        clipped = torch.minimum(snr, torch.full_like(snr, 2.0))
        weight = clipped / snr if prediction == "eps" else clipped / (snr + 1)
    expected = (weight * per_row((predicted - target) ** 2)).mean()
    assert run.batch_loss(inputs).item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("prediction", SCHEDULES)
def test_the_style_term_compares_gram_matrices_of_the_clean_latents(prediction):
    run, inputs, a, predicted, target = case(prediction, ObjectiveConfig(style=0.7))
    latents = inputs["latents"].double()
    noisy = a.sqrt() * latents + (1 - a).sqrt() * inputs["noise"]
    eps, v = (noisy - (1 - a).sqrt() * predicted) / a.sqrt(), a.sqrt() * noisy - (1 - a).sqrt() * predicted

    def gram(image):
        shifts = [(0, 0), (0, 1), (1, 0), (1, 1)]
        features = torch.cat([image.roll(shift, (-2, -1)) for shift in shifts], 1).flatten(2)
        return torch.einsum("bcp,bdp->bcd", features, features) / features.shape[-1]

    clean = eps if prediction == "eps" else v
    style = (a.flatten() ** 2) * (gram(clean) - gram(latents)).square().mean((1, 2))
    expected = (per_row((predicted - target) ** 2) + 0.7 * style).mean()
    assert run.batch_loss(inputs).item() == pytest.approx(expected.item(), rel=1e-4)


def test_what_rows_count_weighs_their_losses():
    run, inputs, _, predicted, target = case("eps", ObjectiveConfig())
    weighed = {**inputs, "loss_weights": torch.tensor([1.0, 0.25, 0.0])}
    rows = per_row((predicted - target) ** 2)
    assert run.batch_loss(weighed).item() == pytest.approx(((rows[0] + 0.25 * rows[1]) / 3).item(), rel=1e-5)


def test_a_mask_takes_the_mean_over_what_it_shows():
    run, inputs, _, predicted, target = case("eps", ObjectiveConfig(masked=True))
    mask = torch.zeros(3, 1, 8, 8)
    mask[..., :3] = 1.0
    expected = ((predicted - target) ** 2)[..., :3].mean()
    assert run.batch_loss({**inputs, "mask": mask}).item() == pytest.approx(expected.item(), rel=1e-5)


def test_without_any_signal_velocity_is_the_latent_taken_away_and_every_option_stays_finite():
    schedule = SCHEDULES["v"].with_zero_terminal_snr()
    for option in ({}, {"min_snr_gamma": 5.0}, {"debiased": True}, {"style": 1.0}):
        run = trainer(batch_size=3, objective=ObjectiveConfig(zero_terminal_snr=True, **option), schedule=schedule)
        inputs = run.inputs(run.batches[0])
        inputs["timesteps"] = torch.full((3,), 49)
        target = run.schedule.target(inputs["latents"], inputs["noise"], inputs["timesteps"])
        torch.testing.assert_close(target, -inputs["latents"])
        loss = run.batch_loss(inputs)
        loss.backward()
        assert loss.isfinite()
        assert all(parameter.grad.isfinite().all() for parameter in run.parameters)
