"""Recorded passes, with a stand-in for the GPU's recorder that runs the recorded function again.

It shows what goes into a recording and comes out of it; that a CUDA graph replays what it recorded, the GPU shows.
"""

import pytest
import torch
from test_training_loop import trainer
from tilewright.training.config import ConfigError, NetworkConfig, OptimizerConfig, TrainingConfig
from tilewright.training.cuda_graph import CapturedPass

WARM_UP = 2


class RunsAgain:
    """Like a CUDA graph it reads and writes the very tensors it met when it recorded."""

    def __init__(self):
        self.recordings = 0

    def __call__(self, run):
        self.recordings += 1
        for _ in range(WARM_UP):
            run()
        result = run().clone()
        return lambda: result.copy_(run()), result


def step(run, compute):
    """Loss and gradients of three batches added up."""
    losses = [compute(run.inputs(run.batches[number])) for number in range(3)]
    return losses, [parameter.grad.clone() for parameter in run.parameters]


def test_a_replayed_pass_gives_the_losses_and_gradients_of_a_plain_one():
    plain, graphed = trainer(), trainer()
    recorder = RunsAgain()
    expected = step(plain, plain.forward_backward)
    found = step(graphed, CapturedPass(graphed.forward_backward, graphed.parameters, recorder))
    assert recorder.recordings == 1
    assert torch.equal(torch.stack(found[0]), torch.stack(expected[0]))
    torch.testing.assert_close(found[1], expected[1], rtol=0, atol=0)


def test_every_shape_has_a_recording_of_its_own():
    run, recorder = trainer(), RunsAgain()
    compute = CapturedPass(run.forward_backward, run.parameters, recorder)
    inputs = run.inputs(run.batches[0])
    narrow = {**inputs, "latents": inputs["latents"][..., :4], "noise": inputs["noise"][..., :4]}
    for given in (inputs, narrow, inputs, narrow):
        compute(given)
    assert recorder.recordings == 2


def test_gradients_stay_where_the_recording_writes_them():
    run = trainer(optimizer=OptimizerConfig(learning_rate=0.05))
    compute = CapturedPass(run.forward_backward, run.parameters, RunsAgain())
    places = [parameter.grad.data_ptr() for parameter in run.parameters]
    for _ in range(2):
        compute(run.inputs(run.batches[0]))
        run.optimizer.zero_grad(set_to_none=False)
    assert [parameter.grad.data_ptr() for parameter in run.parameters] == places


@pytest.mark.parametrize("changing", [{"dropout": 0.1}, {"text_encoder": True}])
def test_what_changes_from_step_to_step_cannot_be_recorded(changing):
    with pytest.raises(ConfigError, match=f"CUDA graph.*{next(iter(changing))}"):
        TrainingConfig(acceleration="CUDA graph", network=NetworkConfig(**changing))
