"""A run in several processes is the run of one: the same losses and weights at the same batch."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.training.batches import Batches
from tilewright.training.config import NetworkConfig, OptimizerConfig, TrainingConfig
from tilewright.training.data import Conditioning, Example
from tilewright.training.exported_run import Destination, ExportedRun, ModelFile, StoredTexts, read_run
from tilewright.training.loop import Trainer
from tilewright.training.lora import LoraNetwork
from tilewright.training.noise import NoiseSchedule
from tilewright.training.parallel import ALONE, Share, check_gpus, joined_group
from tilewright.training.text_rows import TextRows

WORKER = Path(__file__).resolve().parent.parent / "parallel_worker.py"


def trainer(share=ALONE, steps=5):
    """A run on a denoiser of one layer; each of the processes builds the same."""
    torch.manual_seed(0)
    mix = torch.nn.Linear(4, 4).requires_grad_(False)
    draw = torch.Generator().manual_seed(1)
    examples = [Example(torch.randn(4, 8, 8, generator=draw), str(i), (64, 64), tileable=True) for i in range(5)]
    config = TrainingConfig(
        steps, 4, 64, network=NetworkConfig(rank=2, alpha=2), optimizer=OptimizerConfig(learning_rate=0.05)
    )
    network = LoraNetwork({"lora_unet_mix": mix}, config.network, config.seed)
    network.attach()

    def denoise(noisy, timesteps, conditioning):
        return mix(noisy.movedim(1, -1)).movedim(-1, 1)

    def texts(captions, sizes):
        return Conditioning(torch.zeros(len(captions), 1, 1))

    schedule = NoiseSchedule(torch.linspace(0.99, 0.01, 50).double(), "eps")
    return Trainer(network, denoise, texts, examples, schedule, config, torch.device("cpu"), share=share)


@pytest.mark.slow
@pytest.mark.parametrize("processes", [2, 4])
def test_processes_train_what_one_trains(tmp_path, processes):
    alone = trainer()
    for _ in alone.run():
        pass
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    subprocess.run([*launcher, WORKER, tmp_path], check=True, timeout=240)
    for rank in range(processes):
        found = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        torch.testing.assert_close(torch.tensor(found["losses"]), torch.tensor(alone.losses), atol=1e-5, rtol=1e-5)
        assert found["gathered"] == [10 * other for other in range(processes)]
        for name, value in alone.kohya_state().items():
            torch.testing.assert_close(found["state"][name], value, atol=1e-5, rtol=1e-5)


def failing_collective(seen):
    group = torch.distributed.group.WORLD
    torch.distributed.all_reduce(torch.ones(2), group=group)
    seen += group_threads()
    raise RuntimeError("a process is gone")


def group_threads():
    threads = Path("/proc/self/task").iterdir()
    return [name for thread in threads if "gloo" in (name := (thread / "comm").read_text())]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="the names of threads are read from there")
def test_no_thread_of_the_group_outlives_it_though_an_error_held_it(monkeypatch):
    for name, value in {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0", "RANK": "0", "WORLD_SIZE": "1"}.items():
        monkeypatch.setenv(name, value)
    seen = []
    with pytest.raises(RuntimeError, match="a process is gone") as held, joined_group("gloo"):
        failing_collective(seen)
    assert seen and held.value.__traceback__ is not None and group_threads() == []


def test_rows_are_dealt_out_in_turn():
    run = trainer()
    batch = run.batches[0]
    parts = [Share(rank, 2).rows(batch) for rank in range(2)]
    assert torch.equal(torch.stack([part.latents for part in parts], 1).flatten(0, 1), batch.latents)
    assert [part.captions for part in parts] == [batch.captions[0::2], batch.captions[1::2]]
    assert ALONE.rows(batch) is batch
    assert isinstance(run.batches, Batches)


def test_one_process_is_left_alone():
    gradient, loss = torch.ones(2), torch.tensor(3.0)
    assert ALONE.averaged([gradient], loss) is loss
    assert ALONE.gathered("plan") == ["plan"]
    assert ALONE.any_wants(True, torch.device("cpu"))


def test_a_batch_that_cannot_be_shared_is_refused():
    with pytest.raises(InputError, match="multiple of 3"):
        trainer(Share(0, 3))


def test_each_process_has_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    check_gpus(2)
    with pytest.raises(InputError, match="has 2 GPUs"):
        check_gpus(3)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    check_gpus(64)  # they share the processor


def test_a_run_comes_back_from_its_folder(tmp_path):
    mask = torch.rand(1, 8, 8)
    examples = [
        Example(torch.rand(4, 8, 8), "brick", (64, 64), 2, tileable=True, material="a"),
        Example(torch.rand(4, 8, 8), "moss", (64, 64), mask=mask),
    ]
    config = TrainingConfig(7, network=NetworkConfig(rank=3), optimizer=OptimizerConfig(learning_rate=0.5))
    texts = {
        ("brick", (64, 64)): TextRows(({"context": torch.rand(1, 3, 2), "y": torch.rand(1, 2)},)),
        ("moss", (64, 64)): TextRows(({"context": torch.rand(1, 5, 2), "y": torch.rand(1, 2)},)),
    }
    source = ModelFile("diffusion_model", "model.safetensors", "abc", "float8_e4m3fn")
    written = Destination("bricks.safetensors", "bricks", "fingerprint", "models")
    ExportedRun("bricks", config, source, True, 2, examples[:1], examples[1:], texts, written).write(tmp_path)
    run = read_run(tmp_path)
    assert run.destination == written
    assert (run.name, run.config, run.model, run.wraps, run.clip_skip) == ("bricks", config, source, True, 2)
    assert torch.equal(run.held_out[0].mask, mask)
    assert (run.examples[0].repeats, run.examples[0].material, run.examples[0].size) == (2, "a", (64, 64))
    told = StoredTexts(run.texts, torch.device("cpu"))(["moss", "brick"], [(64, 64)] * 2)
    assert torch.equal(told.rows[0]["context"], texts["moss", (64, 64)].rows[0]["context"])


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="no folder of an exported run"):
        read_run(tmp_path)
