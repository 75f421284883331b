"""A run stopped anywhere and resumed is the run that was not stopped, to the last bit."""

from dataclasses import replace

import pytest
import torch
from test_training_loop import finished, trainer
from tilewright.training.config import NetworkConfig, OptimizerConfig, SavingConfig
from tilewright.training.state import RunIdentity, latest_state, load_state, models_digest, run_fingerprint, save_state

OPTIMIZERS = {
    "adamw": OptimizerConfig(learning_rate=0.05),
    "cosine and running mean": OptimizerConfig(learning_rate=0.05, scheduler="cosine", warmup=0.2, ema=0.9),
    "accumulation": OptimizerConfig(learning_rate=0.05, accumulation=3),
    "adafactor": OptimizerConfig("Adafactor", learning_rate=0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("stop", [1, 4])
def test_resumed_equals_never_stopped(name, stop, tmp_path):
    whole = finished(trainer(8, optimizer=OPTIMIZERS[name]))

    cut = trainer(8, optimizer=OPTIMIZERS[name])
    course = cut.run()
    for _ in range(stop):
        next(course)
    save_state(tmp_path / "state", cut, RunIdentity("print"), "brick.safetensors")
    resumed = trainer(8, optimizer=OPTIMIZERS[name])
    load_state(tmp_path / "state", resumed)
    assert resumed.step == stop
    finished(resumed)

    assert resumed.losses == whole.losses
    assert all(torch.equal(value, whole.kohya_state()[key]) for key, value in resumed.kohya_state().items())


def test_the_state_furthest_on_is_found_among_those_of_the_same_run(tmp_path):
    run = trainer(8)
    for step, fingerprint in ((2, "mine"), (5, "mine"), (7, "another")):
        run.step = step
        save_state(tmp_path / f"{fingerprint}_{step}", run, RunIdentity(fingerprint), f"lora_{step}")
    (tmp_path / "junk").write_bytes(b"no tensors here")
    assert latest_state(tmp_path.iterdir(), RunIdentity("mine"), 8) == (tmp_path / "mine_5", "lora_5")
    assert latest_state(tmp_path.iterdir(), RunIdentity("mine"), 4) == (tmp_path / "mine_2", "lora_2")
    assert latest_state(tmp_path.iterdir(), RunIdentity("nobody"), 8) is None


def test_the_fingerprint_changes_with_what_changes_the_result_and_with_nothing_else():
    run = trainer()
    model = run.denoise

    def fingerprint(**changes):
        return run_fingerprint(replace(run.config, **changes), run.batches.examples, model)

    same = fingerprint()
    assert same == fingerprint(steps=900, saving=SavingConfig(every_steps=10))
    assert same != fingerprint(seed=1)
    cosine = OptimizerConfig(scheduler="cosine")
    assert fingerprint(optimizer=cosine) != fingerprint(optimizer=cosine, steps=900)
    assert same != fingerprint(network=NetworkConfig(rank=3))
    run.batches.examples[0] = replace(run.batches.examples[0], caption="other")
    assert same != fingerprint()


def test_a_state_belongs_to_the_same_models_only_unless_it_is_too_old_to_tell(tmp_path):
    run = trainer(8)
    save_state(tmp_path / "state", run, RunIdentity("mine", "these"), "lora")
    assert latest_state([tmp_path / "state"], RunIdentity("mine", "these"), 8)
    assert latest_state([tmp_path / "state"], RunIdentity("mine", "others"), 8) is None
    assert RunIdentity("mine", "these").is_of({"format": "tilewright-training-state-2", "fingerprint": "mine"})


def test_a_state_from_before_maps_saw_each_other_so_is_not_gone_on_with(tmp_path):
    run, now = trainer(8), RunIdentity("mine", "these", "2")
    save_state(tmp_path / "before", run, replace(now, sharing=""), "lora")
    assert latest_state([tmp_path / "before"], now, 8) is None
    save_state(tmp_path / "now", run, now, "lora")
    assert latest_state([tmp_path / "now"], now, 8)
    assert latest_state([tmp_path / "now"], replace(now, sharing="3"), 8) is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.uint8, torch.float64])
def test_a_digest_changes_with_every_weight_its_place_and_every_fact(dtype):
    weights = {"a": torch.arange(100).to(dtype), "b": torch.ones(3, 3).to(dtype)}
    digest = models_digest(weights, ("eps", 1))
    assert digest == models_digest({name: value.clone() for name, value in weights.items()}, ("eps", 1))
    assert digest != models_digest(weights, ("v", 1))
    for index in (0, 63, 64, 99):
        changed = weights["a"].clone()
        changed[index] += 1
        assert digest != models_digest({**weights, "a": changed}, ("eps", 1))
    assert digest != models_digest({**weights, "a": weights["a"].roll(1)}, ("eps", 1))
