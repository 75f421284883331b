"""How a run that waits for processes is known again, with stand-ins for a GPU and for what its rounding changes."""

from pathlib import Path
from types import SimpleNamespace

import comfy.model_management
import folder_paths
import pytest
import torch
from safetensors.torch import save_file
from tilewright.common.errors import InputError
from tilewright.host import training as host_training
from tilewright.host.in_graph import identity as told
from tilewright.host.in_graph.setup import Setup
from tilewright.host.in_graph.trained_flow import TrainedFlow
from tilewright.host.in_graph.trained_unet import TrainedUnet
from tilewright.host.run_outside.outside_run import OutsideRun
from tilewright.training.config import ObjectiveConfig, TrainingConfig
from tilewright.training.memory.plan import MemoryPlan
from tilewright.training.metadata import SHARED_ATTENTION
from tilewright.training.state import FORMAT, RunIdentity

ORDER = SimpleNamespace(config=TrainingConfig(), clip=None, name="brick ")


class RoundedByTheGpu(dict):
    """A stand-in for weights on a GPU, where a LoRA in the model is rounded otherwise."""

    def __init__(self, model, network, device, dtype):
        super().__init__({name: value + 1e-3 for name, value in network.named_parameters()})

    def parameters(self):
        return iter(self.values())


@pytest.fixture
def run(tmp_path, monkeypatch):
    """What `known_identity` takes for a network on the CPU, while the host computes on another device."""
    monkeypatch.setattr(folder_paths, "get_output_directory", lambda: str(tmp_path))
    monkeypatch.setattr(comfy.model_management, "get_torch_device", lambda: torch.device("cuda"))
    monkeypatch.setattr(host_training, "text_encoder_digest", lambda clip, skip: "text")
    monkeypatch.setattr(told, "GivenWeights", RoundedByTheGpu)
    network = torch.nn.Linear(4, 4)
    model = SimpleNamespace(model=None, skeleton=lambda dtype: network, identity=lambda: ({}, ()))
    setup = SimpleNamespace(model=model, device=torch.device("cpu"), dtype=torch.float32, sharing="")
    return ORDER, setup, [], network, MemoryPlan()


def of_before(run):
    """The identity by the network's own weights, as it was when the host's device was not asked."""
    order, setup, examples, network, _ = run
    return told.identity_by_weights(order, setup, examples, (network, dict(network.named_parameters())))


def keep_state(folder, identity, name="brick"):
    file = Path(folder, "training", name, "state.safetensors")
    file.parent.mkdir(parents=True)
    header = {"format": FORMAT, "fingerprint": identity.fingerprint, "models": identity.models}
    save_file({"weights.0": torch.zeros(1)}, file, {**header, "step": "7", "lora": "brick.safetensors"})


def test_a_new_run_is_told_by_the_device_that_trains(run):
    assert told.known_identity(*run) == told.run_identity(*run) != of_before(run)


@pytest.mark.parametrize("name", ["brick", "brick_00002"])
def test_a_run_of_before_goes_on_as_it_was_told_then(run, tmp_path, name):
    keep_state(tmp_path, of_before(run), name)
    assert told.known_identity(*run) == of_before(run)


def test_a_run_that_is_told_by_the_device_that_trains_stays_so(run, tmp_path, monkeypatch):
    keep_state(tmp_path, of_before(run))
    now = told.run_identity(*run)
    keep_state(tmp_path, now, "brick_00002")
    asked = []
    monkeypatch.setattr(told, "models_digest", lambda *given: asked.append(given) or now.models)
    assert told.known_identity(*run) == now and len(asked) == 1


def test_another_runs_state_changes_nothing(run, tmp_path):
    keep_state(tmp_path, of_before(run), "brick_wall")
    assert told.known_identity(*run) == told.run_identity(*run)


@pytest.mark.parametrize(("kind", "maps", "sharing"), [
    (TrainedUnet, "together", str(SHARED_ATTENTION)), (TrainedUnet, "apart", ""), (TrainedFlow, "together", ""),
])  # fmt: skip
def test_only_runs_that_share_otherwise_than_before_are_told_apart_from_those(kind, maps, sharing):
    config = TrainingConfig(objective=ObjectiveConfig(maps=maps))
    assert Setup(object.__new__(kind), config, torch.device("cpu"), torch.float32, True).sharing == sharing


def test_an_exported_run_that_was_begun_with_another_sharing_is_refused(tmp_path):
    keep_state(tmp_path, RunIdentity("mine", "these"))
    run, state = object.__new__(OutsideRun), tmp_path / "training" / "brick" / "state.safetensors"
    run.trainer = SimpleNamespace(steps=8)
    run.output = SimpleNamespace(files=SimpleNamespace(state=state), identity=RunIdentity("mine", "these", "2"))
    with pytest.raises(InputError, match="Export the run anew"):
        run.train()
