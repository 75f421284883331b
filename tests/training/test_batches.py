"""What a step trains on: by its number alone, in whichever thread and however early it is made."""

import threading
from dataclasses import replace

import torch
from tilewright.training.batches import Batches, forward_inputs, made_ahead
from tilewright.training.config import ObjectiveConfig, TrainingConfig
from tilewright.training.data import Conditioning, Example
from tilewright.training.noise import NoiseSchedule

EVERYTHING = ObjectiveConfig(noise_offset=0.1, multires_noise=2, shuffle_caption=True, caption_dropout=0.3, masked=True)


def batches(objective=EVERYTHING, batch_size=2):
    draw = torch.Generator().manual_seed(0)
    examples = [
        Example(
            torch.randn(4, 8, 8, generator=draw),
            f"brick, {number}, red, dry",
            (64, 64),
            tileable=True,
            regularisation=number == 2,
            mask=torch.rand(1, 8, 8, generator=draw),
        )
        for number in range(3)
    ]
    config = TrainingConfig(steps=9, batch_size=batch_size, resolution=64, seed=3, objective=objective)
    return Batches(examples, config, NoiseSchedule(torch.linspace(0.99, 0.01, 50), "eps"))


def same(one, other):
    tensors = ("latents", "noise", "timesteps", "loss_weights", "mask")
    equal = all(torch.equal(getattr(one, name), getattr(other, name)) for name in tensors)
    return equal and one.captions == other.captions and one.sizes == other.sizes


def test_a_batch_follows_from_its_number_alone():
    forwards, backwards = batches(), batches()
    course = [forwards[number] for number in range(6)]
    assert all(same(backwards[number], course[number]) for number in reversed(range(6)))
    assert not same(course[0], course[1])


def test_latent_and_mask_are_rolled_together():
    made, plain = batches(), batches(replace(EVERYTHING, roll=False))
    for number in range(3):
        for row in range(2):
            latent, still = made[number].latents[row], plain[number].latents[row]
            (shift,) = [(y, x) for y in range(8) for x in range(8) if torch.equal(still.roll((y, x), (-2, -1)), latent)]
            assert torch.equal(plain[number].mask[row].roll(shift, (-2, -1)), made[number].mask[row])


def test_regularisation_rows_weigh_what_they_are_told():
    weighed = batches(ObjectiveConfig(prior_weight=0.25), batch_size=3)[0]
    order = batches(batch_size=3).order.batch(0)
    assert weighed.loss_weights.tolist() == [0.25 if index == 2 else 1.0 for index in order]


def test_batches_made_ahead_in_another_thread_are_the_same():
    threads = []

    def make(number):
        threads.append(threading.current_thread())
        return batches()[number]

    ahead = made_ahead(make, 2)
    for number in range(2, 6):
        assert same(next(ahead), batches()[number])
    ahead.close()
    assert threading.main_thread() not in threads
    assert not any(thread.is_alive() for thread in threads)


def test_fixed_rows_have_the_same_noise_whatever_the_batch_size_is():
    one, many = batches(batch_size=1), batches(batch_size=3)
    rows = [([example], fraction) for example in one.examples for fraction in (0.25, 0.75)]
    singles, threes = list(one.fixed(rows, "validation")), list(many.fixed(rows, "validation"))
    assert [len(batch.latents) for batch in singles + threes] == [1] * 6 + [3] * 2
    for name in ("latents", "noise", "timesteps", "mask"):
        stacked = (torch.cat([getattr(batch, name) for batch in made]) for made in (singles, threes))
        assert torch.equal(*stacked)
    assert singles[0].timesteps.tolist() == [12]


def test_a_forward_pass_reads_what_batch_and_conditioning_have():
    batch, context, vector = batches()[0], torch.zeros(2, 77, 8), torch.zeros(2, 4)
    inputs = forward_inputs(batch, Conditioning(context, vector))
    assert set(inputs) == {"latents", "noise", "timesteps", "loss_weights", "mask", "context", "vector"}
    assert inputs["latents"] is batch.latents and inputs["vector"] is vector
    assert not {"mask", "vector"} & set(forward_inputs(replace(batch, mask=None), Conditioning(context)))
